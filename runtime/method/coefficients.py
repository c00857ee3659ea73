"""The factors of each layer's loss, in the paper's terms: content × L_c, style × E_l.

The programs that followed the paper normalise their losses otherwise. Each of their terms is one of
the paper's times a number that depends on the layer's channels N and positions M alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np
import numpy.typing as npt

from stylize.models.layers import Statistics
from stylize.models.manifest import Layer, Manifest
from stylize.models.preprocessing import TORCHVISION
from stylize.runtime.method.options import Normalisation, Options, weights_of
from stylize.runtime.streaming.storage import sum_of_squares

Array = npt.NDArray[np.float32]

SILENT = 1e-9
"""The loss at rest that a layer has at least, as a part of the largest one's. VGG-19's conv5_1 has
4e-6 of conv4_1's."""


@dataclass(frozen=True)
class Coefficients:
    """The factors of L_c (eq. 1) and E_l (eq. 4) by layer, and of the total variation.

    Where other statistics are compared, their loss takes the place of E_l. If they are `relative`,
    they are those of L_c / L_0 and E_l / E_0. What is divided by is the loss at an image to which
    the layer does not respond.
    """

    content: dict[str, float]
    style: dict[str, float]
    variation: float = 0.0
    relative: bool = False
    statistics: Statistics = "gram"

    @property
    def terms(self) -> list[str]:
        """The terms of the total loss, as ``200 E(conv1_1)``."""
        content, style = "L_c", STATISTICS[self.statistics].letter
        if self.relative:
            content, style = "L_c/L_0", f"{style}/{style}_0"
        terms = [f"{value:.4g} {content}({name})" for name, value in self.content.items()]
        terms += [f"{value:.4g} {style}({name})" for name, value in self.style.items()]
        return terms + ([f"{self.variation:.4g} TV"] if self.variation else [])

    def absolute(
        self, manifest: Manifest, targets: Mapping[str, Array], squares: Mapping[str, float]
    ) -> "Coefficients":
        """Return the factors of L_c and E_l themselves.

        Parameters
        ----------
        manifest : Manifest
            Of the model that the targets are of.
        targets : mapping of str to array
            ``style_target.L`` of the painting.
        squares : mapping of str to float
            The sums of squares of ``content_target.L`` of the photo.
        """
        if not self.relative:
            return self
        scale = manifest.preprocessing.feature_scale  # which losses see, and targets do not

        def at_rest(kind: str, name: str) -> float:
            if kind == "content":
                return scale**2 * squares[f"content_target.{name}"] / 2
            layer = manifest.layer(name)
            gram = targets[f"style_target.{name}"][: layer.channels, : layer.channels]
            return STATISTICS[self.statistics].at_rest(gram, layer.represented_channels, scale)

        def divided(kind: str, weights: dict[str, float]) -> dict[str, float]:
            rest = {name: at_rest(kind, name) for name in weights}
            # A layer that hardly responds at the target has nothing to be a part of.
            least = SILENT * max(rest.values(), default=0.0) or 1.0
            return {name: weight / max(rest[name], least) for name, weight in weights.items()}

        return replace(
            self,
            content=divided("content", self.content),
            style=divided("style", self.style),
            relative=False,
        )


def by_regions(
    style: Sequence[Mapping[str, float]], shares: Sequence[float]
) -> dict[str, tuple[float, ...]]:
    """Return the factors of E_l of each region, given what they would be for the whole picture.

    They are times the region's share of it. So a pixel is drawn as much to its painting as it is
    without regions, whatever their sizes.
    """
    pairs = list(zip(shares, style, strict=True))
    return {layer: tuple(share * each[layer] for share, each in pairs) for layer in style[0]}


@dataclass(frozen=True)
class Distance:
    """A loss of style.

    Attributes
    ----------
    letter : str
        What it is called in `Coefficients.terms`.
    mean : function of int
        Its factor in a sum of mean squares, by a layer's N.
    at_rest : function of array, int and float
        What it is at an image without any response, given the painting's Gram matrix, a layer's N,
        and what responses are multiplied by.
    """

    letter: str
    mean: Callable[[int], float]
    at_rest: Callable[[Array, int, float], float]


def _gram_at_rest(gram: Array, n: int, scale: float) -> float:
    return scale**4 * sum_of_squares(gram) / (4 * n**2)


def _power(gram: Array, scale: float) -> float:
    """Return |ν|² + |τ|², which is also |ν|² + tr D."""
    return scale**2 * float(np.trace(gram, dtype=np.float64))


def _moments_at_rest(gram: Array, n: int, scale: float) -> float:
    return _gram_at_rest(gram, n, scale) + 2.5 * n * _power(gram, scale)


