"""Graphs rewritten for ONNX Runtime's blocked layout on CPUs: the same function, faster.

Here lives what knows how ONNX Runtime computes. What is computed is given: no loss and no network
is known here.
"""
