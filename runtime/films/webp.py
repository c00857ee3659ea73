"""Animated WebP: pictures that Pillow has compressed, in a container that is written as they come.

Pillow's own writer takes all pictures at once, which a long run has no room for. The container is
as in https://developers.google.com/speed/webp/docs/riff_container.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

from PIL import Image

QUALITY = 80
"""Of each picture; one that moves shows fewer faults than one that stays."""

ANIMATION, NO_BLENDING = 0x02, 0x02
"""Flags: of the file, that it moves; of a picture, that nothing of the last one shines through."""

HEADER = 12
"""Bytes before the first chunk: RIFF, the length of what follows, WEBP."""
PICTURE = (b"VP8 ", b"VP8L", b"ALPH")
"""The chunks of a still file that are its picture."""


class WebpFilm:
    """An animated WebP.

    Parameters
    ----------
    file : binary file
        Empty, and open for writing.
    size : tuple of int
        Width and height.
    milliseconds : int
        How long each picture is shown.
    """

    def __init__(self, file: BinaryIO, size: tuple[int, int], milliseconds: int) -> None:
        self._file, self._milliseconds = file, milliseconds
        self._sides = b"".join(_number(side - 1, 3) for side in size)
        file.write(b"RIFF" + bytes(4) + b"WEBP")  # the length is written in the end
        file.write(_chunk(b"VP8X", _number(ANIMATION, 4) + self._sides))
        file.write(_chunk(b"ANIM", bytes(4) + _number(0, 2)))  # again and again

    def add(self, picture: Image.Image, times: int = 1) -> None:
        """Append an RGB picture that is shown for so many pictures' time."""
        still = BytesIO()
        picture.save(still, "WEBP", quality=QUALITY)
        shown = _number(self._milliseconds * times, 3)
        head = bytes(6) + self._sides + shown + _number(NO_BLENDING, 1)
        chunks = (_chunk(*each) for each in _chunks(still.getvalue()) if each[0] in PICTURE)
        self._file.write(_chunk(b"ANMF", head + b"".join(chunks)))

    def close(self) -> None:
        """Write what can be known only in the end."""
        end = self._file.tell()
        self._file.seek(4)
        self._file.write(_number(end - 8, 4))
        self._file.seek(end)


def _number(value: int, length: int) -> bytes:
    return value.to_bytes(length, "little")


def _chunk(name: bytes, content: bytes) -> bytes:
    """Return a chunk; it has an even length."""
    return name + _number(len(content), 4) + content + bytes(len(content) % 2)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and the content of each chunk of a file."""
    start = HEADER
    while start < len(data):
        name, length = (
            data[start : start + 4],
            int.from_bytes(data[start + 4 : start + 8], "little"),
        )
        yield name, data[start + 8 : start + 8 + length]
        start += 8 + length + length % 2
