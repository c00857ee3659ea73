"""Colours in Oklab and back: lightness, and hue and chroma, as far apart as they are seen.

Ottosson 2020, "A perceptual color space for image processing".
"""

import numpy as np
import numpy.typing as npt

Double = npt.NDArray[np.float64]

_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
"""Ottosson's matrices: from linear sRGB to cones, and from their cube roots to L, a, b."""

_FROM_CONES, _FROM_LAB = np.linalg.inv(_TO_CONES), np.linalg.inv(_TO_LAB)


def oklab(image: npt.NDArray[np.floating]) -> Double:
    """Return the colours of an image: L in 0...1, a and b around 0; shape (3, height · width).

    Parameters
    ----------
    image : array of floats, shape (..., 3, height, width) of one image, or (3, colours)
        sRGB in 0...1.
    """
    srgb = image.reshape(3, -1).astype(np.float64)
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return _TO_LAB @ np.cbrt(_TO_CONES @ linear)


def srgb(colours: Double) -> Double:
    """Return colours of Oklab, shape (3, n), as sRGB; what no screen shows is not in 0...1."""
    linear = _FROM_CONES @ (_FROM_LAB @ colours) ** 3
    bright = 1.055 * linear.clip(0.0031308) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, bright)
