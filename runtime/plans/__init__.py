"""Which pictures are to be made: presets, the paper's figures, recipes, and checkpoints.

Here lives what is decided before a picture is made, and what is written down about it. Nothing here
computes a picture.
"""
