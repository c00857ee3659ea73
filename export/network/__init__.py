"""VGG-19: its architecture, its weights as they are stored, its forward graph.

Here lives what knows the network, and the same in torch, as the truth that graphs are compared
with. Losses of graphs are not known here, nor where weights come from.
"""
