"""Vector-Jacobian products: one rule for each ONNX operator that the forward graphs use.

A rule is called with the graph, a node, the name of the gradient with respect to the node's first
output, and the indices of the inputs for which a gradient is wanted. It appends nodes and returns
the gradients' names by input index.

The element-wise rules assume that a differentiated operand is not broadcast, which holds wherever
the other operand is a scalar or has the same shape.
"""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from stylize.export.calculus.graph import Graph, attributes
from stylize.models.errors import UnsupportedOperatorError

Array = npt.NDArray[Any]
Wanted = frozenset[int]
Rule = Callable[[Graph, onnx.NodeProto, str, Wanted], dict[int, str]]

POSITIVE, FIRST = "positive", "first"
"""What the names of the booleans begin with that the gradients of ReLU and MaxPool ask for."""


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
    positive = graph.add("Greater", node.output[0], zero, name=f"{POSITIVE}.{node.output[0]}")
    return {0: graph.add("Where", positive, gradient, zero, name=f"gradient.{node.input[0]}")}


def average_pool(
    graph: Graph, node: onnx.NodeProto, gradient: str, wanted: Wanted
) -> dict[int, str]:
    """Share each gradient equally among its window; a dropped odd row or column gets zero."""
    height, width = _pool_window(node)
    weight = graph.constant(1 / (height * width), graph.dtype_of(gradient))
    share = graph.add("Mul", gradient, weight)
    name = f"gradient.{node.input[0]}"
    return {0: _spread(graph, share, node, name)}


def max_pool(graph: Graph, node: onnx.NodeProto, gradient: str, wanted: Wanted) -> dict[int, str]:
    """Give each gradient to the first maximum of its window, as torch does.

    MaxPool could tell where the maxima are, but not with every provider. So each place in a window
    has a rank, the first one the highest, and the first maximum is that of the highest rank.
    """
    window = _pool_window(node)
    value, largest = node.input[0], node.output[0]
    dtype = graph.dtype_of(value)
    zero = graph.constant(0, dtype)
    less = graph.add("Less", value, _spread(graph, largest, node))
    ranks = _tiled(graph, np.arange(prod(window), 0, -1).reshape(window), value, dtype)
    ranked = graph.add("Where", less, zero, ranks)
    highest = graph.add("MaxPool", ranked, kernel_shape=window, strides=window)
    highest = _spread(graph, highest, node)
    first = graph.add("Equal", ranked, highest, name=f"{FIRST}.{value}")
    everywhere = _spread(graph, gradient, node)
    return {0: graph.add("Where", first, everywhere, zero, name=f"gradient.{value}")}


def gemm(graph: Graph, node: onnx.NodeProto, gradient: str, wanted: Wanted) -> dict[int, str]:
    """G = F Fᵀ, the Gram matrix (eq. 3): with D = dL/dG, dL/dF = (D + Dᵀ) F.

    Of Y = A Bᵀ, where nothing is led back to A, dL/dB = Dᵀ A.
    """
    features, other = node.input
    if attributes(node) == {"transB": 1} and wanted == {1}:
        name = f"gradient.{other}"
        return {1: graph.add("Gemm", gradient, features, transA=1, name=name)}
    if features != other or attributes(node) != {"transB": 1}:
        raise UnsupportedOperatorError(
            f"Gemm '{node.output[0]}' is not a Gram matrix F Fᵀ, nor A Bᵀ with a constant A; there "
            "is no rule for others."
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
    return {0: graph.add("Reshape", gradient, graph.add("Shape", node.input[0]))}


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


def sqrt(graph: Graph, node: onnx.NodeProto, gradient: str, wanted: Wanted) -> dict[int, str]:
    """Y = √x: divide the gradient by 2 y."""
    half = graph.add("Mul", gradient, graph.constant(0.5, graph.dtype_of(gradient)))
    return {0: graph.add("Div", half, node.output[0])}


def squeeze(graph: Graph, node: onnx.NodeProto, gradient: str, wanted: Wanted) -> dict[int, str]:
    """Y = a sum of one number. The gradient stays a number, for `reduce_sum`."""
    if _producer(graph, node.input[0]).op_type != "ReduceSum" or attributes(node):
        raise UnsupportedOperatorError(
            f"Squeeze '{node.output[0]}' does not follow a ReduceSum; there is no rule for others."
        )
    return {0: gradient}


def reduce_sum(graph: Graph, node: onnx.NodeProto, gradient: str, wanted: Wanted) -> dict[int, str]:
    """Y = sum of each row of a matrix, or of all elements of a product of two of the same shape.

    Each element has the gradient that its sum has. For a product that stays a number, since the
    rule of the product multiplies it by the other factor.
    """
    if len(node.input) > 1 and attributes(node) == {"keepdims": 1}:
        return {0: graph.add("Expand", gradient, graph.add("Shape", node.input[0]))}
    if len(node.input) > 1 or _producer(graph, node.input[0]).op_type != "Mul":
        raise UnsupportedOperatorError(
            f"ReduceSum '{node.output[0]}' is no sum of rows, and none of all elements of a "
            "product x y; there is no rule for others."
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
    "Sqrt": sqrt,
    "Squeeze": squeeze,
    "Sub": sub,
}

FLAT = frozenset({"EyeLike", "Shape"})
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


def _spread(graph: Graph, value: str, pooling: onnx.NodeProto, name: str | None = None) -> str:
    """Give what a pooling's output has to all of its window; a dropped row or column gets zero."""
    scales = graph.constant([1, 1, *_pool_window(pooling)], np.float32)
    spread = graph.add(
        "Resize",
        value,
        "",
        scales,
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    pooled = pooling.input[0]
    missing = graph.add("Sub", graph.add("Shape", pooled), graph.add("Shape", spread))
    pads = graph.add("Concat", graph.integers(0, 0, 0, 0), missing, axis=0)
    return graph.add("Pad", spread, pads, name=name)


def _tiled(graph: Graph, tile: Array, like: str, dtype: np.dtype[Any]) -> str:
    """Repeat a small pattern up to the height and width of a map."""
    size = graph.add("Shape", like, start=2)
    rows, columns = tile.shape
    more = graph.add("Add", size, graph.integers(rows - 1, columns - 1))
    repeats = graph.add("Div", more, graph.integers(rows, columns))
    repeats = graph.add("Concat", graph.integers(1, 1), repeats, axis=0)
    tiled = graph.add("Tile", graph.constant(tile[None, None], dtype), repeats)
    return graph.add("Slice", tiled, graph.integers(0, 0), size, graph.integers(2, 3))


def _reverse(graph: Graph, value: str, axes: tuple[int, ...]) -> str:
    """Reverse a tensor along some axes."""
    ones = [-1] * len(axes)
    begin, end = graph.integers(*ones), graph.integers(*[np.iinfo(np.int64).min] * len(axes))
    return graph.add("Slice", value, begin, end, graph.integers(*axes), graph.integers(*ones))


def _producer(graph: Graph, value: str) -> onnx.NodeProto:
    return next((node for node in graph.nodes if value in node.output), onnx.NodeProto())
