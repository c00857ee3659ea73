"""Files and profiles that Pillow reads but does not write, made byte by byte."""

import itertools
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

SHORT, LONG = 3, 4
"""TIFF's types of numbers of 2 and 4 bytes."""


def png_of_16_bits(values: npt.NDArray[Any], chunks: bytes = b"") -> bytes:
    """A PNG of (height, width) grey or (height, width, 3) colours; Pillow writes no such colours.

    `chunks` come before the pixels.
    """
    kind = 0 if values.ndim == 2 else 2
    return _png(values.shape, 16, kind, [row.astype(">u2").tobytes() for row in values], chunks)


def png_of_few_bits(values: npt.NDArray[Any], bits: int, chunks: bytes = b"") -> bytes:
    """A PNG of (height, width) grey with 1, 2, 4 or 8 bits a pixel.

    `chunks` come before the pixels.
    """
    each = values[..., None] >> np.arange(bits)[::-1] & 1
    rows = np.packbits(each.reshape(len(values), -1).astype(np.uint8), axis=1)
    return _png(values.shape, bits, 0, [row.tobytes() for row in rows], chunks)


def _png(shape: tuple[int, ...], bits: int, kind: int, rows: list[bytes], chunks: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", shape[1], shape[0], bits, kind, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + chunks
        + png_chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
        + png_chunk(b"IEND", b"")
    )


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def tiff(
    values: npt.NDArray[Any], order: str = "<", more: dict[int, tuple[int, int]] | None = None
) -> bytes:
    """A TIFF of (height, width) grey or (height, width, 3) colours, uncompressed, in one strip.

    `order` is that of struct, and `more` has the types and values of more tags, at most 4 bytes
    each.
    """
    height, width, channels = (*values.shape, 1)[:3]
    bits, bits_at, pixels_at = 8 * values.itemsize, 8, 16
    kinds = {"u": 1, "i": 2, "f": 3}
    tags = {
        256: (SHORT, 1, width),
        257: (SHORT, 1, height),
        258: (SHORT, channels, bits if channels == 1 else bits_at),
        259: (SHORT, 1, 1),  # no compression
        262: (SHORT, 1, 1 if channels == 1 else 2),
        273: (LONG, 1, pixels_at),
        277: (SHORT, 1, channels),
        278: (SHORT, 1, height),
        279: (LONG, 1, values.nbytes),
        339: (SHORT, 1, kinds[values.dtype.kind]),
        **{tag: (kind, 1, value) for tag, (kind, value) in (more or {}).items()},
    }
    body = values.astype(values.dtype.newbyteorder(order)).tobytes()
    entries = b"".join(
        struct.pack(f"{order}HHI", tag, kind, count)
        + struct.pack(f"{order}H2x" if (kind, count) == (SHORT, 1) else f"{order}I", value)
        for tag, (kind, count, value) in sorted(tags.items())
    )
    directory = struct.pack(f"{order}H", len(tags)) + entries + bytes(4)
    start = struct.pack(f"{order}HI", 42, pixels_at + len(body))
    several_bits = struct.pack(f"{order}4H", bits, bits, bits, 0)
    return {"<": b"II", ">": b"MM"}[order] + start + several_bits + body + directory


def with_red_and_green_swapped(profile: bytes) -> bytes:
    """An RGB profile in which a picture's red is the other's green."""
    swapped = profile.replace(b"rXYZ", b"kept", 1).replace(b"gXYZ", b"rXYZ", 1)
    return swapped.replace(b"kept", b"gXYZ", 1)


def linear_grey_profile() -> bytes:
    """An ICC profile whose grey is proportional to light."""
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": b"curv\0\0\0\0" + struct.pack(">I", 0)})


def black_ink_profile() -> bytes:
    """An ICC profile of CMYK in which only black counts: L* = 100 (1 - K), a* = b* = 0."""
    same = bytes(range(256))
    inks = itertools.product((0, 1), repeat=4)
    colours = b"".join(bytes((255 * (1 - black), 128, 128)) for *_, black in inks)
    unit = struct.pack(">9i", *(0x10000 * (i % 4 == 0) for i in range(9)))
    table = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + unit + 4 * same + colours + 3 * same
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table})


def _profile(kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    d50 = struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    tags = {b"wtpt": b"XYZ \0\0\0\0" + d50, **tags}
    at = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(
        ">I4sI4s4s4s12x4s", at + len(body), b"", 0x02100000, kind, space, connection, b"acsp"
    )
    return header.ljust(68, b"\0") + d50 + bytes(48) + table + body
