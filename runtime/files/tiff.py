"""Directories of TIFF, which EXIF has, too: read, and written anew."""

import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import BinaryIO, NamedTuple

BYTE, TEXT, SHORT, LONG, RATIONAL, UNDEFINED = 1, 2, 3, 4, 5, 7
"""TIFF's types of values."""

EXIF, GPS = 34665, 34853
"""Tags that lead to another directory."""

MAX_BYTES = 2**24
"""Most bytes of all entries together that are read. More of them may lie in the same place."""

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
"""Bytes of a value of each type."""
_NUMBERS = {**_SIZES, 5: 4, 10: 4}
"""Bytes of a number in it: a fraction has two."""
_CODES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I"}

HEAD = b"II*\0\x08\0\0\0"
"""How a file begins whose numbers begin with the lowest byte, and whose directory comes next."""


class Entry(NamedTuple):
    """What stands under a tag.

    Attributes
    ----------
    kind : int
        The type of its values.
    data : bytes
        The values, each with the lowest byte first.
    """

    kind: int
    data: bytes

    @property
    def numbers(self) -> tuple[float, ...]:
        """The values; of fractions the quotients, of texts none."""
        if self.kind in (5, 10):
            code = "I" if self.kind == RATIONAL else "i"
            parts = [each for (each,) in struct.iter_unpack(f"<{code}", self.data)]
            return tuple(n / d if d else 0.0 for n, d in zip(parts[::2], parts[1::2], strict=True))
        code = _CODES.get(self.kind, "")
        return tuple(each for (each,) in struct.iter_unpack(f"<{code}", self.data)) if code else ()


Directory = Mapping[int, "Entry | Directory"]
"""Entries by their tags; some are directories themselves."""

NOTHING: Directory = MappingProxyType({})


def shorts(*values: int) -> Entry:
    """Return an entry of numbers below 2^16."""
    return Entry(SHORT, struct.pack(f"<{len(values)}H", *values))


def longs(*values: int) -> Entry:
    """Return an entry of numbers below 2^32."""
    return Entry(LONG, struct.pack(f"<{len(values)}I", *values))


def fraction(value: float) -> Entry:
    """Return an entry of a number of thousandths."""
    return Entry(RATIONAL, struct.pack("<2I", round(value * 1000), 1000))


def directory(file: BinaryIO, tag: int | None = None) -> dict[int, Entry]:
    """Return the first directory of a file, or the one in it that a tag leads to.

    What is damaged is left out; of a file that is no TIFF, all.
    """
    file.seek(0)
    head = file.read(8)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(head[:4])
    if order is None or len(head) < 8:
        return {}
    found = _read(file, struct.unpack(f"{order}4xI", head)[0], order)
    if tag is None:
        return found
    place = found[tag].numbers if tag in found else ()
    return _read(file, int(place[0]), order) if place else {}


def packed(entries: Directory, start: int) -> bytes:
    """Return a directory, with what its entries hold behind it, that begins at `start`."""
    place = start + 2 + 12 * len(entries) + 4
    table, data = struct.pack("<H", len(entries)), b""
    for tag, entry in sorted(entries.items()):
        if not isinstance(entry, Entry):
            below = packed(entry, place + len(data))
            table += struct.pack("<HHII", tag, LONG, 1, place + len(data))
            data += below + bytes(len(below) % 2)
            continue
        count = len(entry.data) // _SIZES[entry.kind]
        table += struct.pack("<HHI", tag, entry.kind, count)
        if len(entry.data) <= 4:
            table += entry.data.ljust(4, b"\0")
        else:
            table += struct.pack("<I", place + len(data))
            data += entry.data + bytes(len(entry.data) % 2)
    return table + bytes(4) + data


def _read(file: BinaryIO, place: int, order: str) -> dict[int, Entry]:
    file.seek(place)
    (count,) = struct.unpack(f"{order}H", file.read(2).ljust(2, b"\0"))
    entries = file.read(12 * count)
    found, room = {}, MAX_BYTES
    whole = entries[: len(entries) // 12 * 12]
    for tag, kind, values, held in struct.iter_unpack(f"{order}HHI4s", whole):
        length = values * _SIZES.get(kind, 0)
        if not 0 < length <= room:
            continue
        room -= length
        data = held[:length]
        if length > 4:
            file.seek(*struct.unpack(f"{order}I", held))
            data = file.read(length)
        if len(data) == length:
            found[tag] = Entry(kind, _lowest_first(data, _NUMBERS[kind], order))
    return found


def _lowest_first(data: bytes, size: int, order: str) -> bytes:
    """Return numbers of so many bytes each with the lowest byte first."""
    if order == "<" or size == 1:
        return data
    return b"".join(data[i : i + size][::-1] for i in range(0, len(data), size))
