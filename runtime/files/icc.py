"""ICC profiles of screens and working spaces: three primaries, and a curve for each channel.

Profiles of printers, and of some scanners, hold tables instead. Those LittleCMS alone understands.
"""

import struct
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Double = npt.NDArray[np.float64]

MAX_BYTES = 2**24
"""Most bytes of a profile file; those of printers have a few million."""

_HEADER = 128
_SPACE, _CONNECTION, _MAGIC = slice(16, 20), slice(20, 24), slice(36, 40)
_RGB, _XYZ, _SIGNATURE = b"RGB ", b"XYZ ", b"acsp"
_PRIMARIES, _CURVES = (b"rXYZ", b"gXYZ", b"bXYZ"), (b"rTRC", b"gTRC", b"bTRC")
_TABLES = (b"A2B0", b"A2B1", b"B2A0", b"B2A1")
_FIXED = 65536
"""What 1 is in ICC's numbers with a fixed point."""
_D50 = (0.9642, 1.0, 0.8249)
_VERSION_4 = 0x04300000

_SPACES = {b"CMYK": "CMYK", b"GRAY": "grey", b"Lab ": "Lab"}
"""Colours that a profile may be of, in words."""
_PARAMETERS = ("g", "gab", "gabe", "gabcd", "gabcdef")
"""Which numbers each type of formula has; in the third, ICC's c stands for e and f."""


class ProfileError(ValueError):
    """A profile that has no primaries and curves; the message tells what it is instead."""


class Curve(Protocol):
    """A channel's curve: light from 0 to 1 for values from 0 to 1, ever more."""

    def linear(self, values: Double) -> Double:
        """Return the light of values."""

    def encoded(self, light: Double) -> Double:
        """Return the values of light."""


@dataclass(frozen=True)
class Formula:
    """(a x + b)^g + e from d on, and c x + f below it (ICC.1:2022, 10.18)."""

    g: float
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 0.0
    f: float = 0.0

    def linear(self, values: Double) -> Double:
        """Return the light of values."""
        bright = (self.a * values + self.b).clip(0) ** self.g + self.e
        return np.where(values >= self.d, bright, self.c * values + self.f)

    def encoded(self, light: Double) -> Double:
        """Return the values of light."""
        begin = max(self.a * self.d + self.b, 0) ** self.g + self.e
        bright = ((light - self.e).clip(0) ** (1 / self.g) - self.b) / self.a
        dark = (light - self.f) / self.c if self.c else np.zeros_like(light)
        return np.where(light >= begin, bright, dark)


@dataclass(frozen=True, eq=False)
class Table:
    """Light at values that are equally far from each other, from 0 to 1."""

    light: Double

    def linear(self, values: Double) -> Double:
        """Return the light of values, interpolated."""
        return np.interp(values, self._values, self.light)

    def encoded(self, light: Double) -> Double:
        """Return the values of light, interpolated."""
        return np.interp(light, self.light, self._values)

    @property
    def _values(self) -> Double:
        return np.linspace(0, 1, len(self.light))


