"""The losses of style, by what they compare of a layer and a painting's."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx

from stylize.export.calculus.graph import Graph
from stylize.export.calculus.terms import Term
from stylize.export.method.losses import add_style_loss
from stylize.export.method.moments import Moments, bordered, part, split, total, trace
from stylize.export.method.roots import inverse, square_root
from stylize.export.network.architecture import Network
from stylize.models.layers import Statistics
from stylize.models.preprocessing import TORCHVISION

MOMENTS = 2.5
"""Weight of the moments beside E_l, times N: that of Galerne et al. (2024), "Scaling Painting Style
Transfer". Their program has 1000/N² for the mean of (G - A)², and 10⁴ for those of (μ - ν)² and of
(σ - τ)²; E_l is N²/4 times the first."""

FLOOR = 1e-4 * TORCHVISION.feature_scale**2
"""What is added to the variance in every direction: 1e-4 for torchvision's features, as in
crowsonkb/style-transfer-pytorch. So a covariance has a root, however few positions there are."""


@dataclass(frozen=True)
class StyleLayer:
    """What a style loss knows of a layer, beside its responses.

    Attributes
    ----------
    channels : int
        n, the responses' channels.
    represented : int
        N in the losses.
    scale : float
        Losses are of responses times this.
    """

    channels: int
    represented: int
    scale: float


def style_layer(network: Network, layer: str) -> StyleLayer:
    """Return what is known of a layer of a network."""
    found, scale = network.layer(layer), network.preprocessing.feature_scale
    return StyleLayer(found.channels, found.represented_channels, scale)


def gram_loss(found: Moments, target: Term, layer: StyleLayer) -> Term:
    """Append E_l (eq. 4)."""
    compared = split(target, layer.channels).gram
    sizes = layer.represented, layer.scale
    name = add_style_loss(found.gram.graph, found.gram.name, compared.name, *sizes)
    return Term(found.gram.graph, name)


def moments_loss(found: Moments, target: Term, layer: StyleLayer) -> Term:
    """Append E_l + 5/2 N (|μ - ν|² + |σ - τ|²)."""
    compared = split(target, layer.channels)
    squares = _square(found.mean - compared.mean)
    squares = squares + _square(found.deviations - compared.deviations)
    weight = MOMENTS * layer.represented * layer.scale**2
    return gram_loss(found, target, layer) + weight * squares


def bures_loss(found: Moments, target: Term, layer: StyleLayer) -> Term:
    """Append B_l = |μ - ν|² + tr C + tr D - 2 tr (D^½ C D^½)^½.

    It is the squared 2-Wasserstein distance of normal distributions (Dowson and Landau 1982). The
    target holds D^½ in place of A and tr D in place of 1: see `root_model`.

    The trace of a matrix' root is the least of ½ (tr X W + tr W⁻¹) over all W, at W = X^-½. There
    no change of W counts, so the gradient by X is ½ W. Nothing is led back through the iterations:
    tr X W is there for its gradient alone.
    """
    n = layer.channels
    given = split(target, n)
    root, variance = given.gram, part(target, (n, n), (n + 1, n + 1)).shaped()
    covariance = found.covariance(FLOOR / layer.scale**2)
    inside = root @ covariance @ root
    found_root = square_root(inside.held())
    leading = total(inside * inverse(found_root))
    overlap = trace(found_root) + 0.5 * (leading - leading.held())
    apart = _square(found.mean - given.mean) + trace(covariance)
    return layer.scale**2 * (apart + variance - 2 * overlap)


StyleLoss = Callable[[Moments, Term, StyleLayer], Term]

LOSSES: dict[Statistics, StyleLoss] = {
    "gram": gram_loss,
    "gram+moments": moments_loss,
    "bures": bures_loss,
}
"""A layer's loss, by what is compared."""


def root_model(scale: float, dtype: npt.DTypeLike = np.float32) -> onnx.ModelProto:
    """Map a style target to the one that `bures_loss` takes.

    With D = A - ν νᵀ + ε I, that is

        [ D^½  ν    ]
        [ νᵀ   tr D ]

    `scale` is that of the losses.
    """
    graph = Graph(dtype)
    given = Term(graph, graph.input("style_target", ("channels", "channels")))
    whole = np.iinfo(np.int64).max
    moments = Moments(gram=part(given, (0, 0), (-1, -1)), mean=part(given, (0, -1), (-1, whole)))
    covariance = moments.covariance(FLOOR / scale**2)
    variance = trace(covariance).shaped(1, 1)
    rooted = bordered(square_root(covariance), moments.mean, variance)
    graph.output("rooted_target", rooted.name, ("channels", "channels"))
    return graph.model("root")


def _square(value: Term) -> Term:
    return total(value * value)
