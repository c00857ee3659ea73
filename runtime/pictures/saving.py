"""Pictures into files: checked before the work, and never half-written."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from PIL import Image, PngImagePlugin

from stylize.models.errors import ImageError, OptionError, StylizeError
from stylize.runtime.pictures.colour import SRGB, on_white
from stylize.runtime.pictures.replacing import (
    check_replaceable,
    numbered,
    replacing_file,
    shortened,
)

FORMATS: dict[str, dict[str, Any]] = {
    ".png": {"format": "PNG"},
    ".jpg": {"format": "JPEG", "subsampling": "4:4:4"},
    ".jpeg": {"format": "JPEG", "subsampling": "4:4:4"},
    ".webp": {"format": "WEBP"},
    ".tif": {"format": "TIFF", "compression": "tiff_lzw"},
    ".tiff": {"format": "TIFF", "compression": "tiff_lzw"},
}
"""How a picture is written, by the ending of its name."""

MAX_SIDES = {"JPEG": 65_500, "WEBP": 16_383}
"""Most pixels on a side that a format can hold, if that is within reach."""

_DATE = slice(24, 36)
"""The date in an ICC profile. Without it, the same picture is the same file."""


def check_ending(path: Path) -> None:
    """Raise OptionError if a file's name does not tell a format that can be written."""
    if path.suffix.lower() not in FORMATS:
        raise OptionError(
            f"'{path}' must end in one of {', '.join(FORMATS)}, which tells the kind of file."
        )


def check_output(path: Path, long_side: int = 0) -> None:
    """Raise an error if a picture could not be written to `path`, before work is spent on it.

    Raises
    ------
    OptionError
        The ending tells no format.
    ImageError
        There is a folder of that name, the place cannot be written to, or the format cannot hold
        `long_side` pixels.
    """
    _check_format(path, long_side)
    if os.path.isdir(path):
        raise ImageError(f"'{path}' is a folder. Name the file to write, for example out.png.")
    with _explaining_failures(path):
        check_replaceable(path)


def _check_format(path: Path, long_side: int) -> None:
    check_ending(path)
    kind = FORMATS[path.suffix.lower()]["format"]
    if long_side > MAX_SIDES.get(kind, long_side):
        raise ImageError(
            f"A {kind} file cannot hold a picture of {long_side} pixels on a side, "
            f"{MAX_SIDES[kind]} at most. Write a .png or a .tiff."
        )


def save_image(
    image: Image.Image,
    path: Path,
    text: Mapping[str, str] | None = None,
    quality: int = 95,
    fresh: bool = False,
) -> None:
    """Write a picture, tagged as sRGB; it appears under its name only when it is complete.

    Parameters
    ----------
    image : PIL image
        8-bit RGB or RGBA. A JPEG has no alpha: it shows transparent parts on white.
    path : Path
        Its ending tells the format.
    text : mapping of str to str
        Text chunks by keyword; only PNG has them, other formats leave them out.
    quality : int
        The quality of JPEG and WebP, at most 100.
    fresh : bool
        Whether to leave a file that is there already, and raise FileExistsError.

    Raises
    ------
    OptionError
        The ending is unknown.
    ImageError
        The file cannot be written.
    """
    _check_format(path, max(image.size))
    settings = {"icc_profile": _undated(SRGB.tobytes()), **FORMATS[path.suffix.lower()]}
    if settings["format"] in ("JPEG", "WEBP"):
        settings["quality"] = quality
    if settings["format"] == "JPEG":
        image = on_white(image)
    if settings["format"] == "PNG" and text:
        settings["pnginfo"] = _text_chunks(text)
    with _explaining_failures(path), replacing_file(path, fresh) as file:
        image.save(file, **settings)


def rescue_image(image: Image.Image, path: Path, text: Mapping[str, str] | None = None) -> Path:
    """Write a picture that could not be written to `path` to the nearest place that takes it.

    Parameters
    ----------
    image : PIL image
        As `save_image` takes it.
    path : Path
        Where it was to go.
    text : mapping of str to str
        Text chunks by keyword.

    Returns
    -------
    Path
        A new PNG: beside `path`, in the working folder, or in the one for temporary files.

    Raises
    ------
    ImageError
        No place takes it.
    """
    for folder in _refuges(path):
        for place in numbered(folder / f"{shortened(path.stem)}.png"):
            try:
                save_image(image, place, text, fresh=True)
            except FileExistsError:
                continue
            except ImageError:
                break
            return place
    raise ImageError("No other folder takes the picture either, so it is lost.")


def _refuges(path: Path) -> Iterator[Path]:
    """Yield the folders that may take a picture, the nearest first."""
    yield path.parent
    yield Path()
    with suppress(OSError):  # there may be none that can be written to
        yield Path(tempfile.gettempdir())


def _undated(profile: bytes) -> bytes:
    return profile[: _DATE.start] + bytes(_DATE.stop - _DATE.start) + profile[_DATE.stop :]


def _text_chunks(text: Mapping[str, str]) -> PngImagePlugin.PngInfo:
    chunks = PngImagePlugin.PngInfo()
    for keyword, value in text.items():
        chunks.add_itxt(keyword, value)
    return chunks


@contextmanager
def _explaining_failures(path: Path) -> Iterator[None]:
    """Turn the errors of writing a picture into ours."""
    try:
        yield
    except (StylizeError, MemoryError, FileExistsError):
        raise
    except Exception as error:  # encoders raise many kinds
        raise ImageError(
            f"'{path}' cannot be written: {getattr(error, 'strerror', None) or error}. "
            "Name a file in a folder that exists, may be written to, and has space left."
        ) from error
