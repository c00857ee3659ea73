"""What a picture has of the photo whatever is painted: its transparency, maybe its colours."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from stylize.runtime.pictures.shown import Shown
from stylize.runtime.pictures.spaces import SRGB, Space

Array = npt.NDArray[np.float32]


class Preserved(NamedTuple):
    """What a picture has of the photo.

    Attributes
    ----------
    alpha : PIL image or None
        8-bit grey: how much is seen of each pixel; None if it is all of all.
    colours : PIL image or None
        8-bit RGB, whose hue and chroma the picture has; None if it has its own.
    space : Space
        The colour space in which it is painted.
    """

    alpha: Image.Image | None = None
    colours: Image.Image | None = None
    space: Space = SRGB

    def shown(self, pixels: Array) -> Shown:
        """Return what is shown of an image, shape (1, 3, height, width)."""
        return Shown(pixels, *self)


NOTHING = Preserved()
