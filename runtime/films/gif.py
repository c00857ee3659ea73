"""Animated GIF: pictures that Pillow has compressed, each with its own colours, as they come.

Pillow's own writer keeps all pictures until the end, which a long run has no room for. The blocks
are those of https://www.w3.org/Graphics/GIF/spec-gif89a.txt.
"""

from io import BytesIO
from typing import BinaryIO

from PIL import Image

HEADER = 13
"""Bytes of a file before its table of colours; the flags of that are in the third last."""
CONTROL = 8
"""Bytes of the block that tells how long a picture is shown; Pillow writes it first."""
DESCRIPTOR = 10
"""Bytes of the block that tells where a picture lies; the flags of its table are the last."""
ENOUGH = 160
"""Pixels of a side that show which colours a picture has."""
HAS_TABLE, TABLE_SIZE = 0x80, 0x07
"""Flags of a table of colours."""
AGAIN_AND_AGAIN = b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
END = b";"


class GifFilm:
    """An animated GIF; parameters and methods are as of `WebpFilm`."""

    def __init__(self, file: BinaryIO, size: tuple[int, int], milliseconds: int) -> None:
        self._file, self._milliseconds = file, milliseconds
        sides = b"".join(side.to_bytes(2, "little") for side in size)
        file.write(b"GIF89a" + sides + bytes(3) + AGAIN_AND_AGAIN)

    def add(self, picture: Image.Image, times: int = 1) -> None:
        """Append an RGB picture that is shown for so many pictures' time."""
        still = BytesIO()
        _with_few_colours(picture).save(
            still, "GIF", duration=self._milliseconds * times, optimize=False
        )
        self._file.write(_with_own_colours(still.getvalue()))

    def close(self) -> None:
        """Write the end."""
        self._file.write(END)


def _with_few_colours(picture: Image.Image) -> Image.Image:
    """Return a picture with 256 colours, chosen from a small one: that is four times as fast."""
    chosen = picture.reduce(max(1, max(picture.size) // ENOUGH)).quantize(256)
    return picture.quantize(palette=chosen, dither=Image.Dither.NONE)


def _with_own_colours(still: bytes) -> bytes:
    """Return the picture of a file as one of several, with the file's table of colours."""
    size = still[HEADER - 3] & TABLE_SIZE
    table = still[HEADER : HEADER + 3 * 2 ** (size + 1)]
    blocks = still[HEADER + len(table) : -len(END)]
    before, pixels = blocks[: CONTROL + DESCRIPTOR - 1], blocks[CONTROL + DESCRIPTOR :]
    flags = blocks[len(before)] | HAS_TABLE | size
    return before + bytes([flags]) + table + pixels
