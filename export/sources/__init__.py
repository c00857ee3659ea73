"""Where VGG-19's weights come from: files of several kinds, and places to get them from.

Here lives what reads and fetches files of weights. What the weights are for is not known here.
"""
