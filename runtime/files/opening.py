"""Files opened as pictures by their content, and whatever goes wrong told as an ImageError."""

import logging
import struct
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, BinaryIO

from PIL import Image

from stylize.models.errors import ImageError, StylizeError
from stylize.runtime.files import png
from stylize.runtime.files.kinds import HEIC, unread_kind
from stylize.runtime.files.silence import without_stderr, without_warnings

Decoder = tuple[Callable[[Any, Any], Image.Image], Callable[[bytes], bool | str] | None]

READABLE = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", "BMP", "GIF", "JPEG2000", "PPM", "HEIF")
"""What is read. Pillow goes by a file's content, and some of its other formats start programs."""

logging.getLogger("PIL").addHandler(logging.NullHandler())  # or else its errors go to stderr

_KNOWN = (
    "stylize reads whole JPEG, PNG, WebP and TIFF files, and AVIF, BMP, GIF, JPEG 2000 and PPM "
    "where Pillow does."
)

_DAMAGED, _CLOSED = "it is damaged or cut short", "it is closed; load it before its file is closed"
_PLAINLY = {
    "Operation on closed image": _CLOSED,
    "Truncated File Read": _DAMAGED,
    "could not create decoder object": _DAMAGED,
    "not identified by this driver": _DAMAGED,
    "unknown pixel mode": "its pixels are stored in a way that Pillow does not read; save it with "
    "8 bits a channel",
}
"""What messages of Pillow mean."""


@contextmanager
def opened(file: BinaryIO, name: str) -> Iterator[Image.Image]:
    """Open a file as a picture whose pixels are not loaded yet.

    Parameters
    ----------
    file : binary file
        It can be sought.
    name : str
        How messages call it.

    Raises
    ------
    ImageError
        It is no picture, or damaged, or of a kind that is not read. What a decoder raises until
        the picture is closed again becomes an ImageError, too.
    """
    with errors_told(name), _opened(file, name) as image, _without_messages(image):
        yield image


@contextmanager
def loading(image: Image.Image, name: str) -> Iterator[None]:
    """Tell likewise what goes wrong while an image is loaded that was opened elsewhere."""
    if getattr(image, "tile", None) and getattr(image, "fp", None) is None:
        raise ImageError(_unreadable(name, _CLOSED))
    with errors_told(name), _without_messages(image):
        yield


@contextmanager
def errors_told(name: str) -> Iterator[None]:
    """Make an ImageError of whatever Pillow raises about a picture, and nothing of its warnings."""
    try:
        with without_warnings():  # of odd metadata
            yield
    except (StylizeError, MemoryError):
        raise
    except Exception as error:  # decoders raise many kinds
        raise ImageError(_unreadable(name, _told(error))) from error


def _opened(file: BinaryIO, name: str) -> Image.Image:
    """Do what ``Image.open`` does, but for its limit to the size: huge JPEGs are read reduced."""
    kind = unread_kind(file)
    if kind == HEIC:
        _add_heif_reader()
    elif kind:
        raise ImageError(f"{name} is {kind.what}. {kind.advice}")
    file.seek(0)
    head = file.read(16)
    reason = "it is no picture of a known kind" if head else "it is empty"
    for decode, accepts in _decoders():
        accepted = not accepts or accepts(head)
        try:
            if accepted is True:
                return _decoded(decode, file, head)
        except (SyntaxError, IndexError, TypeError, struct.error) as error:
            accepted = _told(error)
        reason = accepted or reason
    raise ImageError(f"{name} is {kind.what}. {kind.advice}" if kind else _unreadable(name, reason))


def _decoded(decode: Callable[[Any, Any], Image.Image], file: BinaryIO, head: bytes) -> Image.Image:
    """Return a file as a picture; of PNG's long texts and profiles, Pillow gets none to see."""
    if not head.startswith(png.SIGNATURE):
        file.seek(0)
        return decode(file, "")
    image = decode(png.for_pillow(file), "")
    image.info["icc_profile"] = png.profile(file)
    return image


def _without_messages(image: Image.Image) -> AbstractContextManager[None]:
    """Return a time in which a decoder reports nothing: libtiff does, and nothing else stops it."""
    return without_stderr() if image.format == "TIFF" else nullcontext()


def _decoders() -> list[Decoder]:
    Image.init()  # Pillow has not loaded all of its formats yet
    return [Image.OPEN[name] for name in READABLE if name in Image.OPEN]


def _add_heif_reader() -> None:
    """Let Pillow read HEIC, if the package for that is installed."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return
    register_heif_opener()


def _told(error: Exception) -> str:
    """Return what an error of Pillow says, plainly where it speaks of its own works."""
    message = str(error)
    lost = isinstance(error, (struct.error, IndexError, EOFError)) or (
        isinstance(error, SyntaxError) and error.__cause__  # so Pillow tells of errors in a head
    )
    return _PLAINLY.get(message) or (_DAMAGED if lost or not message else message)


def _unreadable(name: str, reason: str) -> str:
    return f"{name} cannot be read: {reason}. {_KNOWN}"
