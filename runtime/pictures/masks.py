"""Masks: how much of each pixel of a picture belongs to a part of it."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageColor, ImageFilter

from stylize.models.errors import ImageError, OptionError
from stylize.runtime.pictures.reading import Picture

Array = npt.NDArray[np.float32]
Colour = tuple[int, int, int]
Size = tuple[int, int]

NEAR = 64
"""How far a pixel's colour may be from the one that is named, in levels of sRGB: JPEG's noise is
less, and what palettes of segmentations keep between two colours is more."""
SEAM = 3
"""Pixels of a seam of mixed colours between two parts, which belong to the nearer of the two."""
BITS = 6
"""Colours are compared in so many bits a channel, so that each is only once."""
WORK = 3
"""Looking at a mask takes so many times the memory that reading its picture does."""
DIGITS = 6
"""Places after the point of a position in pixels: what is cut between two lines is cut there."""
ROWS = 256
"""Rows whose colours are looked up at a time."""


class Coded:
    """To which colour each pixel of a picture belongs, found once for all parts of it."""

    def __init__(self) -> None:
        self._known: tuple[object, npt.NDArray[np.int8]] | None = None

    def parts(
        self, image: Image.Image, seen: Size, colours: Sequence[Colour]
    ) -> npt.NDArray[np.int8]:
        """Return the number of each pixel's colour, given the picture as it is seen in a size.

        The last answer is remembered.
        """
        key = seen, tuple(colours)
        if self._known is None or self._known[0] != key:
            self._known = key, _nearest(image, colours)
        return self._known[1]


@dataclass(frozen=True, eq=False)
class Stencil:
    """A mask as it lies over a picture.

    Attributes
    ----------
    picture : Picture
        The picture of the mask, with its alpha.
    name : str
        How messages call it.
    colour : tuple of int, or None
        The colour of the part that is meant, 8-bit sRGB; None if that is white.
    others : tuple of tuples of int
        Colours of other parts in the same picture.
    coded : Coded
        What is known of the picture's colours; masks of the same picture may share it.
    """

    picture: Picture
    name: str
    colour: Colour | None = None
    others: tuple[Colour, ...] = ()
    coded: Coded = field(default_factory=Coded)

    def check(self, picture: Picture, what: str) -> None:
        """Raise ImageError unless the mask has the proportions of a picture, to whole pixels."""
        mask, whole = self.picture.size, picture.whole
        scales = [
            ((side - 1) / full, (side + 1) / full) for side, full in zip(mask, whole, strict=True)
        ]
        if max(least for least, _ in scales) >= min(most for _, most in scales):
            raise ImageError(
                f"{self.name} has {mask[0]}x{mask[1]} pixels, the {what} {whole[0]}x{whole[1]}. "
                f"Their proportions differ. Save the mask in those of the {what}, in any size."
            )

    def bytes_read(self, size: Size) -> int:
        """Return about how much memory it takes to look at the mask in (width, height)."""
        return WORK * self.picture.bytes_read(size)

    def over(self, picture: Picture, size: Size, cut: bool = False) -> Array:
        """Return how much of each pixel is within the mask, when a picture is seen in a size.

        Parameters
        ----------
        picture : Picture
            What the mask lies over. It may have been cropped.
        size : tuple of int
            The width and height in which it is seen.
        cut : bool
            Whether what is beyond these proportions is cut off; see `Picture.seen`.

        Returns
        -------
        float32 array, shape (height, width)
            In 0...1. Where pixels are put together, it is their mean.

        Raises
        ------
        ImageError
            The mask is damaged.
        OptionError
            Nothing is within.
        """
        part = picture.part_seen(size, cut)
        seen = round(size[0] / part[0]), round(size[1] / part[1])
        image = self.picture.read(seen)
        inside = self._inside(image, seen)
        if not inside.getbbox():
            raise OptionError(f"{self.name} covers nothing: {self._reason(image)}")
        found = _scaled(inside, size, part)
        if not found.any():
            raise OptionError(
                f"{self.name} covers nothing: what it covers is cut off. Cut or crop less."
            )
        return found

    def _inside(self, image: Image.Image, seen: Size) -> Image.Image:
        """Return how much of each pixel of the mask's own picture is within, as 8-bit grey."""
        colours = image.convert("RGB") if image.mode == "RGBA" else image
        if self.colour:
            every = sorted((self.colour, *self.others))
            parts = self.coded.parts(colours, seen, every)
            inside = _as_grey(parts == every.index(self.colour))
        else:
            inside = colours.convert("L")
        if image.mode == "RGBA":
            inside = ImageChops.multiply(inside, image.getchannel("A"))
        return inside

    def _reason(self, image: Image.Image) -> str:
        """Say why nothing is within."""
        if not self.colour:
            return "it is black. Make white what belongs to the part."
        return f"it has no pixels of that colour. Most have {_in_words(image)}."


