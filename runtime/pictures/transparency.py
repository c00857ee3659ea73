"""What is seen of a picture with transparent parts: its colours, and how much of them."""

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Values = npt.NDArray[Any]

_TRUSTED = np.float32(16 / 255)
"""The alpha from which colours are kept as they are. In 8 bits, colours below have few levels."""


def split(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Return the colours of a picture as RGB, and its alpha as L, None if it has none.

    Under full transparency, a file may hide any colours. They are replaced by those around, so that
    no edge is seen there that is none.
    """
    if image.mode == "RGB":
        return image, None
    values = np.asarray(image, np.float32) / 255
    weights = np.minimum(values[..., 3:] / _TRUSTED, 1)
    colours = _filled(values[..., :3] * weights, weights)
    levels = np.rint(np.clip(colours, 0, 1) * 255).astype(np.uint8)
    return Image.fromarray(levels), image.getchannel("A")


def _filled(colours: Values, weights: Values) -> Values:
    """Return colours in which those of little weight come from around (push-pull interpolation).

    Parameters
    ----------
    colours : float32 array, shape (height, width, 3)
        Each multiplied by its weight.
    weights : float32 array, shape (height, width, 1)
        In 0...1.
    """
    if weights.size == 1:
        return np.where(weights > 0, colours / np.maximum(weights, 1e-6), 1)
    sums, weight = _halved(colours), _halved(weights)
    scale = 1 / np.maximum(weight, 1)  # a pixel of full weight is enough
    around = _doubled(_filled(sums * scale, weight * scale))
    return colours + (1 - weights) * around[: weights.shape[0], : weights.shape[1]]


def _halved(values: Values) -> Values:
    """Return the sums of two by two; what is beyond the edge is 0."""
    height, width, _ = values.shape
    even = np.pad(values, ((0, height % 2), (0, width % 2), (0, 0)))
    return even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]


def _doubled(values: Values) -> Values:
    """Return twice the rows and columns, interpolated."""
    for axis in (0, 1):
        edge = [(1, 1) if each == axis else (0, 0) for each in range(3)]
        padded = np.moveaxis(np.pad(values, edge, mode="edge"), axis, 0)
        before, here, after = padded[:-2], padded[1:-1], padded[2:]
        pairs = np.stack([3 * here + before, 3 * here + after], 1) / 4
        values = np.moveaxis(pairs.reshape(-1, *pairs.shape[2:]), 0, axis)
    return values
