"""Convolutions of 3x3 with 4 multiplications for each result instead of 9.

Winograd's F(2x2, 3x3) (Lavin and Gray, 2016, "Fast algorithms for convolutional neural networks"):
with d a tile of 4x4 values, g a kernel and Y the 2x2 results,

    Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A.

Tiles overlap by two, so that the first and the third row of a tile are odd rows of the map and
the second and the fourth are even ones. On the phases of a map (`stylize.export.lowering.phases`)
every step is therefore a sum or difference of whole maps, the 16 products are convolutions of 1x1
over a quarter of the positions each, and the results are phases again: between one convolution and
the next nothing is rearranged.
"""

import numpy as np

from stylize.export.calculus.graph import Graph
from stylize.export.lowering.phases import Phases, closed, depthwise, subtract

G = np.array([[1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, -1]])
"""Kernels to products. The last row has the opposite sign of the literature's, so that Aᵀ adds
the outer products and only the inner two are ever subtracted."""


def convolve(
    graph: Graph,
    phases: Phases,
    kernel: str,
    shape: tuple[int, int],
    *bias: str,
    shut: bool = False,
) -> Phases:
    """Append a convolution of 3x3 with zeros around the map.

    Parameters
    ----------
    graph : Graph
        Gains the nodes.
    phases : Phases
        The map.
    kernel : str
        Shape (outputs, inputs, 3, 3), constant.
    shape : tuple of int
        Outputs and inputs of the kernel.
    *bias : str
        Shape (outputs,), or nothing.
    shut : bool
        Whether a ReLU follows. After it the places outside of a map of odd height or width must be
        zero again.
    """
    outputs = shape[0]
    kernels = _transform_kernel(graph, kernel, shape)
    tiles = _transform_map(graph, phases)

    def product(row: int, column: int, *bias: str) -> str:
        return graph.add("Conv", tiles[row][column], kernels[row][column], *bias)

    def onto(value: str, row: int, column: int, *bias: str) -> str:
        """Append the sum of a product and a value: it fuses into the convolution."""
        return graph.add("Add", product(row, column, *bias), value)

    # Aᵀ from the left, for each column of products: what is added to rows 0 and 3 of them.
    inner = [(product(1, column), product(2, column)) for column in range(4)]
    sums = [graph.add("Add", one, two) for one, two in inner]
    differences = [subtract(graph, one, two, outputs) for one, two in inner]
    # A from the right, for the even and for the odd rows of the result.
    parts: list[str] = []
    for row, rest in (0, sums), (3, differences):
        one, two = onto(rest[1], row, 1), onto(rest[2], row, 2)
        ends = graph.add("Add", one, two), subtract(graph, one, two, outputs)
        for column, end in zip((0, 3), ends, strict=True):
            other = graph.add("Add", end, rest[column])
            if shut:
                index = len(parts)  # the phase that is to come: its row's, then its column's parity
                other = closed(graph, other, index, outputs, phases)
            parts.append(onto(other, row, column, *bias))
    return phases.with_parts(parts, outputs)


def _transform_kernel(graph: Graph, kernel: str, shape: tuple[int, int]) -> list[list[str]]:
    """Append G g Gᵀ: 4x4 kernels of 1x1, computed when the graph is loaded.

    Each is one product with a constant vector. A step in between, or another output of the same
    node, would be one more copy of the weights while the graph is loaded.
    """
    taps = graph.add("Reshape", kernel, graph.integers(*shape, 1, 9))
    return [
        [
            graph.add("MatMul", taps, graph.constant(np.outer(up, across).reshape(9, 1)))
            for across in G
        ]
        for up in G
    ]


def _transform_map(graph: Graph, phases: Phases) -> list[list[str]]:
    """Append Bᵀ d B: 4x4 maps, each with one value for each tile."""
    channels = phases.channels
    columns = [
        _combine(graph, phases.parts[column], phases.parts[2 + column], channels, vertical=True)
        for column in (0, 1)
    ]
    return [
        _combine(graph, even, odd, channels, vertical=False)
        for even, odd in zip(*columns, strict=True)
    ]


def _combine(graph: Graph, even: str, odd: str, channels: int, *, vertical: bool) -> list[str]:
    """Append Bᵀ along one axis; the rows of a tile are odd[k-1], even[k], odd[k], even[k+1]."""
    kernel = np.array([[1, -1]])
    before, after = [0, 1, 0, 0], [0, 0, 0, 1]
    if vertical:
        kernel, before, after = kernel.T, [1, 0, 0, 0], [0, 0, 1, 0]
    return [
        depthwise(graph, odd, kernel, channels, pads=before),
        graph.add("Add", even, odd),
        subtract(graph, odd, even, channels),
        depthwise(graph, even, kernel, channels, pads=after),
    ]
