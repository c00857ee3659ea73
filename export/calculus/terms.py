"""Formulas over a graph: arithmetic on its values, written as Python writes it."""

from typing import Union

import numpy as np
import numpy.typing as npt
from onnx import TensorProto

from stylize.export.calculus.graph import Dimensions, Graph

Operand = Union["Term", float]

IMAGE: Dimensions = (1, 3, "height", "width")
NUMBER: Dimensions = ()


class Term:
    """A value of a graph; operators append nodes and return what those give.

    Shapes broadcast as NumPy's do; a number stands for a constant of the graph's dtype.
    Comparisons give booleans, which ``&``, ``|`` and ``~`` combine. These are written without And,
    Or, Min and Max, for which some providers have no kernel.

    Parameters
    ----------
    graph : Graph
        The graph to which nodes are appended.
    name : str
        The value's name.
    """

    def __init__(self, graph: Graph, name: str) -> None:
        self.graph = graph
        self.name = name

    def op(
        self, op: str, *others: Operand, name: str | None = None, **attributes: object
    ) -> "Term":
        """Append any operator; this value is its first input."""
        inputs = [self.name, *(self.lift(other).name for other in others)]
        return Term(self.graph, self.graph.add(op, *inputs, name=name, **attributes))

    def lift(self, value: Operand) -> "Term":
        """Return a number as a constant, and a term as it is."""
        return value if isinstance(value, Term) else Term(self.graph, self.graph.constant(value))

    def __add__(self, other: Operand) -> "Term":
        return self.op("Add", other)

    def __sub__(self, other: Operand) -> "Term":
        return self.op("Sub", other)

    def __rsub__(self, other: Operand) -> "Term":
        return self.lift(other) - self

    def __mul__(self, other: Operand) -> "Term":
        return self.op("Mul", other)

    __radd__, __rmul__ = __add__, __mul__

    def __truediv__(self, other: Operand) -> "Term":
        return self.op("Div", other)

    def __rtruediv__(self, other: Operand) -> "Term":
        return self.lift(other) / self

    def __matmul__(self, other: "Term") -> "Term":
        return self.op("MatMul", other)

    def __neg__(self) -> "Term":
        return self.op("Neg")

    def __lt__(self, other: Operand) -> "Term":
        return self.op("Less", other)

    def __gt__(self, other: Operand) -> "Term":
        return self.op("Greater", other)

    def __and__(self, other: "Term") -> "Term":
        return self.as_number() * other.as_number() > 0.5

    def __or__(self, other: "Term") -> "Term":
        return self.as_number() + other.as_number() > 0.5

    def __invert__(self) -> "Term":
        return self.op("Not")

    def where(self, condition: "Term", otherwise: Operand, name: str | None = None) -> "Term":
        """Return this value where the condition holds, and the other elsewhere."""
        return condition.op("Where", self, otherwise, name=name)

    def at_least(self, bound: Operand) -> "Term":
        """Return this value, or the bound where it is less; what is not a number stays so."""
        least = self.lift(bound)
        return least.where(self < least, self)

    def at_most(self, bound: Operand) -> "Term":
        """Return this value, or the bound where it is greater; what is not a number stays so."""
        most = self.lift(bound)
        return most.where(self > most, self)

    def as_number(self) -> "Term":
        """Return 1 for true and 0 for false."""
        return self.op("Cast", to=self.graph.element_type)

    def as_whole_number(self) -> "Term":
        """Return this value as int64."""
        return self.op("Cast", to=TensorProto.INT64)

    def held(self) -> "Term":
        """Return the same value as a constant: no gradient is led through it."""
        held = self.op("Identity")
        self.graph.held.add(held.name)
        return held

    def shaped(self, *shape: int) -> "Term":
        """Return the same numbers in another shape; -1 stands for all that remains."""
        return self.op("Reshape", whole_numbers(self.graph, np.array(shape, np.int64)))

    def row(self, index: int) -> "Term":
        """Return a row of a matrix, or an element of a vector; -1 is the last."""
        return self.op("Gather", whole_numbers(self.graph, index), axis=0)

    def rows(self, count: int) -> "list[Term]":
        """Return the first rows of a matrix, or elements of a vector."""
        return [self.row(index) for index in range(count)]


def inputs(graph: Graph, shapes: dict[str, Dimensions]) -> dict[str, Term]:
    """Declare inputs of the graph's dtype."""
    return {name: Term(graph, graph.input(name, shape)) for name, shape in shapes.items()}


def whole_numbers(graph: Graph, values: npt.ArrayLike) -> Term:
    """Return a constant of int64."""
    return Term(graph, graph.constant(values, np.int64))
