"""A graph turned into the float64 graph of the same numbers, to check it without rounding.

Requires a graph whose external data has been loaded; ensures that every float32 or float16 tensor,
input, output and conversion is float64. The scales of a Resize stay float32, as its definition
wants.
"""

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

NARROW = (TensorProto.FLOAT, TensorProto.FLOAT16)


def widen(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a float64 copy of a model."""
    wide = onnx.ModelProto()
    wide.CopyFrom(model)
    scales = {node.input[2] for node in wide.graph.node if node.op_type == "Resize"}
    for tensor in wide.graph.initializer:
        if tensor.data_type in NARROW and tensor.name not in scales:
            values = numpy_helper.to_array(tensor).astype(np.float64)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    for value in (*wide.graph.input, *wide.graph.output):
        value.type.tensor_type.elem_type = TensorProto.DOUBLE
    for node in wide.graph.node:
        if node.op_type == "Cast" and node.attribute[0].i in NARROW:
            node.attribute[0].i = TensorProto.DOUBLE
    return wide