SRGB_CURVE = Formula(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""IEC 61966-2-1."""


class Shaper(NamedTuple):
    """What a profile of primaries and curves says.

    Attributes
    ----------
    primaries : float64 array, shape (3, 3)
        XYZ of red, green and blue light, a column each, seen under D50.
    curves : tuple of three Curve
        Those of red, green and blue.
    """

    primaries: Double
    curves: tuple[Curve, ...]


def shaper(profile: bytes) -> Shaper:
    """Return the primaries and curves of a profile.

    Raises
    ------
    ProfileError
        It is damaged, of other colours than RGB, or made of tables.
    """
    if profile[_MAGIC] != _SIGNATURE:
        raise ProfileError("no ICC profile")
    space = profile[_SPACE]
    if space != _RGB:
        raise ProfileError(f"of {_SPACES.get(space, 'other colours')}, not of RGB")
    tags = _tags(profile)
    if profile[_CONNECTION] != _XYZ or tags.keys() & {*_TABLES}:
        raise ProfileError("made of tables, as those of printers are")
    try:
        with np.errstate(all="ignore"):
            primaries = np.array([_xyz(tags[name]) for name in _PRIMARIES]).T
            curves = tuple(_curve(tags[name]) for name in _CURVES)
            sound = abs(np.linalg.det(primaries)) > 1e-4 and all(map(_rises, curves))
    except (KeyError, IndexError, struct.error, ValueError, ArithmeticError) as error:
        raise ProfileError("damaged") from error
    if not sound:
        raise ProfileError("of colours or curves that cannot be turned back")
    return Shaper(primaries, curves)


def profile_of(primaries: Double) -> bytes:
    """Return a profile of primaries, XYZ in columns as seen under D50, with sRGB's curve."""
    formula = SRGB_CURVE
    numbers = [formula.g, formula.a, formula.b, formula.c, formula.d]
    curve = b"para" + struct.pack(">4xH2x5i", 3, *(round(each * _FIXED) for each in numbers))
    tags = {b"wtpt": _xyz_tag(_D50)}
    tags |= {name: _xyz_tag(each) for name, each in zip(_PRIMARIES, primaries.T, strict=True)}
    tags |= dict.fromkeys(_CURVES, curve)
    start = _HEADER + 4 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, tag in tags.items():
        table += struct.pack(">4sII", name, start + len(data), len(tag))
        data += tag
    return _header(start + len(data)) + table + data


def _header(size: int) -> bytes:
    head = struct.pack(">I4xI4s4s4s12x4s", size, _VERSION_4, b"mntr", _RGB, _XYZ, _SIGNATURE)
    white = struct.pack(">3i", *(round(each * _FIXED) for each in _D50))
    return (head.ljust(68, b"\0") + white).ljust(_HEADER, b"\0")


def _xyz_tag(xyz: "tuple[float, ...] | Double") -> bytes:
    return _XYZ + struct.pack(">4x3i", *(round(float(each) * _FIXED) for each in xyz))


def _tags(profile: bytes) -> dict[bytes, bytes]:
    """Return what stands under each name, as far as the profile goes."""
    count = int.from_bytes(profile[_HEADER : _HEADER + 4], "big")
    table = profile[_HEADER + 4 :][: 12 * count]
    entries = struct.iter_unpack(">4sII", table[: len(table) // 12 * 12])
    return {name: profile[start : start + size] for name, start, size in entries}


def _xyz(tag: bytes) -> list[float]:
    return [each / _FIXED for each in struct.unpack_from(">3i", tag, 8)]


def _curve(tag: bytes) -> Curve:
    """Return a curve; ``curv`` is a table or a power, ``para`` a formula."""
    if tag[:4] == b"para":
        names = _PARAMETERS[struct.unpack_from(">H", tag, 8)[0]]
        numbers = [each / _FIXED for each in struct.unpack_from(f">{len(names)}i", tag, 12)]
        return _formula(dict(zip(names, numbers, strict=True)))
    if tag[:4] != b"curv":
        raise ProfileError("damaged")
    (count,) = struct.unpack_from(">I", tag, 8)
    if count > 1:
        return Table(np.frombuffer(tag, ">u2", count, 12) / 65535)
    return Formula(struct.unpack_from(">H", tag, 12)[0] / 256 if count else 1.0)


def _formula(numbers: dict[str, float]) -> Formula:
    if len(numbers) in (3, 4):  # the types without d: the power begins where it is 0
        numbers["d"] = -numbers["b"] / numbers["a"]
    if len(numbers) == 5 and "e" in numbers:
        numbers["f"] = numbers["e"]
    return Formula(**numbers)


def _rises(curve: Curve) -> bool:
    """Tell whether values and light lead to each other."""
    values = np.linspace(0, 1, 257)
    light = curve.linear(values)
    rising = np.diff(light).min() >= -1e-6 and light[-1] - light[0] > 0.5
    again = curve.linear(curve.encoded(light))
    return bool(rising and np.abs(again - light).max() < 1e-3)
