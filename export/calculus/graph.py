"""An ONNX graph under construction: named values, operators appended in order of execution."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

OPSET = 17
"""Newer opsets lose ONNX Runtime's blocked CPU convolutions on releases before 1.25."""
IR_VERSION = 8

Array = npt.NDArray[Any]
Dimensions = Sequence[int | str]


class Graph:
    """Nodes, constants, inputs and outputs; values are handled by their names.

    Parameters
    ----------
    dtype : numpy dtype
        Type of every floating-point value. It is float32 for the graphs that are shipped, and
        float64 for tests that compare without rounding.
    """

    def __init__(self, dtype: npt.DTypeLike = np.float32) -> None:
        self.dtype = np.dtype(dtype)
        self.element_type = helper.np_dtype_to_tensor_dtype(self.dtype)
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, onnx.TensorProto] = {}
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self.gradient_scale: str | None = None
        """The value by which gradients are divided wherever they are narrower than `dtype`."""
        self.held: set[str] = set()
        """Values through which no gradient is led, as if they were constants."""
        self._names: set[str] = set()
        self._narrow: dict[str, np.dtype[Any]] = {}
        self._counts: dict[str, int] = {}
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def input(self, name: str, shape: Dimensions, dtype: npt.DTypeLike | None = None) -> str:
        """Declare an input, of the graph's dtype or another; string dimensions are symbolic."""
        self.inputs.append(self._info(name, shape, dtype))
        return self.fresh(name)

    def give(
        self, name: str, value: str, shape: Dimensions, dtype: npt.DTypeLike | None = None
    ) -> None:
        """Let an input, `name`, take the place of a value that was computed until now."""
        self.nodes = [node for node in self.nodes if value not in node.output]
        self.rename(value, name)
        self.inputs.append(self._info(name, shape, dtype))

    def rename(self, value: str, name: str) -> None:
        """Let whatever takes a value take another."""
        for node in self.nodes:
            node.input[:] = [name if each == value else each for each in node.input]

    def output(
        self, name: str, value: str, shape: Dimensions, dtype: npt.DTypeLike | None = None
    ) -> None:
        """Declare `value` an output, of the graph's dtype or another, to be known as `name`."""
        if value != name:
            self.nodes.append(helper.make_node("Identity", [value], [name], name=name))
        self.outputs.append(self._info(name, shape, dtype))

    def _info(
        self, name: str, shape: Dimensions, dtype: npt.DTypeLike | None
    ) -> onnx.ValueInfoProto:
        element_type = helper.np_dtype_to_tensor_dtype(np.dtype(dtype or self.dtype))
        return helper.make_tensor_value_info(name, element_type, shape)

    def add(self, op: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """Append an operator and return the name of its output: `name`, if that is not taken."""
        output = self.fresh(name or op.lower())
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        narrow = [self._narrow[value] for value in inputs if value in self._narrow]
        if narrow and op != "Cast":
            self._narrow[output] = narrow[0]
        return output

    def cast(self, value: str, dtype: npt.DTypeLike, name: str | None = None) -> str:
        """Append a conversion, and remember if it is to a narrower type than the graph's."""
        output = self.add(
            "Cast", value, name=name, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        )
        if np.dtype(dtype) != self.dtype:
            self._narrow[output] = np.dtype(dtype)
        return output

    def dtype_of(self, value: str) -> np.dtype[Any]:
        """Return the type of a floating-point value."""
        return self._narrow.get(value, self.dtype)

    def sum(self, terms: Sequence[str]) -> str:
        """Append the sum of one or more values of the same shape."""
        total, *rest = terms
        for term in rest:
            total = self.add("Add", total, term)
        return total

    def either(self, condition: str, then: Callable[[], str], otherwise: Callable[[], str]) -> str:
        """Append an If. What a function appends is its branch, and is of no use outside of it."""
        branches = [self._branch(then), self._branch(otherwise)]
        output = self.fresh("if")
        self.nodes.append(
            helper.make_node(
                "If",
                [condition],
                [output],
                name=output,
                then_branch=branches[0],
                else_branch=branches[1],
            )
        )
        return output

    def _branch(self, build: Callable[[], str]) -> onnx.GraphProto:
        start = len(self.nodes)
        value = build()
        self.nodes, nodes = self.nodes[:start], self.nodes[start:]
        output = helper.make_tensor_value_info(value, self.element_type, None)
        return helper.make_graph(nodes, f"{value}.branch", [], [output])

    def constant(self, value: npt.ArrayLike, dtype: npt.DTypeLike | None = None) -> str:
        """Return a constant of the graph's dtype (or `dtype`); equal constants are shared."""
        array = np.asarray(value, dtype or self.dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            tensor = numpy_helper.from_array(array, self.fresh("constant"))
            self._constants[key] = self.initializer(tensor)
        return self._constants[key]

    def integers(self, *values: int) -> str:
        """Return a constant int64 vector."""
        return self.constant(values, np.int64)

    def initializer(self, tensor: onnx.TensorProto) -> str:
        """Add a stored tensor, unless it is there already, and return its name."""
        self.initializers.setdefault(tensor.name, tensor)
        return tensor.name

    def fresh(self, wish: str) -> str:
        """Return a value name that is not taken yet, `wish` itself where possible."""
        name, count = wish, self._counts.get(wish, 1)
        while name in self._names:
            count += 1
            name = f"{wish}.{count}"
        self._names.add(name)
        self._counts[wish] = count
        return name

    def model(self, name: str) -> onnx.ModelProto:
        """Return the finished model, without what no output needs."""
        nodes = needed(self.nodes, [output.name for output in self.outputs])
        used = {value for node in nodes for value in uses(node)}
        graph = helper.make_graph(
            nodes,
            name,
            [value for value in self.inputs if value.name in used],
            self.outputs,
            [tensor for name, tensor in self.initializers.items() if name in used],
        )
        return helper.make_model(
            graph,
            producer_name="stylize",
            ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
        )


def needed(nodes: Sequence[onnx.NodeProto], values: Iterable[str]) -> list[onnx.NodeProto]:
    """Return the nodes, in order, that the `values` depend on."""
    wanted = set(values)
    kept: list[onnx.NodeProto] = []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(uses(node))
    return kept[::-1]


def uses(node: onnx.NodeProto) -> Iterator[str]:
    """Yield the values that a node, or a branch of it, takes."""
    yield from node.input
    for attribute in node.attribute:
        for inner in attribute.g.node:
            yield from uses(inner)


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Return a node's attributes by name."""
    return {item.name: helper.get_attribute_value(item) for item in node.attribute}
