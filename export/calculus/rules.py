"""Vector-Jacobian products: one rule for each ONNX operator that the forward graphs use.

A rule is called with the graph, a node, the name of the gradient with respect to the node's first
output, and the indices of the inputs for which a gradient is wanted. It appends nodes and returns
the gradients' names by input index.

The element-wise rules assume that a differentiated operand is not broadcast, which holds wherever
the other operand is a scalar or has the same shape.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx

from stylize.export.calculus.graph import Graph, attributes
from stylize.models.errors import UnsupportedOperatorError

Wanted = frozenset[int]
Rule = Callable[[Graph, onnx.NodeProto, str, Wanted], dict[int, str]]


def conv(graph: Graph, node: onnx.NodeProto, gradient: str, wanted: Wanted) -> dict[int, str]:
    """Y = W * x: correlate the gradient with the kernel turned by 180 degrees.

    The turned kernel is derived here from the forward one, and folded when the graph is loaded.
    """
    found = attributes(node)
    _require_plain_convolution(node, found)
    kernel = found["kernel_shape"]
    pads = found.get("pads", [0] * 2 * len(kernel))
    turned = graph.add("Transpose", node.input[1], perm=[1, 0, 2, 3])
    if kernel != [1, 1]:
        turned = _reverse(graph, turned, axes=(2, 3))
    full = [size - 1 - pad for size, pad in zip(kernel * 2, pads, strict=True)]
    name = f"gradient.{node.input[0]}"
    return {0: graph.add("Conv", gradient, turned, name=name, kernel_shape=kernel, pads=full)}


def relu(graph: Graph, node: onnx.NodeProto, gradient: str, wanted: Wanted) -> dict[int, str]:
    """Y = max(x, 0): pass the gradient where y > 0, and nothing where y = 0, as torch does."""
    zero = graph.constant(0, graph.dtype_of(gradient))
    positive = graph.add("Greater", node.output[0], zero)
    return {0: graph.add("Where", positive, gradient, zero, name=f"gradient.{node.input[0]}")}


def average_pool(
    graph: Graph, node: onnx.NodeProto, gradient: str, wanted: Wanted
) -> dict[int, str]:
    """Share each gradient equally among its window; a dropped odd row or column gets zero."""
    height, width = _pool_window(node)
    weight = graph.constant(1 / (height * width), graph.dtype_of(gradient))
    share = graph.add("Mul", gradient, weight)
    scales = graph.constant([1, 1, height, width], np.float32)
    spread = graph.add(
        "Resize",
        share,
        "",
        scales,
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    missing = graph.add("Sub", graph.add("Shape", node.input[0]), graph.add("Shape", spread))
    pads = graph.add("Concat", graph.integers(0, 0, 0, 0), missing, axis=0)
    return {0: graph.add("Pad", spread, pads, name=f"gradient.{node.input[0]}")}


def max_pool(graph: Graph, node: onnx.NodeProto, gradient: str, wanted: Wanted) -> dict[int, str]:
    """Give each gradient to the first maximum of its window, as torch does."""
    _pool_window(node)
    if len(node.output) == 1:
        node.output.append(graph.fresh(f"{node.output[0]}.indices"))
    # The zeros are computed, not a constant: folded at load, a constant would keep a feature map
    # of full size in memory for every pooling.
    flat = graph.integers(-1)
    zeros = graph.add("Reshape", graph.add("Sub", node.input[0], node.input[0]), flat)
    scattered = graph.add(
        "ScatterElements",
        zeros,
        graph.add("Reshape", node.output[1], flat),
        graph.add("Reshape", gradient, flat),
        axis=0,
    )
    return {0: _like(graph, scattered, node.input[0])}


def gemm(graph: Graph, node: onnx.NodeProto, gradient: str, wanted: Wanted) -> dict[int, str]:
    """G = F Fᵀ, the Gram matrix (eq. 3): with D = dL/dG, dL/dF = (D + Dᵀ) F."""
    features, other = node.input
    if features != other or attributes(node) != {"transB": 1}:
        raise UnsupportedOperatorError(
            f"Gemm '{node.output[0]}' is not a Gram matrix F Fᵀ; there is no rule for others."
        )
    both = graph.add("Add", gradient, graph.add("Transpose", gradient, perm=[1, 0]))
    return {0: graph.add("Gemm", both, features, name=f"gradient.{features}")}


def matmul(graph: Graph, node: onnx.NodeProto, gradient: str, wanted: Wanted) -> dict[int, str]:
    """Y = A B of two matrices: dL/dA = D Bᵀ and dL/dB = Aᵀ D."""
    left, right = node.input
    gradients = {}
    if 0 in wanted:
        turned = graph.add("Transpose", right, perm=[1, 0])
        gradients[0] = graph.add("MatMul", gradient, turned)
    if 1 in wanted:
        turned = graph.add("Transpose", left, perm=[1, 0])
        gradients[1] = graph.add("MatMul", turned, gradient)
    return gradients


def reshape(graph: Graph, node: onnx.NodeProto, gradient: str, wanted: Wanted) -> dict[int, str]:
    """Give the gradient the shape of the input."""
    return {0: _like(graph, gradient, node.input[0])}


def add(graph: Graph, node: onnx.NodeProto, gradient: str, wanted: Wanted) -> dict[int, str]:
    """Y = a + b."""
    return dict.fromkeys(wanted, gradient)


def sub(graph: Graph, node: onnx.NodeProto, gradient: str, wanted: Wanted) -> dict[int, str]:
    """Y = a - b."""
    return {i: graph.add("Neg", gradient) if i else gradient for i in wanted}


def mul(graph: Graph, node: onnx.NodeProto, gradient: str, wanted: Wanted) -> dict[int, str]:
    """Y = a b. A square is taken at once: twice its root times the gradient."""
    if node.input[0] == node.input[1]:
        twice = graph.add("Mul", gradient, graph.constant(2))
        return {0: graph.add("Mul", node.input[0], twice)}
    return {i: graph.add("Mul", gradient, node.input[1 - i]) for i in wanted}


def cast(graph: Graph, node: onnx.NodeProto, gradient: str, wanted: Wanted) -> dict[int, str]:
    """Y = x in another type, between the graph's own and a narrower one.

    Gradients may leave the narrower type's range. In it they are divided by the graph's
    ``gradient_scale``. In sum that is exact, since what follows on the way back is linear.
    """
    scale = graph.gradient_scale
    if scale is None:
        raise UnsupportedOperatorError(f"Cast '{node.output[0]}': the graph has no gradient scale.")
    dtype = graph.dtype_of(node.input[0])
    if dtype != graph.dtype:
        return {0: graph.cast(graph.add("Div", gradient, scale), dtype)}
    return {0: graph.add("Mul", graph.cast(gradient, dtype), scale)}


def squeeze(graph: Graph, node: onnx.NodeProto, gradient: str, wanted: Wanted) -> dict[int, str]:
    """Y = a sum of one number. The gradient stays a number, for `reduce_sum`."""
    if _producer(graph, node.input[0]).op_type != "ReduceSum" or attributes(node):
        raise UnsupportedOperatorError(
            f"Squeeze '{node.output[0]}' does not follow a ReduceSum; there is no rule for others."
        )
    return {0: gradient}


def reduce_sum(graph: Graph, node: onnx.NodeProto, gradient: str, wanted: Wanted) -> dict[int, str]:
    """Y = sum of the squares of x, one number: each square has the gradient that y has.

    The gradient stays a number, since the rule of the square multiplies it by x.
    """
    square = _producer(graph, node.input[0])
    is_square = square.op_type == "Mul" and square.input[0] == square.input[1]
    if len(node.input) > 1 or not is_square:
        raise UnsupportedOperatorError(
            f"ReduceSum '{node.output[0]}' is no sum of all elements of a square x x; there is no "
            "rule for others."
        )
    return {0: gradient}


RULES: dict[str, Rule] = {
    "Add": add,
    "AveragePool": average_pool,
    "Cast": cast,
    "Conv": conv,
    "Gemm": gemm,
    "MatMul": matmul,
    "MaxPool": max_pool,
    "Mul": mul,
    "ReduceSum": reduce_sum,
    "Relu": relu,
    "Reshape": reshape,
    "Squeeze": squeeze,
    "Sub": sub,
}

FLAT = frozenset({"Shape"})
"""Operators whose output does not change with small changes of the input's values."""


