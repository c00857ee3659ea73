"""VGG-19: its architecture, its weights from files, its forward graph.

Here lives what knows the network, and the one module that imports torch. Losses are not known here.
"""
