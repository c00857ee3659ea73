"""What is seen of a picture with transparent parts: its colours, and how much of them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

Values = npt.NDArray[Any]

_TRUSTED = 16 / 255
"""The alpha from which a pixel keeps its own colour. Filters leave less around an edge."""


class Seen(NamedTuple):
    """What is seen of a picture.

    Attributes
    ----------
    colours : PIL image
        8-bit RGB.
    alpha : PIL image or None
        8-bit grey: how much is seen of each pixel; None if it is all of all.
    """

    colours: Image.Image
    alpha: Image.Image | None


def seen(image: Image.Image, resample: Callable[[Image.Image], Image.Image]) -> Seen:
    """Return the resampled colours and alpha of an RGB or RGBA picture.

    Colours count as much as they are seen. Under full transparency, where a file may hide any
    colours, they are those around, so that no edge is there which nobody sees.
    """
    if image.mode == "RGB":
        return Seen(resample(image), None)
    alpha = np.asarray(image.getchannel("A"), np.float32) / 255
    bands = (np.asarray(image.getchannel(band), np.float32) * alpha for band in "RGB")
    sums = _resampled(alpha, resample)[..., None]  # beside an edge, some are below 0 or above 1
    colours = np.stack([_resampled(band, resample) for band in bands], -1)
    own, weights = (colours / np.maximum(sums, 1e-6)).clip(0, 255), sums.clip(0, 1)
    around = _filled(own * weights, weights)
    trust = np.minimum(weights / _TRUSTED, 1)
    return Seen(_image(around + trust * (own - around)), _image(weights[..., 0] * 255))


def _resampled(values: Values, resample: Callable[[Image.Image], Image.Image]) -> Values:
    return np.asarray(resample(Image.fromarray(values)))


def _image(levels: Values) -> Image.Image:
    return Image.fromarray(np.rint(levels.clip(0, 255)).astype(np.uint8))


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
        return np.where(weights > 0, colours / np.maximum(weights, 1e-6), 255)
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
