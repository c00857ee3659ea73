"""Sums over parts of a picture: guided Gram matrices.

After Gatys et al. (2017), "Controlling Perceptual Factors in Neural Style Transfer": each region r
has a weight w at every position of a layer, and

    G_r = Σ_p w_rp F_p F_pᵀ,  with  Σ_p w_rp = 1,

is compared with the same of a painting. Theirs is the square of the guidance, w = T². Where all
weights are 1, G is F Fᵀ (eq. 3 of Gatys et al. 2015).
"""

from collections.abc import Sequence

from stylize.export.calculus.graph import Dimensions, Graph
from stylize.export.calculus.terms import Term, whole_numbers
from stylize.export.method.moments import Moments, parts, split
from stylize.export.method.statistics import StyleLayer
from stylize.models.interface import GUIDANCE, REGIONS


def guidance_of(graph: Graph, layer: str, size: Sequence[int | str]) -> str:
    """Declare the weights of a layer's positions."""
    return graph.input(f"{GUIDANCE}{layer}", (REGIONS, *size))


def add_guided_sums(graph: Graph, feature: str, guidance: str, channels: int) -> Moments:
    """Append Σ w F Fᵀ, shape (R, N, N), and Σ w F, shape (R, N, 1), of each region.

    `feature` has the shape (1, N, height, width), `guidance`, w, the shape (R, height, width).

    A change of F counts twice in the first, since that is symmetric: the gradient is 2 D (w F). So
    it is enough to lead it through one of the factors, which spares a product for each region.
    """
    rows = Term(graph, feature).shaped(channels, -1)
    weights = Term(graph, guidance)
    weighted = (rows * weights.shaped(0, 1, -1)).op("Flatten", axis=2).held()
    gram = weighted.op("Gemm", rows, transB=1)
    gram = gram + (gram - gram.held())
    sums = weights.shaped(0, -1).op("Gemm", rows, transB=1)
    return Moments(gram.shaped(-1, channels, channels), sums.shaped(-1, channels, 1))


def guided_parts(sums: Moments, channels: int) -> list[tuple[str, str, Dimensions]]:
    """Return the kind, the value and the shape of each of a layer's sums."""
    return [(kind, value, (REGIONS, *shape)) for kind, value, shape in parts(sums, channels)]


def guided_loss(found: Moments, target: Term, layer: StyleLayer) -> Term:
    """Append E_l (eq. 4) of each region, shape (R, 1, 1); targets have the regions first."""
    distance = found.gram - split(target, layer.channels).gram
    squares = (distance * distance).op(
        "ReduceSum", whole_numbers(found.gram.graph, [1, 2]), keepdims=1
    )
    return layer.scale**4 / (4 * layer.represented**2) * squares


def guided_weights(graph: Graph, losses: list[Term]) -> list[Term]:
    """Declare ``style_weights`` and ``style_losses``; return each layer's weights, (R, 1, 1)."""
    shape: Dimensions = (REGIONS, len(losses))
    weights = Term(graph, graph.input("style_weights", shape))
    first, *others = (loss.shaped(-1, 1) for loss in losses)
    graph.output("style_losses", first.op("Concat", *others, axis=1).name, shape)
    columns = (
        weights.op("Slice", *(whole_numbers(graph, [each]) for each in (index, index + 1, 1)))
        for index in range(len(losses))
    )
    return [column.shaped(-1, 1, 1) for column in columns]