STATISTICS: dict[Statistics, Distance] = {
    # MSE(F Fᵀ / NM, A / NM) = sum of (G - A)² / N²(NM)² = 4/N² E_l
    "gram": Distance("E", lambda n: 4 / n**2, _gram_at_rest),
    "gram+moments": Distance("M", lambda n: 4 / n**2, _moments_at_rest),
    "bures": Distance("B", lambda n: 1 / n, lambda gram, n, scale: _power(gram, scale)),
}
"""M = E_l + 5/2 N (|μ - ν|² + |σ - τ|²), and B = |μ - ν|² + tr C + tr D - 2 tr (D^½ C D^½)^½."""


@dataclass(frozen=True)
class Seen:
    """A layer as normalisations see it.

    Attributes
    ----------
    n, m : int
        Its channels and positions.
    stride : int
        Pixels from one position to the next.
    distance : Distance
        Its loss of style.
    """

    n: int
    m: int
    stride: int
    distance: Distance


Term = Callable[[Seen], float]
"""A factor by the layer."""


def _one(layer: Seen) -> float:
    return 1


@dataclass(frozen=True)
class Terms:
    """A normalisation's factors.

    Attributes
    ----------
    content, style : function of Seen
        Factors of a layer's loss.
    share : function of Seen, optional
        What style layers count beside each other, in parts of their sum. Content layers are
        averaged then. None: the losses are added up.
    variation : function of int
        The factor of the total variation, by the number of pixels.
    """

    content: Term = _one
    style: Term = _one
    share: Term | None = None
    variation: Callable[[int], float] = lambda pixels: 1


def _mean_square(layer: Seen) -> float:
    """MSE(F, P) = sum of (F - P)² / NM = 2/NM L_c."""
    return 2 / (layer.n * layer.m)


UNIT = TORCHVISION.feature_scale**2
"""The square of a feature in the losses, for one of torchvision's, which crowsonkb's are."""

TERMS: dict[Normalisation, Terms] = {
    # alpha L_c + beta sum of w_l E_l, w_l = 1 / (number of layers)
    "paper": Terms(share=_one),
    "mse": Terms(content=_mean_square, style=lambda layer: layer.distance.mean(layer.n)),
    # Each layer's loss is divided by what it is at an image without any response. Then the deeper
    # layers, which hold the larger forms, must count more than the others for strokes to have one.
    "relative": Terms(share=lambda layer: layer.n),
    # VGG-19's five style layers count as 256 : 64 : 16 : 4 : 1. The variation is that of colours in
    # 0...1, and the mean over all of them.
    "mean": Terms(
        content=lambda layer: _mean_square(layer) / UNIT,
        style=lambda layer: layer.distance.mean(layer.n) / UNIT,
        share=lambda layer: 1 / layer.stride**2,
        variation=lambda pixels: 2 / (255**2 * 3 * pixels),
    ),
}


def coefficients(
    options: Options, layer: Callable[[str], Layer], size: tuple[int, int]
) -> Coefficients:
    """Return the effective coefficients of eq. 7 for a picture.

    Parameters
    ----------
    options : Options
        Only the weights, the strength, the layers and the normalisation are used.
    layer : function of str
        It tells a layer's channels and stride by its name, as ``Manifest.layer`` does.
    size : tuple of int
        The picture's height and width in pixels.
    """
    terms, used = TERMS[options.losses], options.layers

    def by_layer(
        names: tuple[str, ...],
        chosen: Mapping[str, float],
        weight: float,
        term: Term,
        share: Term | None,
    ) -> dict[str, float]:
        seen = {name: _seen(layer(name), size, used.statistics) for name in names}
        shares = {name: share(each) for name, each in seen.items()} if share else {}
        whole = sum(shares.values()) or 1
        return {
            name: weight * chosen[name] * term(each) * (shares.get(name, 1) / whole)
            for name, each in seen.items()
        }

    content, style = weights_of(options.content_layers), weights_of(options.style_layers)
    return Coefficients(
        content=by_layer(
            used.content, content, options.content_weight, terms.content, terms.share and _one
        ),
        style=by_layer(used.style, style, options.strong_style_weight, terms.style, terms.share),
        variation=options.tv_weight * terms.variation(prod(size)),
        relative=options.losses == "relative",
        statistics=used.statistics,
    )


def _seen(layer: Layer, size: tuple[int, int], statistics: Statistics) -> Seen:
    height, width = (side // layer.stride for side in size)
    distance = STATISTICS[statistics]
    return Seen(layer.represented_channels, height * width, layer.stride, distance)
