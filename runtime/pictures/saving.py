"""Pictures into files: checked before the work, and never half-written."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from PIL import Image, PngImagePlugin

from stylize.models.errors import ImageError, OptionError, StylizeError
from stylize.runtime.files import deep
from stylize.runtime.pictures.colour import on_white
from stylize.runtime.pictures.file_options import USUAL_FILES, FileOptions
from stylize.runtime.pictures.metadata import Metadata
from stylize.runtime.pictures.replacing import (
    check_replaceable,
    numbered,
    replacing_file,
    shortened,
)
from stylize.runtime.pictures.shown import Shown, raster_of
from stylize.runtime.pictures.spaces import SRGB

FORMATS: dict[str, dict[str, Any]] = {
    ".png": {"format": "PNG"},
    ".jpg": {"format": "JPEG", "subsampling": "4:4:4"},
    ".jpeg": {"format": "JPEG", "subsampling": "4:4:4"},
    ".webp": {"format": "WEBP"},
    ".tif": {"format": "TIFF"},
    ".tiff": {"format": "TIFF"},
}
"""How a picture is written, by the ending of its name."""

MAX_SIDES = {"JPEG": 65_500, "WEBP": 16_383}
"""Most pixels on a side that a format can hold, if that is within reach."""

DEEP = ("PNG", "TIFF")
"""Formats that can have 16 bits a channel."""


class Manner(NamedTuple):
    """How a picture is written.

    Attributes
    ----------
    files : FileOptions
        Bits of each channel, of which only what is `Shown` can have 16, and the quality of JPEG and
        WebP.
    kept : Metadata
        What is told of the photo.
    """

    files: FileOptions = USUAL_FILES
    kept: Metadata = Metadata()


USUAL = Manner()


def check_ending(path: Path) -> None:
    """Raise OptionError if a file's name does not tell a format that can be written."""
    if path.suffix.lower() not in FORMATS:
        raise OptionError(
            f"'{path}' must end in one of {', '.join(FORMATS)}, which tells the kind of file."
        )


def check_output(path: Path, long_side: int = 0, bits: int = 8) -> None:
    """Raise an error if a picture could not be written to `path`, before work is spent on it.

    Raises
    ------
    OptionError
        The ending tells no format, or one that cannot have so many bits a channel.
    ImageError
        There is a folder of that name, the place cannot be written to, or the format cannot hold
        `long_side` pixels.
    """
    check_format(path, long_side, bits)
    if os.path.isdir(path):
        raise ImageError(f"'{path}' is a folder. Name the file to write, for example out.png.")
    with _explaining_failures(path):
        check_replaceable(path)


def check_format(path: Path, long_side: int, bits: int) -> None:
    """Raise an error if the format that a name tells cannot hold a picture; see `check_output`."""
    check_ending(path)
    kind = FORMATS[path.suffix.lower()]["format"]
    if bits > 8 and kind not in DEEP:
        raise OptionError(
            f"A {kind} file has 8 bits a channel, not {bits}. Write a .png or a .tiff."
        )
    if long_side > MAX_SIDES.get(kind, long_side):
        raise ImageError(
            f"A {kind} file cannot hold a picture of {long_side} pixels on a side, "
            f"{MAX_SIDES[kind]} at most. Write a .png or a .tiff."
        )


def save_image(
    picture: Image.Image | Shown,
    path: Path,
    text: Mapping[str, str] | None = None,
    manner: Manner = USUAL,
    fresh: bool = False,
) -> None:
    """Write a picture with its profile; it appears under its name only when it is complete.

    Parameters
    ----------
    picture : PIL image or Shown
        An image is 8-bit RGB or RGBA, in the colours of its profile or sRGB. A JPEG has no alpha:
        it shows transparent parts on white.
    path : Path
        Its ending tells the format.
    text : mapping of str to str
        Text chunks by keyword; only PNG has them, other formats leave them out.
    manner : Manner
        How it is written.
    fresh : bool
        Whether to leave a file that is there already, and raise FileExistsError.

    Raises
    ------
    OptionError
        The ending is unknown, or the format cannot have so many bits.
    ImageError
        The file cannot be written.
    """
    check_format(path, max(picture.size), manner.files.bits)
    with _explaining_failures(path), replacing_file(path, fresh) as file:
        write_image(picture, file, path.suffix.lower(), text or {}, manner)


def write_image(
    picture: Image.Image | Shown,
    file: BinaryIO,
    ending: str,
    text: Mapping[str, str],
    manner: Manner,
) -> None:
    """Write a picture into an empty file in the format of an ending; see `save_image`."""
    kind, bits = FORMATS[ending]["format"], manner.files.bits
    if kind == "TIFF" or bits > 8:
        write = deep.write_tiff if kind == "TIFF" else deep.write_png
        raster = picture.raster(bits) if isinstance(picture, Shown) else raster_of(picture)
        write(file, raster, deep.Beside(_profile(picture), *manner.kept, text))
        return
    image = picture.image() if isinstance(picture, Shown) else picture
    settings = {"icc_profile": _profile(picture), **FORMATS[ending], **_told(manner.kept)}
    if kind in ("JPEG", "WEBP"):
        settings["quality"] = manner.files.quality
    if kind == "JPEG":
        image = on_white(image)
    if kind == "PNG" and text:
        settings["pnginfo"] = _text_chunks(text)
    image.save(file, **settings)


def _profile(picture: Image.Image | Shown) -> bytes:
    if isinstance(picture, Shown):
        return picture.space.profile
    profile: bytes | None = picture.info.get("icc_profile")
    return profile or SRGB.profile


def _told(kept: Metadata) -> dict[str, Any]:
    """Return metadata as Pillow takes them."""
    exif = {"exif": b"Exif\0\0" + deep.exif_bytes(kept.exif)} if kept.exif else {}
    return exif | ({"dpi": kept.resolution} if kept.resolution else {})


def rescue_image(
    picture: Image.Image | Shown,
    path: Path,
    text: Mapping[str, str] | None = None,
    manner: Manner = USUAL,
) -> Path:
    """Write a picture that could not be written to `path` to the nearest place that takes it.

    Parameters
    ----------
    picture : PIL image or Shown
        As `save_image` takes it.
    path : Path
        Where it was to go.
    text : mapping of str to str
        Text chunks by keyword.
    manner : Manner
        How it is written.

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
                save_image(picture, place, text, manner, fresh=True)
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
