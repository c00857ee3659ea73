"""The factors of each layer's loss, in the paper's terms: content × L_c, style × E_l.

The programs that followed the paper normalise their losses otherwise. Each of their terms is one of
the paper's times a number that depends on the layer's channels N and positions M alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from stylize.models.manifest import Layer, Manifest
from stylize.runtime.method.options import Normalisation, Options

SILENT = 1e-9
"""The loss at rest that a layer has at least, as a part of the largest one's. VGG-19's conv5_1 has
4e-6 of conv4_1's."""


@dataclass(frozen=True)
class Coefficients:
    """The factors of L_c (eq. 1) and E_l (eq. 4) by layer, and of the total variation.

    If they are `relative`, they are those of L_c / L_0 and E_l / E_0. What is divided by is the
    loss at an image to which the layer does not respond.
    """

    content: dict[str, float]
    style: dict[str, float]
    variation: float = 0.0
    relative: bool = False

    @property
    def terms(self) -> list[str]:
        """The terms of the total loss, as ``200 E(conv1_1)``."""
        content, style = ("L_c/L_0", "E/E_0") if self.relative else ("L_c", "E")
        terms = [f"{value:.4g} {content}({name})" for name, value in self.content.items()]
        terms += [f"{value:.4g} {style}({name})" for name, value in self.style.items()]
        return terms + ([f"{self.variation:.4g} TV"] if self.variation else [])

    def absolute(self, manifest: Manifest, squares: Mapping[str, float]) -> "Coefficients":
        """Return the factors of L_c and E_l themselves.

        Parameters
        ----------
        manifest : Manifest
            Of the model that the targets are of.
        squares : mapping of str to float
            The sums of squares of ``content_target.L`` of the photo and of ``style_target.L`` of
            the painting.
        """
        if not self.relative:
            return self
        scale = manifest.preprocessing.feature_scale  # which losses see, and targets do not

        def at_rest(kind: str, name: str) -> float:
            square = squares[f"{kind}_target.{name}"]
            if kind == "content":
                return scale**2 * square / 2
            return scale**4 * square / (4 * manifest.layer(name).represented_channels ** 2)

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


Term = Callable[[int, int], float]
"""A layer's factor, by its N channels and M positions."""


@dataclass(frozen=True)
class Terms:
    """A normalisation's factors of one layer.

    Attributes
    ----------
    content, style : function of int and int
        Factors by a layer's N channels and M positions.
    averaged : bool
        Whether the factors are divided by their sum over the layers.
    """

    content: Term
    style: Term
    averaged: bool


TERMS: dict[Normalisation, Terms] = {
    # alpha L_c + beta sum of w_l E_l, w_l = 1 / (number of layers)
    "paper": Terms(content=lambda n, m: 1, style=lambda n, m: 1, averaged=True),
    # MSE(F, P) = sum of (F - P)² / NM = 2/NM L_c
    # MSE(F Fᵀ / NM, A / NM) = sum of (G - A)² / N²(NM)² = 4/N² E_l
    "mse": Terms(content=lambda n, m: 2 / (n * m), style=lambda n, m: 4 / n**2, averaged=False),
    # Each layer's loss is divided by what it is at an image without any response. Then the deeper
    # layers, which hold the larger forms, must count more than the others for strokes to have one.
    "relative": Terms(content=lambda n, m: 1, style=lambda n, m: n, averaged=True),
}


def coefficients(
    options: Options, layer: Callable[[str], Layer], size: tuple[int, int]
) -> Coefficients:
    """Return the effective coefficients of eq. 7 for a picture.

    Parameters
    ----------
    options : Options
        Only the weights, the layers and the normalisation are used.
    layer : function of str
        It tells a layer's channels and stride by its name, as ``Manifest.layer`` does.
    size : tuple of int
        The picture's height and width in pixels.
    """
    terms, used = TERMS[options.losses], options.layers

    def by_layer(names: tuple[str, ...], weight: float, term: Term) -> dict[str, float]:
        factors = [
            term(layer(name).represented_channels, _positions(layer(name), size)) for name in names
        ]
        whole = sum(factors) if terms.averaged else 1
        return {
            name: weight * (factor / whole) for name, factor in zip(names, factors, strict=True)
        }

    return Coefficients(
        content=by_layer(used.content, options.content_weight, terms.content),
        style=by_layer(used.style, options.style_weight, terms.style),
        variation=options.tv_weight,
        relative=options.losses == "relative",
    )


def _positions(layer: Layer, size: tuple[int, int]) -> int:
    height, width = size
    return (height // layer.stride) * (width // layer.stride)