def _require_plain_convolution(node: onnx.NodeProto, found: dict[str, Any]) -> None:
    """Raise an error for a stride, a dilation, groups or automatic padding."""
    plain = {"kernel_shape", "pads"}
    for name, value in found.items():
        if name not in plain and set(np.atleast_1d(value)) != {1}:
            raise UnsupportedOperatorError(
                f"Conv '{node.output[0]}' has {name} = {value}; the gradient rule knows "
                "convolutions of stride 1 without dilation or groups."
            )


def _pool_window(node: onnx.NodeProto) -> list[int]:
    """Return (height, width) of a pooling whose windows tile the image."""
    others = attributes(node)
    window: list[int] = others.pop("kernel_shape")
    if others != {"strides": window}:
        raise UnsupportedOperatorError(
            f"{node.op_type} '{node.output[0]}' has {others}; the gradient rule knows "
            f"windows side by side, without padding: strides = {window}."
        )
    return window


def _reverse(graph: Graph, value: str, axes: tuple[int, ...]) -> str:
    """Reverse a tensor along some axes."""
    ones = [-1] * len(axes)
    begin, end = graph.integers(*ones), graph.integers(*[np.iinfo(np.int64).min] * len(axes))
    return graph.add("Slice", value, begin, end, graph.integers(*axes), graph.integers(*ones))


def _producer(graph: Graph, value: str) -> onnx.NodeProto:
    return next((node for node in graph.nodes if value in node.output), onnx.NodeProto())


def _like(graph: Graph, value: str, model: str) -> str:
    return graph.add("Reshape", value, graph.add("Shape", model))
