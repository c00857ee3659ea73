"""Values of other than 8 bits brought to 8."""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from stylize.models.errors import ImageError

DEEP_MODES = ("I;16", "I;16L", "I;16B", "I;16N", "I")
"""Pillow's modes for grey of more than 8 bits."""

_FULL, _FULL_SIGNED = 2**16 - 1, 2**15 - 1
_USUAL_DEPTHS = (8, 10, 12)
"""Bits that scanners, cameras and microscopes fill of 16."""
_LEFT_OF_12 = 2**12 >> 8
"""Levels that are left of 12 bits where 16 are taken for 8."""
_BITS_PER_SAMPLE, _PHOTOMETRIC, _MAX_SAMPLE_VALUE, _SAMPLE_FORMAT = 258, 262, 281, 339
_WHITE_IS_ZERO, _SIGNED = 0, 2
"""Tags of TIFF, and values of such."""
_CLEAR_LEVELS = {
    "1": (0b1, 0, 255),
    "L;2": (0b11, 0, 85),
    "L;4": (0b1111, 0, 17),
    "RGB;16B": (_FULL, 8, 1),
}
"""How PNG's transparent level becomes one of Pillow's, by how the pixels are stored: the bits that
count, how many of them Pillow drops, and what it multiplies the others with."""


class Scale(NamedTuple):
    """What the values of deep grey mean.

    Attributes
    ----------
    white : int or None
        The highest value that can be; None if the file does not tell.
    full : int
        What it is at most.
    inverted : bool
        Whether white is 0, and the highest value black.
    """

    white: int | None
    full: int = _FULL
    inverted: bool = False


def scale_told(image: Image.Image) -> Scale:
    """Return what a file that is not loaded yet tells of the values of its deep grey.

    White is told in TIFF by a tag, and in PGM and JPEG 2000 by the format, where Pillow makes 16
    bits of what there is. PNG has no such word: its chunk sBIT tells how exact the values are.
    """
    if image.format == "JPEG2000":
        return Scale(_FULL)
    if image.format == "PPM":
        decoding = str(getattr(image, "tile", None))  # it names the values or their range
        return Scale(None if "I;16B" in decoding or str(_FULL) in decoding else _FULL)
    return _scale_of_tiff(getattr(image, "tag_v2", {}))


def _scale_of_tiff(tags: Mapping[int, Any]) -> Scale:
    (bits, *_), (highest, *_) = tags.get(_BITS_PER_SAMPLE, (16,)), tags.get(_MAX_SAMPLE_VALUE, (0,))
    (sign, *_) = tags.get(_SAMPLE_FORMAT, (0,))
    return Scale(
        white=highest or (2**bits - 1 if bits < 16 else None),
        full=_FULL_SIGNED if sign == _SIGNED and bits <= 16 else _FULL,
        inverted=tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO,
    )


def clear_colour(image: Image.Image) -> Any:
    """Return the transparent level, colour or index of a picture that is not loaded yet, if any.

    Where Pillow makes 8 bits of a PNG's levels, it leaves the transparent one as it is stored.
    """
    clear, tiles = image.info.get("transparency"), getattr(image, "tile", None)
    stored = tiles[0][-1] if image.format == "PNG" and tiles else None
    if clear is None or stored not in _CLEAR_LEVELS:
        return clear
    mask, dropped, factor = _CLEAR_LEVELS[stored]
    levels = tuple(((level & mask) >> dropped) * factor for level in np.atleast_1d(clear).tolist())
    return levels if image.mode == "RGB" else levels[0]


def is_deep_colour(image: Image.Image) -> bool:
    """Tell whether a picture that is not loaded yet has colours of 16 bits, which Pillow halves."""
    return image.mode in ("RGB", "RGBA") and ";16" in str(getattr(image, "tile", None))


def check_deep_colour(image: Image.Image, name: str) -> None:
    """Raise ImageError if colours of 16 bits were of 12, of which Pillow has left 4."""
    extrema = cast(tuple[tuple[int, int], ...], image.getextrema())
    if max(high for _, high in extrema[:3]) < _LEFT_OF_12:
        raise ImageError(
            f"{name} has colours of 16 bits that are nearly black, as those of 12 bits are. "
            "Save it with 8 bits a channel."
        )


def in_eight_bits(image: Image.Image, scale: Scale, name: str) -> Image.Image:
    """Return deep grey as 8-bit grey, with alpha if it has a transparent level.

    Where the file does not tell the value of white, and no value has more than 12 bits, the
    values are taken for such of 8, 10 or 12 bits: as 16 bits they would be nearly black.

    Raises
    ------
    ImageError
        The values do not fit into 16 bits, and the file does not tell their range.
    """
    levels = np.asarray(image)
    low, high = int(levels.min()), int(levels.max())
    if not 0 <= low <= high <= _FULL:
        raise ImageError(
            f"{name} has grey values from {low} to {high}, whose range it does not tell. "
            "Save it with 8 or 16 bits a channel."
        )
    white = scale.white
    if white is None or white < high:
        white = _white_of(high, scale.full)
    table = _table(white, high)
    grey = Image.fromarray((255 - table if scale.inverted else table)[levels])
    transparent = image.info.get("transparency")
    if transparent is not None:
        grey.putalpha(Image.fromarray((levels != transparent).astype(np.uint8) * 255))
    grey.info["icc_profile"] = image.info.get("icc_profile")
    return grey


def _white_of(high: int, full: int) -> int:
    """Return the value of white where the highest value is all that is known."""
    depths = (2**bits - 1 for bits in _USUAL_DEPTHS)
    return next((white for white in (*depths, full) if high <= white), _FULL)


def _table(white: int, high: int) -> npt.NDArray[np.uint8]:
    """Return the 8-bit level of every value up to the highest."""
    return np.rint(np.arange(high + 1) / (white / 255)).astype(np.uint8)
