"""Which pictures are to be made: presets, the paper's figures, and the recipe of a picture.

Here lives what stands before a picture and what is written down of it; nothing here computes one.
"""
