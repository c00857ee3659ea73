"""What a picture has of the photo whatever is painted: its transparency, maybe its colours."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from stylize.runtime.pictures.arrays import ROWS, to_array, to_image
from stylize.runtime.pictures.lightness import give_colours

Array = npt.NDArray[np.float32]


class Preserved(NamedTuple):
    """What a picture has of the photo.

    Attributes
    ----------
    alpha : PIL image or None
        8-bit grey: how much is seen of each pixel; None if it is all of all.
    colours : PIL image or None
        8-bit RGB, whose hue and chroma the picture has; None if it has its own.
    """

    alpha: Image.Image | None = None
    colours: Image.Image | None = None

    def shown(self, pixels: Array) -> Image.Image:
        """Return an image, shape (1, 3, height, width), as a picture: RGB, or RGBA with an alpha.

        It is clipped to what can be shown.
        """
        image = self._coloured(pixels, self.colours) if self.colours else to_image(pixels)
        if self.alpha:
            image.putalpha(self.alpha)
        return image

    @staticmethod
    def _coloured(pixels: Array, colours: Image.Image) -> Image.Image:
        """Return an image in the colours of another, without a copy of all of it."""
        width, height = colours.size
        found = Image.new("RGB", (width, height))
        for top in range(0, height, ROWS):
            box = 0, top, width, min(top + ROWS, height)
            rows = pixels[:, :, top : box[3]].copy()
            give_colours(rows, to_array(colours.crop(box)))
            found.paste(to_image(rows), box)
        return found


NOTHING = Preserved()
