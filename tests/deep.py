"""Pictures of 16 bits read as their standards say, slowly: Pillow leaves 8 bits of them."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from stylize.runtime.files import png

Levels = npt.NDArray[np.uint16]


def read_deep(path: Path) -> Levels:
    """The levels of a PNG or TIFF as we write them, shape (height, width, channels)."""
    data = path.read_bytes()
    found = _png(data) if data.startswith(png.SIGNATURE) else _tiff(data)
    with Image.open(path) as file:
        assert np.array_equal(np.asarray(file), found >> 8)  # which is what Pillow makes of them
    return found


def _png(data: bytes) -> Levels:
    """PNG (third edition), 9: filtering."""
    file = BytesIO(data)
    parts = list(png.chunks(file))
    assert all(part.is_sound(file) for part in parts)
    width, height, bits, kind = struct.unpack(">IIBB", parts[0].body(file)[:10])
    assert bits == 16
    channels = {2: 3, 6: 4}[kind]
    packed = b"".join(part.body(file) for part in parts if part.name == b"IDAT")
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, -1)
    step = 2 * channels
    assert rows.shape[1] == 1 + width * step
    above = [0] * (width * step)
    found = []
    for kind, *row in rows.tolist():
        for i in range(len(row)):
            left, corner = (row[i - step], above[i - step]) if i >= step else (0, 0)
            guess = [0, left, above[i], (left + above[i]) // 2, _paeth(left, above[i], corner)]
            row[i] = (row[i] + guess[kind]) % 256
        found.append(row)
        above = row
    numbers = np.array(found, np.uint8).reshape(-1).view(">u2")
    return numbers.astype(np.uint16).reshape(height, width, channels)


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda each: abs(guess - each))


def _tiff(data: bytes) -> Levels:
    """TIFF 6.0, section 14: differencing predictor."""
    with Image.open(BytesIO(data)) as file:
        tags = file.tag_v2
        assert tags[258] == (16,) * tags[277]
        assert (tags[259], tags[317]) == (8, 2)
        strips = zip(tags[273], tags[279], strict=True)
        rows = b"".join(zlib.decompress(data[at : at + count]) for at, count in strips)
        shape = tags[257], tags[256], tags[277]
    numbers = np.frombuffer(rows, "<u2").reshape(shape)
    return numbers.cumsum(axis=1, dtype=np.uint16)
