"""Graphs under construction, formulas over them, and reverse-mode differentiation.

Here lives what is true of any graph. What knows a network, a layer or a loss does not.
"""
