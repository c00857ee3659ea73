"""Damaged files, the same for the same seed: for tests that only our own errors come out.

`pytest --mutations 2000` tries so many of each file, instead of the few that the suite runs.
"""

import random
import re
from collections.abc import Callable, Iterator

Damage = Callable[[bytes, random.Random], bytes]

HEADER = 256
"""Bytes at the start of a file, which half of the damage is done to."""
EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
"""Numbers at which signs and sizes overflow."""
NUMBERS = (b"0", b"-1", b"1e999", b"0.5", b"null", b'"text"', b"9" * 12, b"9" * 30)
"""What may stand where a text has a number."""


def mutants(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Yield so many damaged copies of a file, each with one to four kinds of damage."""
    chance = random.Random(seed)
    for _ in range(count):
        damaged = data
        for damage in chance.choices(DAMAGES, k=chance.choice((1, 1, 1, 2, 4))):
            damaged = damage(damaged, chance)
        yield damaged


def _place(data: bytes, chance: random.Random) -> int:
    return chance.randrange(max(1, min(len(data), HEADER) if chance.random() < 0.5 else len(data)))


def _block(data: bytes, chance: random.Random) -> tuple[int, int]:
    """Return the start and the end of a block, which is mostly short."""
    start = _place(data, chance)
    return start, start + int(2 ** chance.uniform(0, 10))


def flip_a_bit(data: bytes, chance: random.Random) -> bytes:
    at = _place(data, chance)
    return (
        data[:at]
        + bytes(byte ^ 1 << chance.randrange(8) for byte in data[at : at + 1])
        + (data[at + 1 :])
    )


def change_bytes(data: bytes, chance: random.Random) -> bytes:
    start, end = _block(data, chance)
    return data[:start] + chance.randbytes(len(data[start:end])) + data[end:]


def change_a_field(data: bytes, chance: random.Random) -> bytes:
    """Write a number at which something may overflow, of 1, 2 or 4 bytes, in either order."""
    at, size = _place(data, chance), chance.choice((1, 2, 4))
    number = chance.choice(EDGES) % 256**size
    field = number.to_bytes(size, chance.choice(("little", "big")))
    return data[:at] + field + data[at + size :]


def change_a_number(data: bytes, chance: random.Random) -> bytes:
    """Write another value for a number that stands there as text."""
    at = _place(data, chance)
    return data[:at] + re.sub(rb"-?\d+(\.\d+)?", chance.choice(NUMBERS), data[at:], count=1)


def cut_off(data: bytes, chance: random.Random) -> bytes:
    return data[: _place(data, chance)]


def cut_out(data: bytes, chance: random.Random) -> bytes:
    start, end = _block(data, chance)
    return data[:start] + data[end:]


def clear(data: bytes, chance: random.Random) -> bytes:
    start, end = _block(data, chance)
    return data[:start] + bytes(len(data[start:end])) + data[end:]


def repeat(data: bytes, chance: random.Random) -> bytes:
    start, end = _block(data, chance)
    return data[:end] + data[start:end] * chance.choice((1, 1, 100)) + data[end:]


def move(data: bytes, chance: random.Random) -> bytes:
    start, end = _block(data, chance)
    rest, to = data[:start] + data[end:], _place(data, chance)
    return rest[:to] + data[start:end] + rest[to:]


DAMAGES: tuple[Damage, ...] = (
    flip_a_bit,
    change_bytes,
    change_a_field,
    change_a_field,
    change_a_number,
    cut_off,
    cut_out,
    clear,
    repeat,
    move,
)
