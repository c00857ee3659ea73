"""The same function in operators that ONNX Runtime's CPU provider computes fastest.

ONNX Runtime convolves in a blocked layout (16 channels side by side, on AVX-512), but only a few
operators know it: convolutions with constant kernels, poolings, sums, products of two maps.
For everything else the maps are reordered before and after, which costs as much as the operator.
Here a graph that was differentiated is rewritten, node by node, so that the maps stay in that
layout:

- the mask of a ReLU's gradient is a depthwise convolution and a Clip that fuses into it;
- what comes from outside the layout (a Gram matrix's gradient) enters by a convolution, into
  which the sum fuses that awaits it;
- convolutions of many channels work on phases (`stylize.export.lowering.phases`) with fewer
  multiplications (`stylize.export.lowering.winograd`), and the poolings between them cost next to
  nothing.

The plain graph remains the one that other providers run and that this one is tested against.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import onnx
from onnx import helper, shape_inference

from stylize.export.calculus.graph import Dimensions, Graph, attributes
from stylize.export.lowering import winograd
from stylize.export.lowering.phases import (
    HUGE,
    Phases,
    average,
    depthwise,
    join,
    pad_if_odd,
    split,
    spread,
)

FEWEST_CHANNELS = 256
"""Channels, of the input or the output, from which on fewer multiplications pay."""

Value = str | Phases


def lower(plain: onnx.ModelProto, fewest_channels: int = FEWEST_CHANNELS) -> onnx.ModelProto:
    """Return a model with the same inputs and outputs that is faster on the CPU provider.

    Parameters
    ----------
    plain : ModelProto
        A model of `stylize.export.method.assemble`. Other operators are kept as they are.
    fewest_channels : int
        Convolutions of 3x3 with at least so many input or output channels are computed on phases.
    """
    return _Lowering(plain, fewest_channels).model()


class _Lowering:
    """The rewriting of one model.

    A node is recognised and rewritten, or copied with whole maps as inputs. What then has no use
    is dropped in the end.
    """

    def __init__(self, plain: onnx.ModelProto, fewest_channels: int) -> None:
        self._plain = plain.graph
        self._fewest_channels = fewest_channels
        self._shapes = dict(_shapes(shape_inference.infer_shapes(plain).graph))
        self._producers = {name: node for node in plain.graph.node for name in node.output}
        self._given = {value.name for value in plain.graph.output}
        self._given |= {node.input[0] for node in plain.graph.node if node.op_type == "Identity"}
        self._rectified = {node.input[0] for node in plain.graph.node if node.op_type == "Relu"}
        self._graph = Graph(_dtype(plain.graph.input[0]))
        self._values: dict[str, Value] = {}
        self._wholes: dict[Phases, str] = {}
        self._phases: dict[tuple[str, float], Phases] = {}

    def model(self) -> onnx.ModelProto:
        """Return the rewritten model."""
        graph = self._graph
        for tensor in self._plain.initializer:
            self._values[tensor.name] = graph.fresh(graph.initializer(tensor))
        for value in self._plain.input:
            self._values[value.name] = graph.input(
                value.name, self._shapes[value.name], _dtype(value)
            )
        for node in self._plain.node:
            self._values |= self._rewritten(node) or self._copied(node)
        for value in self._plain.output:
            whole, shape = self._whole(value.name), self._shapes[value.name]
            graph.output(value.name, whole, shape, _dtype(value))
        return graph.model(self._plain.name)

    def _rewritten(self, node: onnx.NodeProto) -> dict[str, Value]:
        """Return the node's output, or nothing if its like is best left as it is."""
        value = _REWRITERS[node.op_type](self, node) if node.op_type in _REWRITERS else None
        return {} if value is None else {node.output[0]: value}

    def _copied(self, node: onnx.NodeProto) -> dict[str, str]:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.input[:] = [self._whole(name) if name else "" for name in node.input]
        copy.output[:] = [self._graph.fresh(name) for name in node.output]
        copy.name = copy.output[0]
        self._graph.nodes.append(copy)
        return dict(zip(node.output, copy.output, strict=True))

    # One rewriter for each operator; None leaves the node as it is.

    def _conv(self, node: onnx.NodeProto) -> Value | None:
        """Convolve many channels by phases."""
        outputs, inputs = self._shapes[node.input[1]][:2]
        same = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
        if attributes(node) != same or max(int(outputs), int(inputs)) < self._fewest_channels:
            return None
        kernel, *bias = (self._whole(name) for name in node.input[1:])
        return winograd.convolve(
            self._graph,
            self._taken_apart(node.input[0], int(inputs)),
            kernel,
            (int(outputs), int(inputs)),
            *bias,
            shut=node.output[0] in self._rectified,
        )

    def _relu(self, node: onnx.NodeProto) -> Value | None:
        """Take each phase by itself."""
        return self._each(node.input[0], lambda part: self._graph.add("Relu", part))

    def _greater(self, node: onnx.NodeProto) -> Value | None:
        """Make a ReLU's mask: 1 where the response is positive, 0 where it is 0."""
        if not self._is_map(node.input[0]) or node.output[0] in self._given:
            return None
        zero, one = self._graph.constant(0), self._graph.constant(1)

        def mask(part: str) -> str:
            # The least positive response becomes more than 1; what overflows is clipped as well.
            huge = depthwise(self._graph, part, HUGE, self._channels(node.input[0]))
            return self._graph.add("Clip", huge, zero, one)

        return self._each(node.input[0], mask)

    def _where(self, node: onnx.NodeProto) -> Value | None:
        """Multiply a gradient by the mask of a ReLU, or by any that comes from outside."""
        mask, gradient, _ = node.input
        if mask not in self._producers:
            self._take_in(mask)
        elif self._producers[mask].op_type != "Greater" or not self._is_map(gradient):
            return None
        return self._by_phases("Mul", gradient, mask) or self._graph.add(
            "Mul", self._whole(gradient), self._whole(mask), name=node.output[0]
        )

    def _take_in(self, mask: str) -> None:
        """Turn an input of true and false into a map of 1 and 0."""
        value = self._values[mask]
        if value == mask:
            number = self._graph.add("Cast", mask, to=self._graph.element_type)
            self._values[mask] = self._enter(number, mask)

    def _average_pool(self, node: onnx.NodeProto) -> Value | None:
        """Add the phases up."""
        value = self._values[node.input[0]]
        if isinstance(value, str) or attributes(node) != {
            "kernel_shape": [2, 2],
            "strides": [2, 2],
        }:
            return None
        return average(self._graph, value)

    def _pad(self, node: onnx.NodeProto) -> Value | None:
        """End an average pooling's gradient, as `rules.average_pool` writes it.

        Resize, then Pad by Concat(zeros, Sub(Shape(the pooling's input), Shape(the resized))).
        """
        resize, pads = (self._producers.get(name) for name in node.input[:2])
        if resize is None or pads is None or (resize.op_type, pads.op_type) != ("Resize", "Concat"):
            return None
        missing = self._producers[pads.input[1]]
        like = self._values[self._producers[missing.input[0]].input[0]]
        if isinstance(like, Phases):
            return spread(self._graph, self._whole(resize.input[0]), like)
        return pad_if_odd(self._graph, like, self._whole(node.input[0]), like)

    def _gemm(self, node: onnx.NodeProto) -> Value | None:
        """Add the phases' Gram matrices up."""
        rows, others = node.input[:2]
        if rows != others or self._producers[rows].op_type != "Reshape":
            return None
        feature = self._producers[rows].input[0]
        value = self._values[feature]
        if isinstance(value, str):
            return None
        total: list[str] = []
        for part in value.parts:
            matrix = self._matrix(part, feature)
            total = [self._graph.add("Gemm", matrix, matrix, *total, transB=1)]
        return total[0]

    def _reshape(self, node: onnx.NodeProto) -> Value | None:
        """End a Gram matrix's gradient: a product, in the shape of the response."""
        gemm, shape = (self._producers.get(name) for name in node.input)
        if gemm is None or shape is None or shape.op_type != "Shape":
            return None
        feature = shape.input[0]
        if not self._is_map(feature):
            return None
        if gemm.op_type != "Gemm" or "transA" in attributes(gemm):  # that of regions
            return self._returned(node, feature)
        gradient = self._whole(gemm.input[0])
        same = [self._whole(name) for name in gemm.input[2:]]  # in every column

        def enter(part: str) -> str:
            product = self._graph.add("Gemm", gradient, self._matrix(part, feature), *same)
            reshaped = self._graph.add("Reshape", product, self._graph.add("Shape", part))
            return self._enter(reshaped, feature)

        return self._each(feature, enter)

    def _returned(self, node: onnx.NodeProto, feature: str) -> Value:
        """Let a gradient by a response's rows enter."""
        (whole,) = self._copied(node).values()
        value = self._values[feature]
        if isinstance(value, Phases):
            return split(self._graph, whole, value.channels)
        return self._enter(whole, feature)

    def _mul(self, node: onnx.NodeProto) -> Value | None:
        """Multiply phase by phase, or a map by a number: the gradient of a content loss."""
        value, factor = node.input
        if self._is_map(factor):
            return self._pairs(node)
        # By a constant, a pooling's share: a convolution takes it in, or the map leaves the layout.
        if not self._is_map(value) or factor not in self._producers:
            return None
        number = self._whole(factor)
        return self._each(
            value, lambda part: self._enter(self._graph.add("Mul", part, number), value)
        )

    def _pairs(self, node: onnx.NodeProto) -> Value | None:
        """Take phases two by two."""
        return self._by_phases(node.op_type, *node.input)

    def _by_phases(self, op: str, *names: str) -> Phases | None:
        """Apply an operator to two maps by phases, if one of them is there in phases."""
        values = [self._values[name] for name in names]
        channels = [value.channels for value in values if isinstance(value, Phases)]
        if not channels:
            return None
        one, two = (self._taken_apart(name, channels[0]) for name in names)
        return self._paired(op, one, two)

    def _sub(self, node: onnx.NodeProto) -> Value | None:
        """Take apart and negate at once what is subtracted from phases: a content target."""
        value, target = (self._values[name] for name in node.input)
        if not isinstance(value, Phases) or isinstance(target, Phases):
            return None
        return self._paired("Add", value, self._taken_apart(node.input[1], value.channels, -1))

    def _reduce_sum(self, node: onnx.NodeProto) -> Value | None:
        """Add phase by phase; squares at once, since they would leave the layout, too."""
        added = self._producers[node.input[0]]
        if added.op_type == "Reshape":
            return self._sum_of_rows(node, added.input[0])
        if added.op_type != "Mul" or len({*added.input}) > 1 or len(node.input) > 1:
            return None
        value = self._values[added.input[0]]
        parts = value.parts if isinstance(value, Phases) else (value,)
        return self._graph.sum(
            [self._graph.add("ReduceSumSquare", part, keepdims=1) for part in parts]
        )

    def _sum_of_rows(self, node: onnx.NodeProto, feature: str) -> str | None:
        value = self._values[feature]
        if isinstance(value, str):
            return None
        axes = self._whole(node.input[1])
        parts = (self._matrix(part, feature) for part in value.parts)
        return self._graph.sum(
            [self._graph.add("ReduceSum", part, axes, keepdims=1) for part in parts]
        )

    def _each(self, name: str, function: Callable[[str], str]) -> Value:
        """Apply a function to a map, or to each of its phases."""
        value = self._values[name]
        if isinstance(value, str):
            return function(value)
        return value.with_parts([function(part) for part in value.parts])

    def _paired(self, op: str, one: Phases, two: Phases) -> Phases:
        """Apply an operator to each phase of one map and the same of another."""
        pairs = zip(one.parts, two.parts, strict=True)
        return one.with_parts([self._graph.add(op, *pair) for pair in pairs])

    def _whole(self, name: str) -> str:
        value = self._values[name]
        if isinstance(value, str):
            return value
        if value not in self._wholes:
            self._wholes[value] = join(self._graph, value)
        return self._wholes[value]

    def _taken_apart(self, name: str, channels: int, factor: float = 1) -> Phases:
        value = self._values[name]
        if isinstance(value, Phases):
            return value
        if (value, factor) not in self._phases:
            self._phases[value, factor] = split(self._graph, value, channels, factor)
        return self._phases[value, factor]

    def _enter(self, value: str, name: str) -> str:
        """Append a map's way into the blocked layout; the sum that awaits it fuses into it."""
        return depthwise(self._graph, value, 1, self._channels(name))

    def _matrix(self, part: str, name: str) -> str:
        """Append a map's rows, one for each channel."""
        return self._graph.add("Reshape", part, self._graph.integers(self._channels(name), -1))

    def _channels(self, name: str) -> int:
        return int(self._shapes[name][1])

    def _is_map(self, name: str) -> bool:
        return len(self._shapes[name]) == len("NCHW")


_REWRITERS: dict[str, Callable[[_Lowering, onnx.NodeProto], Value | None]] = {
    "Add": _Lowering._pairs,
    "AveragePool": _Lowering._average_pool,
    "Conv": _Lowering._conv,
    "Gemm": _Lowering._gemm,
    "Greater": _Lowering._greater,
    "Mul": _Lowering._mul,
    "Pad": _Lowering._pad,
    "ReduceSum": _Lowering._reduce_sum,
    "Relu": _Lowering._relu,
    "Reshape": _Lowering._reshape,
    "Sub": _Lowering._sub,
    "Where": _Lowering._where,
}


def _dtype(value: onnx.ValueInfoProto) -> "np.dtype[Any]":
    return helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)


def _shapes(graph: onnx.GraphProto) -> Iterator[tuple[str, Dimensions]]:
    """Yield each value's shape, as far as it is known before the size of the image is."""
    for tensor in graph.initializer:
        yield tensor.name, tuple(tensor.dims)
    for value in (*graph.input, *graph.value_info, *graph.output):
        dimensions = value.type.tensor_type.shape.dim
        yield value.name, tuple(dim.dim_param or dim.dim_value for dim in dimensions)
