"""Pictures from files of any common kind."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from stylize.models.errors import ImageError, StylizeError
from stylize.runtime.pictures.colour import normalise

READABLE = ("JPEG", "MPO", "PNG", "WEBP", "TIFF", "AVIF", "BMP", "GIF", "JPEG2000", "PPM")
"""What is read. Pillow goes by a file's content, and some of its other formats start programs."""


def load_image(path: str | Path) -> Image.Image:
    """Read a picture as 8-bit sRGB, upright, transparent parts blended on white.

    Raises
    ------
    ImageError
        The file is missing, not a picture, damaged, too small or far too large.
    """
    with _opened(path) as file:
        return normalise(file, f"'{path}'")


def read_chunk(path: str | Path, keyword: str) -> str | None:
    """Return a text chunk of a PNG file; None if it has no such chunk, or is no PNG.

    Raises
    ------
    ImageError
        The file is missing, not a picture, damaged, or far too large.
    """
    with _opened(path) as file:
        text = file.info.get(keyword)
    return str(text) if isinstance(text, str) else None


@contextmanager
def _opened(path: str | Path) -> Iterator[Image.Image]:
    if Path(path).is_dir():
        raise ImageError(f"'{path}' is a folder. Name a picture in it.")
    if not Path(path).is_file():
        raise ImageError(f"There is no picture '{path}'. Check the path.")
    Image.init()  # Pillow has not loaded all of its formats yet
    try:
        with warnings.catch_warnings():
            # Of odd metadata, and of size from 89 megapixels on; from 179 on Pillow refuses.
            warnings.simplefilter("ignore")
            with Image.open(
                path, formats=[name for name in READABLE if name in Image.OPEN]
            ) as file:
                file.load()
                yield file
    except (StylizeError, MemoryError):
        raise
    except Exception as error:  # decoders raise many kinds
        raise ImageError(
            f"'{path}' cannot be read: {error}. stylize reads whole JPEG, PNG, WebP and TIFF "
            "files, and AVIF, BMP, GIF, JPEG 2000 and PPM where Pillow does."
        ) from error
