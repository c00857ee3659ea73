"""Pictures into files: checked before the work, and never half-written."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from PIL import Image, PngImagePlugin

from stylize.models.errors import ImageError, OptionError
from stylize.runtime.pictures.colour import SRGB, on_white

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
    check_ending(path)
    kind = FORMATS[path.suffix.lower()]["format"]
    if long_side > MAX_SIDES.get(kind, long_side):
        raise ImageError(
            f"A {kind} file cannot hold a picture of {long_side} pixels on a side, "
            f"{MAX_SIDES[kind]} at most. Write a .png or a .tiff."
        )
    if path.is_dir():
        raise ImageError(f"'{path}' is a folder. Name the file to write, for example out.png.")
    with _replacing_file(path) as temporary:
        temporary.touch()
        temporary.unlink()


def save_image(
    image: Image.Image,
    path: Path,
    text: Mapping[str, str] | None = None,
    quality: int = 95,
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

    Raises
    ------
    OptionError
        The ending is unknown.
    ImageError
        The file cannot be written.
    """
    check_output(path, max(image.size))
    settings = {"icc_profile": _undated(SRGB.tobytes()), **FORMATS[path.suffix.lower()]}
    if settings["format"] in ("JPEG", "WEBP"):
        settings["quality"] = quality
    if settings["format"] == "JPEG":
        image = on_white(image)
    if settings["format"] == "PNG" and text:
        settings["pnginfo"] = _text_chunks(text)
    with _replacing_file(path) as temporary:
        image.save(temporary, **settings)


def _undated(profile: bytes) -> bytes:
    return profile[: _DATE.start] + bytes(_DATE.stop - _DATE.start) + profile[_DATE.stop :]


def _text_chunks(text: Mapping[str, str]) -> PngImagePlugin.PngInfo:
    chunks = PngImagePlugin.PngInfo()
    for keyword, value in text.items():
        chunks.add_itxt(keyword, value)
    return chunks


@contextmanager
def _replacing_file(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; a file written there takes its place."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        if temporary.exists():
            temporary.replace(path)
    except (OSError, ValueError) as error:
        raise ImageError(
            f"'{path}' cannot be written: {getattr(error, 'strerror', None) or error}. "
            "Name a file in a folder that exists, may be written to, and has space left."
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
