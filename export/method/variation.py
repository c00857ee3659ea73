"""Total variation as a graph: how much neighbouring pixels differ. Gatys et al. do not use it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx

from stylize.export.calculus.graph import Graph
from stylize.export.calculus.terms import IMAGE, NUMBER, Term, inputs, whole_numbers

GREY_LEVELS = 255.0
ROWS, COLUMNS = 2, 3
"""Axes of an image."""


def variation_model(dtype: npt.DTypeLike = np.float32) -> onnx.ModelProto:
    """Add ½ Σ [(x_{i,j+1} - x_{i,j})² + (x_{i+1,j} - x_{i,j})²] to a loss and its gradient.

    The sums run over all channels and over all pixels but those of the last row and column, as
    in jcjohnson/neural-style; x is in grey levels.
    """
    graph = Graph(dtype)
    given = inputs(graph, {"image": IMAGE, "other_gradient": IMAGE})
    given |= inputs(graph, {"other_total": NUMBER, "tv_weight": NUMBER})
    weight = given["tv_weight"]
    neighbours = Neighbours.of(given["image"])
    variation = total_variation(neighbours.squares)
    gradient = given["other_gradient"] + neighbours.gradient(weight)
    graph.output("variation", variation.name, NUMBER)
    graph.output("total", (given["other_total"] + weight * variation).name, NUMBER)
    graph.output("gradient", gradient.name, IMAGE)
    return graph.model("variation")


@dataclass(frozen=True)
class Neighbours:
    """How pixels differ from the next ones, but for those of the last row and column."""

    down: Term
    across: Term

    @classmethod
    def of(cls, image: Term) -> "Neighbours":
        """Return the differences in an image."""
        here = _cut(image, ends=(-1, -1))
        down = _cut(image, starts=(1, 0), ends=(0, -1)) - here
        across = _cut(image, starts=(0, 1), ends=(-1, 0)) - here
        return cls(down, across)

    @property
    def squares(self) -> Term:
        """The square of each pixel's difference from its neighbours."""
        return self.down * self.down + self.across * self.across

    def gradient(self, weight: Term) -> Term:
        """Return the gradient of the total variation times its weight."""
        down, across = self.down, self.across
        slope = _padded(down, before=(1, 0), after=(0, 1)) + _padded(across, (0, 1), (1, 0))
        slope = slope - _padded(down + across, before=(0, 0), after=(1, 1))
        return (GREY_LEVELS**2 * weight) * slope


def total_variation(squares: Term) -> Term:
    """Return the total variation, in grey levels."""
    return GREY_LEVELS**2 / 2 * squares.op("ReduceSum", keepdims=0)


def _cut(image: Term, starts: tuple[int, int] = (0, 0), ends: tuple[int, int] = (0, 0)) -> Term:
    """Leave out so many rows and columns at the start, and at the end (counted as negative)."""
    far = [end or np.iinfo(np.int64).max for end in ends]
    limits = (whole_numbers(image.graph, numbers) for numbers in (starts, far, (ROWS, COLUMNS)))
    return image.op("Slice", *limits)


def _padded(image: Term, before: tuple[int, int], after: tuple[int, int]) -> Term:
    """Add so many rows and columns of zeros at the start and at the end."""
    return image.op("Pad", whole_numbers(image.graph, [0, 0, *before, 0, 0, *after]))
