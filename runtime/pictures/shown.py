"""A picture that is finished, but for the depth in which it is saved."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from stylize.runtime.files.deep import Raster
from stylize.runtime.pictures.arrays import to_array
from stylize.runtime.pictures.lightness import give_colours
from stylize.runtime.pictures.spaces import SRGB, Space

Array = npt.NDArray[np.float32]

BAND = 2**18
"""Pixels that are converted at a time: large pictures leave no room for copies."""


@dataclass(frozen=True, eq=False)
class Shown:
    """What is shown of an image: clipped to what can be, in the colours of its space.

    Attributes
    ----------
    pixels : float32 array, shape (1, 3, height, width)
        The image as it was painted, nominally in 0...1.
    alpha : PIL image or None
        8-bit grey: how much is seen of each pixel; None if it is all of all.
    colours : PIL image or None
        8-bit RGB, whose hue and chroma the picture has; None if it has its own.
    space : Space
        Whose colours the values are.
    """

    pixels: Array
    alpha: Image.Image | None = None
    colours: Image.Image | None = None
    space: Space = SRGB

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        _, _, height, width = self.pixels.shape
        return width, height

    def image(self) -> Image.Image:
        """Return it with 8 bits: RGB, or RGBA if it has an alpha; in sRGB if that is its space."""
        raster = self.raster(8)
        levels = np.empty((*self.pixels.shape[2:], raster.channels), np.uint8)
        for start, band in zip(range(0, self.size[1], raster.rows), raster.bands, strict=True):
            levels[start : start + raster.rows] = band
        image = Image.fromarray(levels)
        if self.space is not SRGB:
            image.info["icc_profile"] = self.space.profile
        return image

    def raster(self, bits: int) -> Raster:
        """Return it with 8 or 16 bits a channel, some rows at a time."""
        rows = max(1, BAND // self.size[0])
        return Raster(self.size, 4 if self.alpha else 3, bits, rows, self._bands(rows, bits))

    def _bands(self, rows: int, bits: int) -> Iterator[npt.NDArray[Any]]:
        kind, white = (np.uint16, 65535) if bits == 16 else (np.uint8, 255)
        for top in range(0, self.size[1], rows):
            values = self._values(top, min(top + rows, self.size[1]))
            levels = np.rint(values * np.float32(white)).astype(kind)
            if self.alpha:
                alpha = np.asarray(self.alpha.crop(self._box(top, top + len(levels))), kind)
                levels = np.dstack([levels, alpha * (white // 255)])
            yield levels

    def _values(self, top: int, bottom: int) -> Array:
        """Return rows in 0...1, shape (rows, width, 3), as the profile has them."""
        rows = self.pixels[:, :, top:bottom]
        if self.colours:
            rows = rows.copy()
            give_colours(rows, to_array(self.colours.crop(self._box(top, bottom))))
        return self.space.encoded(rows[0].transpose(1, 2, 0).clip(0, 1))

    def _box(self, top: int, bottom: int) -> tuple[int, int, int, int]:
        return 0, top, self.size[0], bottom


def raster_of(image: Image.Image) -> Raster:
    """Return an RGB or RGBA picture of 8 bits, some rows at a time."""
    rows = max(1, BAND // image.width)
    tops = range(0, image.height, rows)
    boxes = ((0, top, image.width, min(top + rows, image.height)) for top in tops)
    bands = (np.asarray(image.crop(box)) for box in boxes)
    return Raster(image.size, len(image.mode), 8, rows, bands)
