"""The losses of Gatys et al. as graph nodes (equations 1 and 4).

F, of shape (N, M), holds the responses of a layer after the ReLU: N channels at M positions.

Gatys et al. do not do this: they leave open what happens if painting and photo differ in size, and
hence in M. Here Gram matrices are divided by M on both sides, so that E_l compares a painting of
M_a positions with an image of M.
"""

from collections.abc import Sequence

import numpy as np

from stylize.export.calculus.graph import Graph


def add_content_loss(graph: Graph, feature: str, target: str, scale: float) -> str:
    """Append L_c = ½ Σ (F - P)² (eq. 1), of features times `scale`."""
    return _squared_distance(graph, feature, target, scale**2 / 2)


def add_style_loss(graph: Graph, gram: str, target: str, channels: int, scale: float) -> str:
    """Append E_l = 1/(4 N² M²) Σ (G - A)² (eq. 4), of N = `channels` features times `scale`.

    `gram` and `target` are G/M and A/M_a, hence E_l = 1/(4 N²) Σ (gram - target)².
    """
    return _squared_distance(graph, gram, target, scale**4 / (4 * channels**2))


def weights_of(graph: Graph, kind: str, losses: Sequence[str]) -> list[str]:
    """Declare ``{kind}_weights`` and ``{kind}_losses``; return each weight."""
    if not losses:
        return []
    weights = graph.input(f"{kind}_weights", (len(losses),))
    rows = [graph.add("Unsqueeze", loss, graph.integers(0)) for loss in losses]
    graph.output(f"{kind}_losses", graph.add("Concat", *rows, axis=0), (len(losses),))
    indices = [graph.constant(index, np.int64) for index in range(len(losses))]
    return [graph.add("Gather", weights, index) for index in indices]


def _squared_distance(graph: Graph, value: str, target: str, factor: float) -> str:
    distance = graph.add("Sub", value, target)
    # The sum keeps its dimensions: OpenVINO's provider leaves sums to a number to another.
    squares = graph.add("ReduceSum", graph.add("Mul", distance, distance), keepdims=1)
    return graph.add("Mul", graph.add("Squeeze", squares), graph.constant(factor))