def covering(masks: Sequence[Array]) -> Array:
    """Return what belongs to each of several parts, which share where they overlap.

    Parameters
    ----------
    masks : sequence of float32 arrays, shape (height, width)
        In 0...1.

    Returns
    -------
    float32 array, shape (parts, height, width)
        In 0...1. Their sum is nowhere above 1, but for rounding: where it was, each is divided by
        it.
    """
    found = np.stack(masks)
    found /= np.maximum(found.sum(axis=0), 1)
    return found


def within(mask: Array, alpha: Image.Image | None = None) -> Image.Image:
    """Return how much is seen of each pixel within a mask, as an 8-bit grey picture."""
    seen = mask if alpha is None else mask * np.asarray(alpha, np.float32) / 255
    return Image.fromarray(np.rint(255 * seen).astype(np.uint8))


def colour_named(text: str) -> Colour:
    """Return a colour that is written as ``ff0000``, ``f00`` or ``red``.

    Raises
    ------
    OptionError
        It is no colour.
    """
    for written in (text, f"#{text}"):
        with suppress(ValueError):
            red, green, blue, *_ = ImageColor.getrgb(written)
            return red, green, blue
    raise OptionError(
        f"'{text}' is no colour. Write six hexadecimal digits, as ff0000, or a name, as red."
    )


def _scaled(inside: Image.Image, size: Size, part: tuple[float, float]) -> Array:
    """Return the middle of 8-bit grey in a size: means where it is reduced, else interpolated."""
    width, height = inside.size
    left, top = (1 - part[0]) / 2 * width, (1 - part[1]) / 2 * height
    across, down = round(width - 2 * left, DIGITS), round(height - 2 * top, DIGITS)
    if across < size[0] or down < size[1]:
        box = left, top, width - left, height - top
        enlarged = inside.convert("F").resize(size, Image.Resampling.BILINEAR, box)
        return (np.asarray(enlarged) / 255).clip(0, 1).astype(np.float32)
    rows = _means(np.asarray(inside), np.linspace(top, height - top, size[1] + 1).round(DIGITS))
    columns = _means(rows.T, np.linspace(left, width - left, size[0] + 1).round(DIGITS))
    return np.ascontiguousarray((columns.T / 255).clip(0, 1), np.float32)


def _means(lines: npt.NDArray[Any], edges: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the mean of all lines between each two edges, of which parts count as parts.

    Pillow's filter for that takes each line whole or not at all.
    """
    whole = edges.astype(int)
    parts = (edges - whole)[:, None] * lines[whole.clip(max=len(lines) - 1)]
    sums = np.add.reduceat(lines[: whole[-1]], whole[:-1], dtype=float) + np.diff(parts, axis=0)
    return sums / np.diff(edges)[:, None]


def _nearest(image: Image.Image, colours: Sequence[Colour]) -> npt.NDArray[np.int8]:
    """Return to which colour each pixel belongs, by its number; -1 where to none.

    Between two parts there may be a seam of mixed colours. It belongs to the parts at its sides.
    """
    table = _table(colours)
    found = np.concatenate([table[_bands(rows)] for rows in _rows(image)])
    most, at, beside = (np.zeros(found.shape, np.uint8) for _ in range(3))
    for number in range(len(colours)):
        around = _blurred(found == number)
        at[around > most] = number
        np.maximum(most, around, out=most)
        beside += around > 0
    between = (found < 0) & (beside > 1)
    found[between] = at[between]
    return found


def _table(colours: Sequence[Colour]) -> npt.NDArray[np.int8]:
    """Return which colour is nearest to each that there is in so few bits; -1 where none is near.

    Its shape is that of the cube of red, green and blue.
    """
    cube = np.indices((2**BITS,) * 3) * 255 // (2**BITS - 1)
    away = [np.square(np.moveaxis(cube, 0, -1) - colour).sum(axis=-1) for colour in colours]
    near = np.min(away, axis=0) <= NEAR**2
    return np.where(near, np.argmin(away, axis=0), -1).astype(np.int8)


def _blurred(inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Return how much of what lies within the width of a seam around each pixel is inside."""
    return np.asarray(_as_grey(inside).filter(ImageFilter.BoxBlur(SEAM)))


def _as_grey(inside: npt.NDArray[np.bool_]) -> Image.Image:
    return Image.fromarray(inside.astype(np.uint8) * 255)


def _bands(image: Image.Image) -> tuple[npt.NDArray[Any], ...]:
    return tuple(np.asarray(band) >> (8 - BITS) for band in image.split())


def _rows(image: Image.Image) -> Iterator[Image.Image]:
    for top in range(0, image.height, ROWS):
        yield image.crop((0, top, image.width, min(top + ROWS, image.height)))


def _in_words(image: Image.Image) -> str:
    """Return the most common colours of a picture as they are written."""
    few = image.convert("RGB").resize((64, 64), Image.Resampling.NEAREST)
    levels, counts = np.unique(np.asarray(few).reshape(-1, 3), axis=0, return_counts=True)
    most = levels[np.argsort(-counts, kind="stable")][:4].tolist()
    return ", ".join("".join(f"{level:02x}" for level in colour) for colour in most)
