"""Pictures and arrays: RGB in 0...1 and back.

Arrays are float32, shape (1, 3, height, width), sRGB in 0...1.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image

from stylize.models.errors import ImageError
from stylize.runtime.pictures.colour import as_srgb, on_white

Array = npt.NDArray[np.float32]


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
    pixels = np.asarray(on_white(as_srgb(image)), np.float32) / 255
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


def to_image(pixels: Array) -> Image.Image:
    """Return an array in 0...1, shape (1, 3, height, width), as an RGB picture; clip the rest."""
    rows = np.clip(pixels[0].transpose(1, 2, 0), 0, 1) * 255
    return Image.fromarray(np.rint(rows).astype(np.uint8))


def enlarged(pixels: Array, size: tuple[int, int]) -> Array:
    """Return an array of shape (1, 3, height, width) in another width and height (bicubic)."""
    bands = [Image.fromarray(band).resize(size, Image.Resampling.BICUBIC) for band in pixels[0]]
    return np.stack([np.asarray(band) for band in bands])[None]


def framed(pixels: Array, margin: int) -> Array:
    """Return an array of shape (1, 3, height, width) with its mirror image around it."""
    return np.pad(pixels, ((0, 0), (0, 0), (margin, margin), (margin, margin)), "reflect")


def unframed(pixels: Array, margin: int) -> Array:
    """Return what `framed` was given: an array without so many pixels at each edge."""
    height, width = pixels.shape[2:]
    return pixels[:, :, margin : height - margin, margin : width - margin]
