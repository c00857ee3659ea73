"""The fields of a message are found, and what is no message is an error."""

import pytest
from messages import field, number

from stylize.models.protobuf import BYTES, FIXED32, FIXED64, VARINT, WireError, fields, varint


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**31, 2**63, 2**64 - 1])
def test_a_number_is_read_again(value: int) -> None:
    written = number(value)
    assert varint(b"\xff" + written + b"\xff", 1, 1 + len(written)) == (value, 1 + len(written))


def test_a_number_may_be_longer_than_needed() -> None:
    assert varint(b"\x81\x80\x00", 0, 3) == (1, 3)


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 9, b"\xff" * 11, b"\x80" * 10 + b"\x01"])
def test_a_number_without_end_is_an_error(data: bytes) -> None:
    with pytest.raises(WireError, match="no end"):
        varint(data, 0, len(data))


def test_fields_of_every_type_are_found() -> None:
    data = field(1, 300) + field(200, b"abc") + b"\x1d1234" + b"\x2112345678" + field(5, b"")
    found = list(fields(data, 0, len(data)))
    assert [(key, kind, data[start:end]) for key, kind, start, end in found] == [
        (1, VARINT, number(300)),
        (200, BYTES, b"abc"),
        (3, FIXED32, b"1234"),
        (4, FIXED64, b"12345678"),
        (5, BYTES, b""),
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x0a\x04abc", "longer than what holds it"),
        (b"\x1d123", "longer than what holds it"),
        (b"\x0a" + number(2**63) + b"abc", "longer than what holds it"),
        (b"\x0b\x0c", "of type 3"),
        (b"\x0c", "of type 4"),
        (b"\x0e", "of type 6"),
        (b"\x00\x00", "no number"),
        (number(2**32) + b"\x00", "no number"),
        (b"\x0a", "no end"),
        (b"\x08", "no end"),
    ],
)
def test_what_is_no_message_is_an_error(data: bytes, message: str) -> None:
    with pytest.raises(WireError, match=message):
        list(fields(data, 0, len(data)))


def test_nothing_is_read_beyond_the_end() -> None:
    data = field(1, b"abc") + b"\x0a\x05"
    assert len(list(fields(data, 0, 5))) == 1
    with pytest.raises(WireError):
        list(fields(data, 0, 4))
