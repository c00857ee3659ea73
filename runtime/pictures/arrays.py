"""Pictures and arrays: RGB in 0...1 and back.

Arrays are float32, shape (1, 3, height, width), sRGB in 0...1.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image

from stylize.models.errors import ImageError
from stylize.runtime.pictures.colour import as_srgb, on_white

Array = npt.NDArray[np.float32]

ROWS = 256
"""Rows of a picture that are converted at a time: large pictures leave no room for copies."""


def as_array(array: npt.ArrayLike) -> Array:
    """Return what a caller gives for an image as the float32 array that graphs take.

    Raises
    ------
    ImageError
        It is no array of floats of shape (1, 3, height, width).
    """
    found = np.asarray(array)
    if found.ndim != 4 or found.shape[:2] != (1, 3) or found.dtype.kind != "f":
        raise ImageError(
            "An image is an array of floats in 0...1, of shape (1, 3, height, width). This is "
            f"{type(array).__name__} of {found.dtype} and shape {found.shape}. Make one of a "
            "picture: stylize.runtime.to_array(load_image(...))."
        )
    return np.ascontiguousarray(found, np.float32)


def to_array(image: Image.Image) -> Array:
    """Return a picture as float32 in 0...1, shape (1, 3, height, width).

    Parameters
    ----------
    image : PIL image
        Of any mode; taken as `load_image` takes it, on white where it is transparent.

    Raises
    ------
    ImageError
        It is no Pillow image, damaged, or its pixels are of a kind that cannot be shown.
    """
    image = on_white(as_srgb(image))
    pixels = np.empty((1, 3, image.height, image.width), np.float32)
    fill(pixels, image)
    return pixels


def fill(place: Array, image: Image.Image) -> None:
    """Write an RGB picture into an array of its size, shape (1, 3, height, width), as 0...1."""
    for start in range(0, image.height, ROWS):
        end = min(start + ROWS, image.height)
        levels = np.asarray(image.crop((0, start, image.width, end)))
        np.divide(levels.transpose(2, 0, 1), np.float32(255), out=place[0, :, start:end])


def to_image(pixels: Array) -> Image.Image:
    """Return an array in 0...1, shape (1, 3, height, width), as an RGB picture; clip the rest."""
    height, width = pixels.shape[2:]
    levels = np.empty((height, width, 3), np.uint8)
    for start in range(0, height, ROWS):
        rows = slice(start, start + ROWS)
        values = np.clip(pixels[0, :, rows].transpose(1, 2, 0), 0, 1) * 255
        levels[rows] = np.rint(values)
    return Image.fromarray(levels)


def add_enlarged(
    place: Array, pixels: Array, how: Image.Resampling = Image.Resampling.BICUBIC
) -> None:
    """Add `pixels` to a larger array, enlarged to that."""
    size = place.shape[3], place.shape[2]
    for channel, target in zip(pixels[0], place[0], strict=True):  # one at a time is a copy
        target += Image.fromarray(channel).resize(size, how)


def room_for(size: tuple[int, int], margin: int) -> tuple[Array, Array]:
    """Return an array of zeros for a width and height with a margin, and the view inside of it."""
    width, height = size
    whole = np.zeros((1, 3, height + 2 * margin, width + 2 * margin), np.float32)
    return whole, unframed(whole, margin)


def mirror(whole: Array, margin: int) -> None:
    """Write the mirror image of what is inside of a margin onto it, without its outermost line."""
    inside = unframed(whole, margin)
    if margin >= min(inside.shape[2:]):  # then it is mirrored more than once
        edges = (margin, margin)
        whole[...] = np.pad(inside, ((0, 0), (0, 0), edges, edges), "reflect")
        return
    for axis in (2, 3):
        line = np.moveaxis(whole, axis, 0)
        for place in range(margin):
            line[place] = line[2 * margin - place]
            line[-1 - place] = line[-1 - (2 * margin - place)]


def unframed(pixels: Array, margin: int) -> Array:
    """Return what `framed` was given: an array without so many pixels at each edge."""
    height, width = pixels.shape[2:]
    return pixels[:, :, margin : height - margin, margin : width - margin]
