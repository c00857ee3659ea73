"""What decoding a JPEG takes, by its headers."""

from typing import BinaryIO

_START, _SCAN = 0xD8, 0xDA
_SEQUENTIAL = (0xC0, 0xC1, 0xC9)
_FRAMES = (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))
"""Second bytes of markers: those of frames tell the size and how the pixels are coded."""
_LENGTH_BYTES = 2
"""Bytes of the length that follows a marker; it counts itself."""


def in_one_pass(file: BinaryIO) -> bool:
    """Tell whether a JPEG can be decoded row by row.

    If not, because it is progressive or its colours come one after the other, the decoder holds
    up to 6 bytes for each pixel, at whatever scale it is read. False if the headers are odd.
    """
    file.seek(0)
    if file.read(2) != bytes((0xFF, _START)):
        return False
    components = 0
    while len(head := file.read(4)) == 4 and head[0] == 0xFF:
        length = int.from_bytes(head[2:], "big")
        if length < _LENGTH_BYTES:
            return False
        body = file.read(length - _LENGTH_BYTES)
        if head[1] == _SCAN:
            return body[:1] == bytes((components,))
        if head[1] in _FRAMES:
            if head[1] not in _SEQUENTIAL or len(body) < 6:
                return False
            components = body[5]
    return False
