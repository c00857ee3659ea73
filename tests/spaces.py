"""Colour spaces of photographers, made from their chromaticities."""

import struct

import numpy as np
import numpy.typing as npt

from stylize.runtime.files import icc

Double = npt.NDArray[np.float64]
Point = tuple[float, float]

_D50 = (0.9642, 1.0, 0.8249)
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
"""Lam 1985: how eyes take one white for another."""
_D65: Point = (0.3127, 0.3290)


def primaries(red: Point, green: Point, blue: Point) -> Double:
    """XYZ of primaries whose white is D65, in columns, as seen under D50."""
    white = _xyz(_D65)
    colours = np.stack([_xyz(each) for each in (red, green, blue)], -1)
    colours = colours * np.linalg.solve(colours, white)
    ratio = (_BRADFORD @ _D50) / (_BRADFORD @ white)
    adapted: Double = np.linalg.inv(_BRADFORD) @ np.diag(ratio) @ _BRADFORD @ colours
    return adapted


def _xyz(point: Point) -> Double:
    x, y = point
    return np.array([x / y, 1, (1 - x - y) / y])


def with_curve(profile: bytes, curve: bytes) -> bytes:
    """A profile by `icc.profile_of` with another curve, which is put behind it."""
    head, table = profile[:132], bytearray(profile[132:])
    for name in (b"rTRC", b"gTRC", b"bTRC"):
        struct.pack_into(">II", table, table.index(name) + 4, len(profile), len(curve))
    return struct.pack(">I", len(profile) + len(curve)) + head[4:] + bytes(table) + curve


def gamma(exponent: float) -> bytes:
    return b"curv" + struct.pack(">4xIH", 1, round(exponent * 256))


def table(*light: int) -> bytes:
    return b"curv" + struct.pack(f">4xI{len(light)}H", len(light), *light)


def formula(kind: int, *numbers: float) -> bytes:
    values = [round(each * 65536) for each in numbers]
    return b"para" + struct.pack(f">4xH2x{len(values)}i", kind, *values)


P3 = icc.profile_of(primaries((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)))
"""Display P3, as telephones write it."""
ADOBE = with_curve(
    icc.profile_of(primaries((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))), gamma(563 / 256)
)
"""Adobe RGB (1998)."""
LINEAR = with_curve(
    icc.profile_of(primaries((0.708, 0.292), (0.17, 0.797), (0.131, 0.046))), gamma(1)
)
"""Rec. 2020 in linear light, as raw converters write floats."""
