"""The paper's method as graphs: losses, their gradient by the image, and the optimisers.

Here lives what is computed. `stylize.export.lowering` knows how ONNX Runtime computes it fastest,
and `stylize.export.writing` knows files.
"""
