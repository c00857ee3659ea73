"""Graphs under construction, formulas over them, and reverse-mode differentiation.

Here lives what is true of any graph. Networks, layers and losses are not known here.
"""
