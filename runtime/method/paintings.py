"""The paintings whose style is taken, each with its share: of all layers, or of some.

The target of a style layer is the weighted mean of the paintings' F Fᵀ / M. As E_l (eq. 4) is a
square of G minus its target, its gradient is that of the weighted sum of the paintings' own E_l: a
step costs no more than with one painting.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from stylize.models.errors import OptionError
from stylize.models.settings import require
from stylize.runtime.method.options import MAX_WEIGHT

P = TypeVar("P", covariant=True)


@dataclass(frozen=True)
class Painting(Generic[P]):
    """A painting and its share of the style.

    Attributes
    ----------
    picture : PIL image, path, bytes, binary file or array
        The painting.
    weight : float
        Its share of each layer's target, in proportion to the other paintings' there.
    layers : tuple of str
        The style layers that see it, instead of paintings for which none are named. If there are
        none, it is seen by all layers that are named for no other.

    Raises
    ------
    OptionError
        The weight is negative or no number, or the layers are no list.
    """

    picture: P
    weight: float = 1.0
    layers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        weight, layers = self.weight, self.layers
        possible = isinstance(weight, Real) and 0 <= weight <= MAX_WEIGHT
        require(possible, "weight of a painting", weight, f"from 0 to {MAX_WEIGHT:g}")
        several = isinstance(layers, list | tuple)
        require(several, "list of a painting's layers", layers, "a list of texts")
        object.__setattr__(self, "layers", tuple(layers))


if TYPE_CHECKING:
    from stylize.runtime.pictures.reading import PictureLike

    PaintingLike = PictureLike | Painting[PictureLike]
    PaintingsLike = PaintingLike | Sequence[PaintingLike]
    """A painting, or several in a list or a tuple."""


def as_paintings(given: "PaintingsLike | None") -> "tuple[Painting[PictureLike], ...]":
    """Return what a caller gives for the paintings: none, one, or several in a list or a tuple."""
    if given is None:
        return ()
    several = given if isinstance(given, list | tuple) else [cast("PaintingLike", given)]
    return tuple(each if isinstance(each, Painting) else Painting(each) for each in several)


def shares(paintings: Iterable[Painting[P]], layer: str) -> list[tuple[P, float]]:
    """Return those paintings that a layer sees, and their shares of its target, together 1.

    Raises
    ------
    OptionError
        No painting is seen there.
    """
    paintings = list(paintings)
    named = [each for each in paintings if layer in each.layers]
    seen = named or [each for each in paintings if not each.layers]
    whole = sum(each.weight for each in seen)
    if not whole:
        raise OptionError(
            f"No painting is seen at {layer}: "
            + ("all weights are 0." if seen else "name one, or one for all other layers.")
        )
    return [(each.picture, each.weight / whole) for each in seen if each.weight]


def check_layers(paintings: Iterable[Painting[object]], layers: Collection[str]) -> None:
    """Raise OptionError if a painting is named for a layer that has no style loss."""
    for each in paintings:
        for layer in each.layers:
            if layer not in layers:
                raise OptionError(
                    f"A painting is named for {layer}, which has no style loss; "
                    f"{', '.join(layers)} have one. Add --style-layer {layer}, or leave it out."
                )
