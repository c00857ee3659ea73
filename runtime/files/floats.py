"""TIFF of floating-point pixels, of which Pillow reads only grey ones of 32 bits.

Whatever they are packed with, Pillow unpacks it: it is shown the same file as one of grey bytes.
"""

from io import BytesIO
from math import isfinite
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import TiffImagePlugin

from stylize.runtime.files import tiff

Values = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _SAMPLES = 256, 257, 258, 262, 277
_ORIENTATION, _PLANES, _DIFFERENCES = 274, 284, 317
_TILE_WIDTH, _FORMAT, _LEAST, _MOST, _PROFILE = 322, 339, 340, 341, 34675
_SAME = (_HEIGHT, 259, 273, 278, 279, 323, 324, 325)
"""Tags that mean the same of floats and of their bytes: how they are packed, and where they lie."""
_FLOAT, _APART, _SPLIT, _GREY = 3, 2, 3, 1
MAX_UNPACKED = 1_400_000_000
"""Most bytes of pixels: 116 megapixels of RGB with 32 bits."""

_TYPES = {16: "f2", 32: "f4", 64: "f8"}
"""NumPy's types by their bits."""


class Header(NamedTuple):
    """What the directory of a file of floats tells.

    Attributes
    ----------
    size : tuple of int
        Width and height, as they are stored.
    samples : int
        Numbers of a pixel: 1 for grey, 3 for RGB, and one more for alpha.
    bits : int
        Bits of a number: 16, 32 or 64.
    orientation : int
        As EXIF has it.
    range : tuple of float, or None
        The values of black and white, if they are told.
    profile : bytes or None
        The ICC profile.
    tags : dict of int to Entry
        All entries.
    """

    size: tuple[int, int]
    samples: int
    bits: int
    orientation: int
    range: tuple[float, float] | None
    profile: bytes | None
    tags: dict[int, tiff.Entry]

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height once it is turned."""
        return self.size[::-1] if self.orientation in (5, 6, 7, 8) else self.size

    def number(self, tag: int) -> int:
        """Return the first number of an entry; 1 if there is none."""
        return int(_number(self.tags, tag))


def header(file: BinaryIO) -> Header | None:
    """Return what a TIFF of floats tells of itself; None for all other files."""
    tags = tiff.directory(file)
    if _number(tags, _FORMAT) != _FLOAT or not tags.keys() >= {_WIDTH, _HEIGHT}:
        return None
    least, most = _number(tags, _LEAST, 0), _number(tags, _MOST, 0)
    return Header(
        size=(int(_number(tags, _WIDTH)), int(_number(tags, _HEIGHT))),
        samples=int(_number(tags, _SAMPLES)),
        bits=int(_number(tags, _BITS)),
        orientation=int(_number(tags, _ORIENTATION)),
        range=(least, most) if least < most else None,
        profile=tags[_PROFILE].data if _PROFILE in tags else None,
        tags=tags,
    )


def _number(tags: dict[int, tiff.Entry], tag: int, usual: float = 1) -> float:
    numbers = tags[tag].numbers if tag in tags else ()
    return numbers[0] if numbers and isfinite(numbers[0]) else usual


def values(file: BinaryIO, head: Header) -> Values:
    """Return the pixels of a TIFF of floats, shape (height, width, samples), as they are stored.

    Raises
    ------
    ValueError
        They are stored in a way that is not known here.
    """
    order = _order(file)
    apart = head.samples > 1 and head.number(_PLANES) == _APART
    packed = head.number(_DIFFERENCES)
    if head.bits not in _TYPES or not 1 <= head.samples <= 4 or apart or packed not in (1, _SPLIT):
        raise ValueError("its floating-point pixels are stored in an unusual way")
    width, height = head.size
    across = max(1, head.number(_TILE_WIDTH)) if _TILE_WIDTH in head.tags else width
    tiles = -(-width // across)
    each = head.samples * head.bits // 8
    if across * tiles * each * height > MAX_UNPACKED:
        raise ValueError(f"its floating-point pixels take more than {MAX_UNPACKED / 1e9:.1f} GB")
    data = _unpacked(file, head, across * each, tiles).reshape(height * tiles, across * each)
    if packed == _SPLIT:
        data, order = _joined(data, head), ">"
    numbers = data.reshape(-1).view(f"{order}{_TYPES[head.bits]}")
    return numbers.reshape(height, -1, head.samples)[:, :width].astype(np.float32)


def _order(file: BinaryIO) -> str:
    file.seek(0)
    return "<" if file.read(2) == b"II" else ">"


def _unpacked(file: BinaryIO, head: Header, across: int, tiles: int) -> Bytes:
    """Return the bytes of all rows; in a row are so many tiles, of so many bytes each."""
    entries = {tag: head.tags[tag] for tag in _SAME if tag in head.tags}
    entries |= {_WIDTH: tiff.longs(across * tiles), _BITS: tiff.shorts(8)}
    entries |= {_SAMPLES: tiff.shorts(1), _PHOTOMETRIC: tiff.shorts(_GREY)}
    if _TILE_WIDTH in head.tags:
        entries[_TILE_WIDTH] = tiff.longs(across)
    file.seek(0)
    content = file.read()
    place = len(content) + len(content) % 2
    start = tiff.HEAD[:4] + place.to_bytes(4, "little")
    seen = start + content[len(start) :].ljust(place - len(start), b"\0")
    with TiffImagePlugin.TiffImageFile(BytesIO(seen + tiff.packed(entries, place))) as image:
        return np.array(image)


def _joined(rows: Bytes, head: Header) -> Bytes:
    """Return the numbers of rows whose bytes lie apart, the highest first, as differences.

    It is predictor 3 of Adobe's TIFF technical note 3.
    """
    size = head.bits // 8
    apart = rows.reshape(len(rows), -1, head.samples).cumsum(axis=1, dtype=np.uint8)
    return np.ascontiguousarray(apart.reshape(len(rows), size, -1).swapaxes(1, 2))
