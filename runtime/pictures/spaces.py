"""Colour spaces in which pictures are painted and saved.

A picture is painted in the primaries of its space with sRGB's curve, which is what networks know of
light and dark, and which 8 bits suit. Its values are therefore in 0...1 whatever the gamut. Only
when it is saved, and in floats, they get the curve of the profile.
"""

from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import ImageCms

from stylize.runtime.files.icc import SRGB_CURVE, Curve, profile_of, shaper

Array = npt.NDArray[np.float32]

_DATE = slice(24, 36)
"""The date in an ICC profile. Without it, the same picture is the same file."""


@dataclass(frozen=True, eq=False)
class Space:
    """A colour space.

    Attributes
    ----------
    profile : bytes
        Its ICC profile, as it is written into pictures.
    painted : ImageCmsProfile
        The profile of the values that are painted: the same primaries with sRGB's curve.
    curves : tuple of Curve
        The curves of the profile; none if they are sRGB's.
    """

    profile: bytes = field(repr=False)
    painted: ImageCms.ImageCmsProfile
    curves: tuple[Curve, ...] = ()

    def __reduce__(self) -> str | tuple[object, ...]:
        """Let a space go to other processes: its profile tells all of it."""
        return "SRGB" if self is SRGB else (space_of, (self.profile,))

    def encoded(self, values: Array) -> Array:
        """Return painted values, in 0...1 and with the channels last, as the profile has them."""
        if not self.curves:
            return values
        light = SRGB_CURVE.linear(values.astype(np.float64))
        channels = [curve.encoded(light[..., i]) for i, curve in enumerate(self.curves)]
        return np.stack(channels, -1).clip(0, 1).astype(np.float32)

    def decoded(self, values: Array) -> Array:
        """Return values of the profile, in 0...1 and with the channels last, as they are painted.

        It is the way back from `encoded`.
        """
        if not self.curves:
            return values
        found = values.astype(np.float64)
        light = [curve.linear(found[..., i]) for i, curve in enumerate(self.curves)]
        return SRGB_CURVE.encoded(np.stack(light, -1).clip(0, 1)).astype(np.float32)


def space_of(profile: bytes) -> Space:
    """Return the space of an ICC profile.

    Raises
    ------
    ProfileError
        It has no primaries and curves: it is of other colours than RGB, made of tables, or damaged.
    """
    found = shaper(profile)
    painted = ImageCms.ImageCmsProfile(BytesIO(profile_of(found.primaries)))
    return Space(profile, painted, found.curves)


def _srgb() -> Space:
    painted = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    profile = painted.tobytes()
    return Space(profile[: _DATE.start] + bytes(12) + profile[_DATE.stop :], painted)


SRGB = _srgb()
