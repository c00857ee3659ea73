"""What a judge keeps of a picture."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from stylize.runtime.judging.bures import Gaussian, gaussian_of
from stylize.runtime.judging.colours import palette
from stylize.runtime.judging.structure import directions_of
from stylize.runtime.method.model import Model
from stylize.runtime.pictures.arrays import to_array

Double = npt.NDArray[np.float64]

STYLE_LAYERS = ("conv1_2", "conv2_2", "conv3_3", "conv4_3")
"""Layers at which style is compared; no preset minimises anything there."""
STRUCTURE_LAYER = "conv3_1"
"""The layer at which positions are compared, CFSD's own."""


@dataclass(frozen=True, eq=False)
class Impression:
    """What a judge keeps of a picture.

    Attributes
    ----------
    styles : dict of str to Gaussian
        The distribution of the response of each of `STYLE_LAYERS`.
    palette : float64 array
        Its colours, see `stylize.runtime.judging.colours.palette`.
    directions : float64 array, shape (height · width, N)
        Those of the response of `STRUCTURE_LAYER` at each position.
    """

    styles: dict[str, Gaussian]
    palette: Double
    directions: Double


def impression_of(image: Image.Image, model: Model) -> Impression:
    """Look at a picture."""
    array = to_array(image)
    responses = model.features(array, (*STYLE_LAYERS, STRUCTURE_LAYER))
    return Impression(
        {name: gaussian_of(responses[name]) for name in STYLE_LAYERS},
        palette(array),
        directions_of(responses[STRUCTURE_LAYER]),
    )
