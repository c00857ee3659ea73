"""The chunks of a PNG file: texts and profiles of any length, which Pillow refuses above 1 MiB."""

import io
import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import BinaryIO

_Part = tuple[int, int]
"""Where a part of a file begins, and where it ends."""

SIGNATURE = b"\x89PNG\r\n\x1a\n"

MAX_UNPACKED = 2**26
"""Most bytes of a text or a profile; the rest of it is left out."""

_FRAME = 12
"""Bytes of a chunk beside its body: length and name before it, a checksum after it."""
_PIXELS, _END = (b"IDAT", b"fdAT"), b"IEND"
_KEYWORD_BYTES = 80
"""Bytes of a keyword with the 0 after it, at most."""
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_EXIF, _PROFILE = b"eXIf", b"iCCP"
_ORIENTING = ("Raw profile type exif", "XML:com.adobe.xmp")
"""Keywords of the texts in which Pillow looks for the orientation."""
_ORIENTING_BYTES, _ORIENTING_CHUNKS = 2**20, 8
"""Bytes up to which Pillow takes a text, and how many chunks are searched: more, each of which
unpacks to many times its length, would take minutes."""


@dataclass(frozen=True)
class Chunk:
    """A part of a PNG file.

    Attributes
    ----------
    name : bytes
        Four letters that tell what it holds.
    start, end : int
        Where it begins in the file, with its length and name, and where the next one does.
    """

    name: bytes
    start: int
    end: int

    def body(self, file: BinaryIO, most: int | None = None) -> bytes:
        """Return what it holds, or the first bytes of it."""
        file.seek(self.start + 8)
        length = self.end - self.start - _FRAME
        return file.read(length if most is None else min(length, most))

    def is_sound(self, file: BinaryIO) -> bool:
        """Tell whether its checksum is right."""
        body = self.body(file)
        return file.read(4) == struct.pack(">I", zlib.crc32(self.name + body))


def chunks(file: BinaryIO) -> Iterator[Chunk]:
    """Yield the chunks of a PNG file in their order."""
    start = len(SIGNATURE)
    while True:
        file.seek(start)
        header = file.read(8)
        if len(header) < 8:
            return
        length, name = struct.unpack(">I4s", header)
        yield Chunk(name, start, start + length + _FRAME)
        if name == _END:
            return
        start += length + _FRAME


def write_chunk(file: BinaryIO, name: bytes, body: bytes) -> None:
    """Write a chunk where a file stands."""
    file.write(struct.pack(">I4s", len(body), name) + body)
    file.write(struct.pack(">I", zlib.crc32(body, zlib.crc32(name))))


def text(file: BinaryIO, keyword: str) -> str | None:
    """Return the text of a keyword in a PNG file; None if there is none."""
    found = (_text(chunk, file) for chunk in chunks(file) if _keyword(chunk, file) == keyword)
    return next(found, None)


def profile(file: BinaryIO) -> bytes | None:
    """Return the ICC profile in a PNG file; None if there is none."""
    for chunk in chunks(file):
        if chunk.name == _PROFILE:
            _, _, packed = chunk.body(file).partition(b"\0")
            return _unpacked(packed[1:])  # after the method of packing
    return None


def for_pillow(file: BinaryIO) -> BinaryIO:
    """Return a PNG file as Pillow is to see it: without a profile, and without idle texts.

    What tells the orientation comes before the pixels, so that it is known before they are decoded.
    """
    head: list[_Part] = [(0, len(SIGNATURE))]
    orienting: list[_Part] = []
    rest: list[_Part] = []
    candidates = (chunk for chunk in chunks(file) if _may_orient(chunk, file))
    for chunk in islice(candidates, _ORIENTING_CHUNKS):
        if _is_taken(chunk, file):
            _add(chunk, orienting)
    for chunk in chunks(file):
        if chunk.name not in (_PROFILE, _EXIF, *_TEXTS):
            _add(chunk, rest if rest or chunk.name in _PIXELS else head)
    return io.BufferedReader(_Parts(file, head + orienting + rest))


def _add(chunk: Chunk, parts: list[_Part]) -> None:
    """Add a chunk to parts of a file, to the last of them if it goes on there."""
    if parts and parts[-1][1] == chunk.start:
        parts[-1] = parts[-1][0], chunk.end
    else:
        parts.append((chunk.start, chunk.end))


class _Parts(io.RawIOBase):
    """Parts of a file, each from a start to an end, as if they were a whole file."""

    def __init__(self, file: BinaryIO, parts: list[_Part]) -> None:
        self._file, self._parts = file, parts
        self._ends = list(accumulate(end - start for start, end in parts))
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._ends[-1]}[whence]
        self._at = origin + offset
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        part = bisect_right(self._ends, self._at)
        if part == len(self._parts):
            return 0
        left = self._ends[part] - self._at
        self._file.seek(self._parts[part][1] - left)
        data = self._file.read(min(len(buffer), left))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def _may_orient(chunk: Chunk, file: BinaryIO) -> bool:
    """Tell whether a chunk is of those in which Pillow looks for the orientation."""
    return chunk.name == _EXIF or _keyword(chunk, file) in _ORIENTING


def _is_taken(chunk: Chunk, file: BinaryIO) -> bool:
    """Tell whether a chunk is sound, and no text that is too long for Pillow."""
    if chunk.name in _TEXTS and len(_text(chunk, file, _ORIENTING_BYTES)) >= _ORIENTING_BYTES:
        return False
    return chunk.is_sound(file)


def _keyword(chunk: Chunk, file: BinaryIO) -> str | None:
    """Return the keyword of a text; None if the chunk is something else."""
    if chunk.name not in _TEXTS:
        return None
    return chunk.body(file, _KEYWORD_BYTES).partition(b"\0")[0].decode("latin-1")


def _text(chunk: Chunk, file: BinaryIO, most: int | None = None) -> str:
    """Return the text that a chunk holds after its keyword; of a packed one, so much at most."""
    _, _, value = chunk.body(file).partition(b"\0")
    if chunk.name == b"tEXt":
        return value.decode("latin-1")
    if chunk.name == b"zTXt":
        return _unpacked(value[1:], most).decode("latin-1")
    _, _, rest = value[2:].partition(b"\0")  # after the language
    _, _, written = rest.partition(b"\0")  # after the keyword in that language
    return (_unpacked(written, most) if value[:1] == b"\1" else written).decode(errors="replace")


def _unpacked(data: bytes, most: int | None = None) -> bytes:
    """Return what was packed, as far as it is sound, and so many bytes of it at most."""
    try:
        return zlib.decompressobj().decompress(data, most or MAX_UNPACKED)
    except zlib.error:
        return b""
