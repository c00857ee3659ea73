"""What an optimisation may start from, beside the pictures themselves: noise, grey, a file."""

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stylize.models.errors import OptionError
from stylize.models.preprocessing import Preprocessing
from stylize.runtime.method.options import STARTS

Array = npt.NDArray[np.float32]

FAINT = np.float32(10 / 255)
"""Standard deviation of the noise about grey. It is enough to leave the point at which a network
without biases has no gradient."""


def white_noise(size: tuple[int, int], seed: int) -> Array:
    """Return an image of a width and height, shape (1, 3, height, width), uniform in 0...1."""
    return np.random.default_rng(seed).random(_shape(size), np.float32)


def faint_noise(size: tuple[int, int], seed: int, preprocessing: Preprocessing) -> Array:
    """Return an image of the network's mean colour, with normally distributed noise about it.

    Parameters
    ----------
    size : tuple of int
        The image's width and height.
    seed : int
        Seed of the noise.
    preprocessing : Preprocessing
        What takes the mean colour to zero.

    Returns
    -------
    float32 array, shape (1, 3, height, width)
        Nominally in 0...1, but not clipped.
    """
    noise = np.random.default_rng(seed).standard_normal(_shape(size), np.float32)
    return mean_colour(preprocessing) + FAINT * noise


def start_file(init: str) -> Path:
    """Return the file to start from.

    Raises
    ------
    OptionError
        There is none.
    """
    if not os.path.isfile(init):  # unlike Path.is_file, False where it cannot be known
        known = ", ".join(STARTS)
        raise OptionError(f"Cannot start from '{init}': choose {known}, or a file.")
    return Path(init)


def _shape(size: tuple[int, int]) -> tuple[int, int, int, int]:
    width, height = size
    return 1, 3, height, width


def mean_colour(preprocessing: Preprocessing) -> Array:
    """Return the colour that the network's preprocessing takes to zero, shape (1, 3, 1, 1)."""
    colour = dict(zip(preprocessing.channel_order, preprocessing.mean, strict=True))
    rgb = np.array([colour[channel] for channel in "RGB"], np.float32)
    return (rgb / np.float32(preprocessing.scale)).reshape(1, 3, 1, 1)
