"""PNG and TIFF of 16 bits a channel, which Pillow does not write; and TIFF of 8 bits, likewise.

Both are written some rows at a time, so that large pictures need no second copy.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from stylize.runtime.files import png, tiff

Levels = npt.NDArray[Any]
"""Rows of a picture: uint8 or uint16, shape (rows, width, 3 or 4)."""
Bytes = npt.NDArray[np.uint8]


class Beside(NamedTuple):
    """What a file tells beside its pixels.

    Attributes
    ----------
    profile : bytes
        The ICC profile of the colours.
    exif : Directory
        EXIF, as entries of the first directory.
    resolution : tuple of float, or None
        Pixels in an inch, across and down.
    text : mapping of str to str
        Texts by their keywords, which only PNG has.
    """

    profile: bytes
    exif: tiff.Directory = tiff.NOTHING
    resolution: tuple[float, float] | None = None
    text: Mapping[str, str] = MappingProxyType({})


LEVEL = 6
"""How hard zlib tries: above, it takes twice as long for a percent."""

_FILTERS = (1, 2, 4)
"""PNG's names of differences to the left, to above, and to Paeth's guess."""
_INCH = 0.0254
_TRUECOLOUR, _WITH_ALPHA = 2, 6

_DEFLATE, _DIFFERENCES, _UNASSOCIATED = 8, 2, 2
_RGB, _INCHES = 2, 2
_MOST_OF_TIFF = 2**32 - 2**24
"""Bytes of strips: offsets have 32 bits, and a directory comes behind."""


class Raster(NamedTuple):
    """The pixels of a picture, some rows after the other.

    Attributes
    ----------
    size : tuple of int
        Width and height.
    channels : int
        3 for RGB, 4 for RGBA.
    bits : int
        8 or 16.
    rows : int
        Rows of each band but the last, which may have fewer.
    bands : iterable of uint8 or uint16 arrays, shape (rows, width, channels)
        All rows from the top.
    """

    size: tuple[int, int]
    channels: int
    bits: int
    rows: int
    bands: Iterable[Levels]


def write_png(file: BinaryIO, raster: Raster, beside: Beside) -> None:
    """Write a PNG of 16 bits from where a file stands."""
    kind = _WITH_ALPHA if raster.channels == 4 else _TRUECOLOUR
    file.write(png.SIGNATURE)
    png.write_chunk(file, b"IHDR", struct.pack(">IIBBBBB", *raster.size, 16, kind, 0, 0, 0))
    for name, body in _told(beside):
        png.write_chunk(file, name, body)
    packer, step = zlib.compressobj(LEVEL), 2 * raster.channels
    above = np.zeros((1, raster.size[0] * step), np.uint8)
    for band in raster.bands:
        rows = np.ascontiguousarray(band, ">u2").view(np.uint8).reshape(len(band), -1)
        png.write_chunk(file, b"IDAT", packer.compress(_filtered(rows, above, step)))
        above = rows[-1:]
    png.write_chunk(file, b"IDAT", packer.flush())
    png.write_chunk(file, b"IEND", b"")


def _told(beside: Beside) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks before the pixels."""
    yield b"iCCP", b"ICC profile\0\0" + zlib.compress(beside.profile)
    if beside.resolution:
        x, y = (round(each / _INCH) for each in beside.resolution)
        yield b"pHYs", struct.pack(">IIB", x, y, 1)
    if beside.exif:
        yield b"eXIf", exif_bytes(beside.exif)
    for keyword, value in beside.text.items():
        yield b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + value.encode()


def exif_bytes(entries: tiff.Directory) -> bytes:
    """Return EXIF as PNG has it, and JPEG after a mark."""
    return tiff.HEAD + tiff.packed(entries, len(tiff.HEAD))


def _filtered(rows: Bytes, above: Bytes, step: int) -> bytes:
    """Return rows as differences, of each those that sum up to least (PNG's own heuristic)."""
    up = np.vstack([above, rows[:-1]])
    left, corner = _shifted(rows, step), _shifted(up, step)
    found = np.stack([rows - guess for guess in (left, up, _paeth(left, up, corner))])
    costs = np.minimum(found, 0 - found).sum(axis=2, dtype=np.int64)
    best = costs.argmin(axis=0)
    chosen = found[best, np.arange(len(rows))]
    return np.column_stack([np.array(_FILTERS, np.uint8)[best], chosen]).tobytes()


def _shifted(rows: Bytes, step: int) -> Bytes:
    """Return what is one pixel to the left of each byte, 0 beyond the edge."""
    return np.pad(rows, ((0, 0), (step, 0)))[:, :-step]


def _paeth(left: Bytes, up: Bytes, corner: Bytes) -> Bytes:
    """Return the neighbour that is nearest to left + up - corner."""
    a, b, c = (each.astype(np.int16) for each in (left, up, corner))
    by_left, by_up, by_corner = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    is_left = (by_left <= by_up) & (by_left <= by_corner)
    return np.where(is_left, left, np.where(by_up <= by_corner, up, corner))


def write_tiff(file: BinaryIO, raster: Raster, beside: Beside) -> None:
    """Write a TIFF into a file that is empty and can be sought; it is compressed without loss.

    Raises
    ------
    ValueError
        The file would be larger than a TIFF can be.
    """
    file.write(tiff.HEAD)
    starts, lengths = [], []
    for band in raster.bands:
        starts.append(file.tell())
        lengths.append(file.write(zlib.compress(_differences(band), LEVEL)))
        if file.tell() > _MOST_OF_TIFF:
            raise ValueError("a TIFF holds 4 GB at most; write a .png")
    file.write(bytes(file.tell() % 2))
    place = file.tell()
    strips = {273: tiff.longs(*starts), 279: tiff.longs(*lengths)}
    file.write(tiff.packed({**_image(raster), **_metadata(beside), **strips}, place))
    file.seek(4)
    file.write(struct.pack("<I", place))


def _differences(band: Levels) -> bytes:
    """Return rows as differences to the left, each number with the lowest byte first."""
    found = band.copy()
    found[:, 1:] -= band[:, :-1]
    return found.astype(found.dtype.newbyteorder("<")).tobytes()


def _image(raster: Raster) -> dict[int, tiff.Entry]:
    width, height = raster.size
    return {
        256: tiff.longs(width),
        257: tiff.longs(height),
        258: tiff.shorts(*[raster.bits] * raster.channels),
        259: tiff.shorts(_DEFLATE),
        262: tiff.shorts(_RGB),
        277: tiff.shorts(raster.channels),
        278: tiff.longs(raster.rows),
        284: tiff.shorts(1),
        317: tiff.shorts(_DIFFERENCES),
        **({338: tiff.shorts(_UNASSOCIATED)} if raster.channels == 4 else {}),
    }


def _metadata(beside: Beside) -> dict[int, Any]:
    x, y = beside.resolution or (72.0, 72.0)
    return {
        282: tiff.fraction(x),
        283: tiff.fraction(y),
        296: tiff.shorts(_INCHES),
        **beside.exif,
        34675: tiff.Entry(tiff.UNDEFINED, beside.profile),
    }
