"""Likeness of colours: the sliced Wasserstein distance of all colours of two pictures, in Oklab.

Rabin, Peyré, Delon and Bernot 2011, "Wasserstein Barycenter and its Application to Texture Mixing":
seen along one direction, distributions are compared by sorting; this is done along many. The
distance counts how far a colour has to go, and no bins are chosen, into which it might just not
fall. In Oklab (Ottosson 2020, "A perceptual color space for image processing"), differences are
about as large as they are seen.
"""

from math import pi, sqrt

import numpy as np
import numpy.typing as npt

from stylize.runtime.pictures.oklab import oklab

Array = npt.NDArray[np.float32]
Double = npt.NDArray[np.float64]

DIRECTIONS = 64
"""Number of directions along which colours are sorted."""
QUANTILES = 1024
"""So many of the sorted values are compared; pictures need not have equally many pixels."""


def palette(image: Array) -> Double:
    """Return what is compared of an image's colours: quantiles along each direction.

    Returns
    -------
    float64 array, shape (DIRECTIONS, QUANTILES)
        In each row, what the colours measure along a direction, in ascending order.
    """
    colours = oklab(image)
    places = ((np.arange(QUANTILES) + 0.5) / QUANTILES * colours.shape[1]).astype(int)
    return np.stack([np.sort(direction @ colours)[places] for direction in _directions()])


def palette_distance(one: Double, other: Double) -> float:
    """Return the sliced 2-Wasserstein distance of two palettes, times √3.

    So it is in units of Oklab: if one picture's colours are the other's, all moved by a vector, it
    is that vector's length, of which a direction sees a third of the square on average.
    """
    return sqrt(3 * float(np.mean((one - other) ** 2)))


def _directions() -> Double:
    """Return directions that are evenly spread over half a sphere (Fibonacci's), shape (n, 3)."""
    steps = np.arange(DIRECTIONS)
    height = (steps + 0.5) / DIRECTIONS
    turn = steps * pi * (3 - sqrt(5))  # the golden angle
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), height], axis=1)
