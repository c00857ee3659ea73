"""Pictures whose every pixel is known, for tests of reading, converting and saving them."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from stylize.runtime.pictures.reading import load_image

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
COLOURS = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
EXACT: dict[str, dict[str, Any]] = {
    "picture.png": {},
    "picture.tiff": {},
    "picture.webp": {"lossless": True},
}
"""Names of files whose formats can keep every pixel, and how to ask for it."""
ROUNDING = 1
"""Grey level that the colour management may be off by."""

SIX_PATCHES = np.array(
    [[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[255, 255, 255], [0, 0, 0], [255, 255, 0]]], np.uint8
)
UPRIGHT = Image.fromarray(np.kron(SIX_PATCHES, np.ones((16, 16, 1), np.uint8)))


def pixels(image: Image.Image) -> npt.NDArray[np.int_]:
    assert image.mode == "RGB"
    return np.asarray(image, int)


def saved(image: Image.Image, path: Path, **options: Any) -> Path:
    image.save(path, **options)
    return path


def colour_of(path: Path) -> tuple[int, ...]:
    """The colour of a picture that has only one."""
    found = np.unique(pixels(load_image(path)).reshape(-1, 3), axis=0)
    assert len(found) == 1
    return tuple(found[0].tolist())


def on_white(colour: tuple[int, ...], alpha: int) -> tuple[int, ...]:
    return tuple(round((part * alpha + 255 * (255 - alpha)) / 255) for part in colour)
