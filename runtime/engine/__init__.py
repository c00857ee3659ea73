"""Graphs at work: a program on a provider, tensors in its memory, the choice of a provider.

Here lives what runs graphs on bare arrays, and what that needs of memory. Pixels of pictures and
the terms of a loss are not known here.
"""
