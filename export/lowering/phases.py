"""Feature maps taken apart by the parity of their rows and columns.

A map of height H and width W becomes four of ceil(H/2) by ceil(W/2): even rows and even columns,
even and odd, odd and even, odd and odd. On them a convolution needs fewer multiplications
(`stylize.export.lowering.winograd`), an average pooling is a sum, and its gradient is four times
the same map. Where H or W is odd, the last row or column of the odd phases lies outside and holds
zeros.

Everything is written as depthwise convolutions and sums. ONNX Runtime's CPU provider computes them
in its blocked layout, many channels at a time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto

from stylize.export.calculus.graph import Graph

PARITIES = ((0, 0), (0, 1), (1, 0), (1, 1))
"""(row, column) of each phase, in the order of `Phases.parts`."""

HUGE = float(np.finfo(np.float32).max) / 2
"""A finite number above any response or gradient. Times the least float32 that is no denormal, it
is more than 1."""

BLOCK = 16
"""Channels that ONNX Runtime's blocked layout keeps side by side, or a multiple of them."""


@dataclass(frozen=True)
class Phases:
    """The four phases of one feature map.

    Attributes
    ----------
    parts : tuple of str
        Four values, in the order of `PARITIES`.
    channels : int
        Channels of the map, and of every phase.
    whole : str
        A value of the height and width of the whole map.
    whole_channels : int
        Channels of that value.
    """

    parts: tuple[str, ...]
    channels: int
    whole: str
    whole_channels: int

    def with_parts(self, parts: Sequence[str], channels: int | None = None) -> "Phases":
        """Return another map of this size."""
        return replace(self, parts=tuple(parts), channels=channels or self.channels)


def depthwise(
    graph: Graph, value: str, kernel: npt.ArrayLike, channels: int, *bias: str, **attributes: Any
) -> str:
    """Convolve each channel with the same small kernel."""
    kernel = np.atleast_2d(kernel)
    weights = graph.constant(np.broadcast_to(kernel, (channels, 1, *kernel.shape)))
    return graph.add(
        "Conv", value, weights, *bias, group=channels, kernel_shape=kernel.shape, **attributes
    )


def subtract(graph: Graph, value: str, other: str, channels: int) -> str:
    """Append value - other as a sum, which fuses; a Sub would leave the blocked layout."""
    return graph.add("Add", value, depthwise(graph, other, -1, channels))


def split(graph: Graph, value: str, channels: int, factor: float = 1) -> Phases:
    """Take a map, times `factor`, apart."""
    parts = [_phase(graph, value, index, channels, factor) for index in range(len(PARITIES))]
    return Phases(tuple(parts), channels, value, channels)


def _phase(
    graph: Graph, value: str, index: int, channels: int, factor: float = 1, *bias: str
) -> str:
    row, column = PARITIES[index]
    kernel = np.zeros((1 + row, 1 + column))
    kernel[row, column] = factor
    pads = [0, 0, row, column]
    return depthwise(graph, value, kernel, channels, *bias, strides=[2, 2], pads=pads)


def join(graph: Graph, phases: Phases) -> str:
    """Put the phases together again."""
    stacked = graph.add("Concat", *phases.parts, axis=1)
    padded = graph.add("DepthToSpace", stacked, blocksize=2, mode="DCR")
    size = _size(graph, phases.whole)
    return if_odd(graph, phases.whole, lambda: _crop(graph, padded, size), padded)


def average(graph: Graph, phases: Phases) -> str:
    """Append the average over windows of 2x2; an odd last row or column is dropped."""
    mean = depthwise(graph, graph.add("Sum", *phases.parts), 1 / 4, phases.channels)
    halves = graph.add("Div", _size(graph, phases.whole), graph.integers(2))
    return if_odd(graph, phases.whole, lambda: _crop(graph, mean, halves), mean)


def spread(graph: Graph, value: str, like: Phases) -> Phases:
    """Give each value to all of its window of 2x2; a dropped odd row or column gets zero."""
    padded = pad_if_odd(graph, like.whole, value, like.parts[0])
    return like.with_parts([padded] * len(PARITIES))


def closed(graph: Graph, value: str, index: int, channels: int, like: Phases) -> str:
    """Append a phase that is `value` inside, and far below any response outside.

    `value` is the phase of that index of a map as large as `like`.
    """
    if index == 0:  # even rows and columns: all of them exist
        return value

    def shut() -> str:
        # 0 inside and 1 outside, computed from the map: a constant would be kept in memory.
        nothing = graph.constant(np.zeros((BLOCK, like.whole_channels, 1, 1)))
        ones = graph.constant(np.ones(BLOCK))
        inside = graph.add("Conv", like.whole, nothing, ones)
        outside = _phase(graph, inside, index, BLOCK, -1, ones)
        # Of several such convolutions alike, ONNX Runtime keeps one; with one, the sum fuses.
        kernel = np.zeros((channels, BLOCK, 1, 1))
        kernel[:, 0] = -HUGE
        return graph.add("Add", graph.add("Conv", outside, graph.constant(kernel)), value)

    return if_odd(graph, like.whole, shut, value)


def pad(graph: Graph, value: str, like: str) -> str:
    """Append rows of zeros below and columns to the right, up to the size of another map."""
    missing = graph.add("Sub", _size(graph, like), _size(graph, value))
    pads = graph.add("Concat", graph.integers(0, 0, 0, 0, 0, 0), missing, axis=0)
    return graph.add("Pad", value, pads)


def pad_if_odd(graph: Graph, whole: str, value: str, like: str) -> str:
    """Append `pad` where `whole` has an odd height or width; `value` is large enough elsewhere."""
    return if_odd(graph, whole, lambda: pad(graph, value, like), value)


def if_odd(graph: Graph, whole: str, changed: Callable[[], str], unchanged: str) -> str:
    """Return `unchanged` if height and width of a map are even, else what `changed` appends.

    The sizes are known when the graph is loaded. Then nothing of the other branch is left.
    """
    remainders = graph.add("Mod", _size(graph, whole), graph.integers(2))
    odd = graph.add("Cast", graph.add("ReduceMax", remainders, keepdims=0), to=TensorProto.BOOL)
    return graph.either(odd, changed, lambda: graph.add("Identity", unchanged))


def _size(graph: Graph, value: str) -> str:
    """Append height and width, which are known when the graph is loaded."""
    return graph.add("Shape", value, start=2)


def _crop(graph: Graph, value: str, size: str) -> str:
    return graph.add("Slice", value, graph.integers(0, 0), size, graph.integers(2, 3))
