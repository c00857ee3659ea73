"""Pictures from files of any common kind."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from stylize.models.errors import ImageError
from stylize.runtime.pictures.colour import normalise

_UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


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
    if not Path(path).is_file():
        raise ImageError(f"There is no picture '{path}'. Check the path.")
    try:
        with warnings.catch_warnings():
            # Pillow warns from 89 megapixels on and refuses from 179 on; the first is a photo.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as file:
                file.load()
                yield file
    except _UNREADABLE as error:
        raise ImageError(
            f"'{path}' cannot be read: {error}. stylize reads whole JPEG, PNG, WebP and TIFF "
            "files (and others that Pillow knows)."
        ) from error
