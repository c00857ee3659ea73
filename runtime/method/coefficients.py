"""The factors of each layer's loss, in the paper's terms: content × L_c, style × E_l.

The programs that followed the paper normalise their losses otherwise. Each of their terms is one of
the paper's times a number that depends on the layer's channels N and positions M alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

from stylize.models.manifest import Layer
from stylize.runtime.method.options import Normalisation, Options


@dataclass(frozen=True)
class Coefficients:
    """The factors of L_c (eq. 1) and E_l (eq. 4) by layer, and of the total variation."""

    content: dict[str, float]
    style: dict[str, float]
    variation: float = 0.0

    @property
    def terms(self) -> list[str]:
        """The terms of the total loss, as ``200 E(conv1_1)``."""
        terms = [f"{value:.4g} L_c({name})" for name, value in self.content.items()]
        terms += [f"{value:.4g} E({name})" for name, value in self.style.items()]
        return terms + ([f"{self.variation:.4g} TV"] if self.variation else [])


@dataclass(frozen=True)
class Terms:
    """A normalisation's factors of one layer among `count`, with N channels at M positions."""

    content: Callable[[int, int, int], float]
    style: Callable[[int, int, int], float]


TERMS: dict[Normalisation, Terms] = {
    # alpha L_c + beta sum of w_l E_l, w_l = 1 / (number of layers)
    "paper": Terms(
        content=lambda count, n, m: 1 / count,
        style=lambda count, n, m: 1 / count,
    ),
    # MSE(F, P) = sum of (F - P)² / NM = 2/NM L_c
    # MSE(F Fᵀ / NM, A / NM) = sum of (G - A)² / N²(NM)² = 4/N² E_l
    "mse": Terms(
        content=lambda count, n, m: 2 / (n * m),
        style=lambda count, n, m: 4 / n**2,
    ),
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

    def by_layer(
        names: tuple[str, ...], weight: float, term: Callable[[int, int, int], float]
    ) -> dict[str, float]:
        return {
            name: weight
            * term(len(names), layer(name).represented_channels, _positions(layer(name), size))
            for name in names
        }

    terms, used = TERMS[options.losses], options.layers
    return Coefficients(
        content=by_layer(used.content, options.content_weight, terms.content),
        style=by_layer(used.style, options.style_weight, terms.style),
        variation=options.tv_weight,
    )


def _positions(layer: Layer, size: tuple[int, int]) -> int:
    height, width = size
    return (height // layer.stride) * (width // layer.stride)
