"""The paper's method as graphs: losses, their gradient by the image, and the optimisers.

Here lives what is computed. How ONNX Runtime computes it fastest is `stylize.export.lowering`'s;
files are `stylize.export.writing`'s.
"""
