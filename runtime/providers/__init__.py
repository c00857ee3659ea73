"""ONNX Runtime's execution providers: which there are, a session on one, why one does not work.

Here lives what knows ONNX Runtime's options, wheels and libraries, and the machine's CPUs and GPUs.
What a graph computes is not known here.
"""
