"""Regions: parts of the photo that take their style from paintings of their own.

Gatys et al. (2017, "Controlling Perceptual Factors in Neural Style Transfer", section 4) call their
masks guidance channels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from stylize.models.errors import OptionError
from stylize.runtime.method.paintings import Painting, as_paintings

if TYPE_CHECKING:
    from pathlib import Path

    from stylize.runtime.method.paintings import PaintingsLike
    from stylize.runtime.pictures.reading import PictureLike

P = TypeVar("P", covariant=True)


@dataclass(frozen=True)
class Mask(Generic[P]):
    """Which part of a picture is meant.

    Attributes
    ----------
    picture : PIL image, path, bytes, binary file or array
        White where that is, black elsewhere, and grey between the two. It has the proportions of
        the picture over which it lies, and any size.
    colour : str, optional
        For a picture with a colour for each part: that of the part, as ``ff0000`` or ``red``. A
        pixel belongs to that colour which is nearest among all that are named for the same file.
    """

    picture: P
    colour: str | None = None

    def __str__(self) -> str:
        return f"{self.picture}#{self.colour}" if self.colour is not None else f"{self.picture}"


@dataclass(frozen=True, init=False)
class Region(Generic[P]):
    """A part of the photo, and whose style it takes.

    Parameters
    ----------
    photo_mask : PIL image, path, bytes, binary file, array or Mask
        Which part of the photo.
    painting : PIL image, path, bytes, binary file, array or Painting, or a list of these
        Whose style; of several, their blend.
    painting_mask : PIL image, path, bytes, binary file, array or Mask, optional
        Which part of the painting; by default all of it. If there are several, it lies over each.

    Attributes
    ----------
    photo_mask : Mask
    paintings : tuple of Painting
    painting_mask : Mask or None

    Raises
    ------
    OptionError
        There is no painting.
    """

    photo_mask: Mask[P]
    paintings: tuple[Painting[P], ...]
    painting_mask: Mask[P] | None

    if TYPE_CHECKING:  # type variables alone would not let masks and paintings be of two kinds

        @overload
        def __init__(
            self: "Region[Path]",
            photo_mask: Path | Mask[Path],
            painting: Path | Painting[Path] | Sequence[Path | Painting[Path]],
            painting_mask: Path | Mask[Path] | None = None,
        ) -> None: ...
        @overload
        def __init__(
            self: "Region[PictureLike]",
            photo_mask: PictureLike | Mask[PictureLike],
            painting: PaintingsLike,
            painting_mask: PictureLike | Mask[PictureLike] | None = None,
        ) -> None: ...

    def __init__(
        self,
        photo_mask: Any,
        painting: Any,
        painting_mask: Any = None,
    ) -> None:
        paintings = as_paintings(painting)
        if not paintings:
            raise OptionError("A region has no painting. Give one, or leave the region out.")
        object.__setattr__(self, "photo_mask", _as_mask(photo_mask))
        object.__setattr__(self, "paintings", paintings)
        lies_over_it = None if painting_mask is None else _as_mask(painting_mask)
        object.__setattr__(self, "painting_mask", lies_over_it)

    @property
    def masks(self) -> tuple[Mask[P], ...]:
        """Its one or two masks."""
        return (self.photo_mask, *([self.painting_mask] if self.painting_mask else ()))

    @property
    def pictures(self) -> tuple[P, ...]:
        """All pictures that it names."""
        masks = tuple(each.picture for each in self.masks)
        return masks + tuple(each.picture for each in self.paintings)


def _as_mask(given: P | Mask[P]) -> Mask[P]:
    return given if isinstance(given, Mask) else Mask(given)
