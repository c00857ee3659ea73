"""Graphs at work: a program on a provider, tensors in its memory, the choice of a provider.

Here lives what runs graphs on bare arrays. Pictures, losses and settings are not known here.
"""
