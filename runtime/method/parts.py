"""Regions whose pictures are opened: masks as they lie over the photo and over paintings."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stylize.models.errors import OptionError
from stylize.runtime.method.paintings import Painting, shares
from stylize.runtime.method.regions import Mask, Region
from stylize.runtime.pictures.colour import TO_SRGB, Conversion
from stylize.runtime.pictures.masks import Coded, Colour, Size, Stencil, colour_named, covering
from stylize.runtime.pictures.reading import Picture, PictureLike, open_picture

ROUNDING = 8 / 255
"""Two masks of soft edges that meet may be above 1 together by so much, in files of 8 bits."""
Shares = dict[str, float]
"""A painting's share of the target of each layer that sees it."""


@dataclass(frozen=True, eq=False)
class Part:
    """A region whose pictures are opened.

    Attributes
    ----------
    stencil : Stencil or None
        What lies over the photo; None for all that no other part covers.
    paintings : tuple of Painting
        Whose style it takes.
    painting_stencil : Stencil or None
        What lies over each of these; None if all of them is taken.
    """

    stencil: Stencil | None
    paintings: tuple[Painting[Picture], ...]
    painting_stencil: Stencil | None = None

    @property
    def stencils(self) -> tuple[Stencil, ...]:
        """Its masks, of which there may be none."""
        return tuple(each for each in (self.stencil, self.painting_stencil) if each)

    def seen_by(self, layers: Sequence[str]) -> dict[Picture, Shares]:
        """Return the paintings that layers see, and the share of each in their targets."""
        found: dict[Picture, Shares] = {}
        for layer in layers:
            for picture, share in shares(self.paintings, layer):
                found.setdefault(picture, {})[layer] = share
        return found


@dataclass(frozen=True)
class Coverage:
    """How much of the photo belongs to which part.

    Attributes
    ----------
    shares : tuple of float
        What belongs to each part, in 0...1.
    overlap : float
        Where masks overlap, and parts share what is there.
    """

    shares: tuple[float, ...]
    overlap: float

    @property
    def rest(self) -> float:
        """What belongs to none."""
        return max(0.0, 1 - sum(self.shares))


def coverage(parts: Sequence[Part], photo: Picture, size: Size, cut: bool) -> Coverage:
    """Return how much of the photo belongs to which part, as it is seen in a size.

    Raises
    ------
    ImageError
        A mask is damaged.
    OptionError
        A mask covers nothing.
    """
    masks = [part.stencil.over(photo, size, cut) for part in parts if part.stencil]
    overlap = float((np.sum(masks, axis=0) > 1 + ROUNDING).mean())
    return Coverage(tuple(covering(masks).mean(axis=(1, 2), dtype=float).tolist()), overlap)


def open_parts(
    regions: Sequence[Region[PictureLike]],
    photo: Picture | None,
    conversion: Conversion = TO_SRGB,
) -> tuple[Part, ...]:
    """Open the pictures of regions, of which no pixel is read yet.

    Parameters
    ----------
    regions : sequence of Region
        The regions; their masks are read as they are, in sRGB.
    photo : Picture or None
        What they are parts of.
    conversion : Conversion
        The colour space in which paintings are looked at, and what floats in files mean.

    Raises
    ------
    ImageError
        A picture is missing, none, or a mask has other proportions than what it lies over.
    OptionError
        There is no photo, or a colour is none.
    """
    if not regions:
        return ()
    if photo is None:
        raise OptionError(
            "There is no photo for the regions to be parts of. Give one, or no regions."
        )
    stencils = _Stencils([mask for each in regions for mask in each.masks])
    parts = tuple(_opened(each, stencils, conversion) for each in regions)
    for part in parts:
        if part.stencil:
            part.stencil.check(photo, "photo")
        for painting in part.paintings:
            if part.painting_stencil:
                part.painting_stencil.check(painting.picture, _called(painting.picture))
    return parts


def open_paintings(
    paintings: Sequence[Painting[PictureLike]], conversion: Conversion = TO_SRGB
) -> tuple[Painting[Picture], ...]:
    """Open the pictures of paintings."""
    return tuple(
        Painting(open_picture(each.picture, False, conversion), each.weight, each.layers)
        for each in paintings
    )


def _called(painting: Picture) -> str:
    return f"painting {painting.name}" if isinstance(painting.source, Path) else "painting"


def _opened(region: Region[PictureLike], stencils: "_Stencils", conversion: Conversion) -> Part:
    paintings = open_paintings(region.paintings, conversion)
    mask = region.painting_mask
    return Part(stencils.of(region.photo_mask), paintings, stencils.of(mask) if mask else None)


class _Stencils:
    """Opens masks, of which several may name colours of the same picture."""

    def __init__(self, masks: Sequence[Mask[PictureLike]]) -> None:
        self._colours: dict[object, set[Colour]] = {}
        self._coded: dict[object, Coded] = {}
        for mask in masks:
            if mask.colour is not None:
                key = _key(mask.picture)
                self._colours.setdefault(key, set()).add(colour_named(mask.colour))
                self._coded.setdefault(key, Coded())

    def of(self, mask: Mask[PictureLike]) -> Stencil:
        """Open a mask."""
        picture = open_picture(mask.picture, alpha=True)
        named = isinstance(picture.source, Path)
        name = f"The mask '{mask}'" if named else "A mask"
        if mask.colour is None:
            return Stencil(picture, name)
        own, key = colour_named(mask.colour), _key(mask.picture)
        others = tuple(self._colours[key] - {own})
        return Stencil(picture, name, own, others, self._coded[key])


def _key(picture: PictureLike) -> object:
    """Return what is the same for the same picture."""
    return os.path.realpath(picture) if isinstance(picture, str | Path) else id(picture)
