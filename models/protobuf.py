"""The wire format of Protocol Buffers: the fields of a message, and nothing of what they mean.

https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Types on the wire. 3 and 4, of groups, have long been out of use."""

WIDTHS = {FIXED64: 8, FIXED32: 4}
"""Bytes of the types whose length is not written."""

LONGEST = 10
"""Bytes of the longest varint: 64 bits, 7 in each byte."""


class WireError(ValueError):
    """Bytes that are no message."""


def fields(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield the fields of the message that lies between two places.

    Parameters
    ----------
    data : bytes
        What holds the message.
    start, end : int
        Where the message begins and ends.

    Yields
    ------
    tuple of 4 int
        The field's number and type, and where its value begins and ends.

    Raises
    ------
    WireError
        A field is longer than the message, or has no number, or a type that is not in use.
    """
    place = start
    while place < end:
        key, place = varint(data, place, end)
        if not 8 <= key < 2**32:
            raise WireError(f"the field before byte {place} has no number")
        kind = key & 7
        if kind == BYTES:
            length, begin = varint(data, place, end)
            place = begin + length
        elif kind == VARINT:
            begin = place
            _, place = varint(data, place, end)
        elif kind in WIDTHS:
            begin, place = place, place + WIDTHS[kind]
        else:
            raise WireError(f"the field before byte {place} is of type {kind}")
        if place > end:
            raise WireError(f"the field at byte {begin} is longer than what holds it")
        yield key >> 3, kind, begin, place


def varint(data: bytes, place: int, end: int) -> tuple[int, int]:
    """Return the unsigned number that is written at a place, and the place after it."""
    if place < end and (value := data[place]) < 0x80:  # nearly all
        return value, place + 1
    value = shift = 0
    for following in range(place, min(place + LONGEST, end)):
        byte = data[following]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, following + 1
        shift += 7
    raise WireError(f"the number at byte {place} has no end")


def varints(data: bytes, start: int, end: int) -> Iterator[int]:
    """Yield the numbers that follow each other between two places."""
    place = start
    while place < end:
        value, place = varint(data, place, end)
        yield value
