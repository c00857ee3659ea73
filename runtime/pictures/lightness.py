"""Light and dark alone: pictures without their colours, and with those of another.

Gatys et al. (2016, "Preserving Color in Neural Artistic Style Transfer", section 4.2) paint the
luminance alone, and give the result the photo's colours. They take Y, I and Q; here it is Oklab,
in which no colour looks lighter or darker than its lightness says.
"""

import numpy as np
import numpy.typing as npt

from stylize.runtime.pictures.oklab import oklab, srgb

Array = npt.NDArray[np.float32]
Double = npt.NDArray[np.float64]

ROWS = 256
"""Rows of a picture that are converted at a time, since double precision takes much room."""

HALVINGS = 12
"""So exactly is found how much chroma a screen can show: to a part in 4096."""

_ALMOST = 1e-6
"""What sRGB may be beyond 0...1; half a grey level is 2e-3."""


def to_grey(picture: Array) -> None:
    """Make each colour of a picture the grey that is as light.

    Parameters
    ----------
    picture : float32 array, shape (1, 3, height, width)
        sRGB in 0...1. It is changed.
    """
    for rows in _rows(picture):
        lightness, *_ = oklab(picture[0, :, rows])
        place = picture[0, :, rows]
        place[...] = srgb(_colours(lightness)).reshape(place.shape).clip(0, 1)


def give_colours(picture: Array, other: Array) -> None:
    """Give a picture hue and chroma of another, and leave it as light and dark as it is.

    Parameters
    ----------
    picture : float32 array, shape (1, 3, height, width)
        sRGB, taken as clipped to 0...1. It is changed.
    other : float32 array of the same shape
        sRGB in 0...1.
    """
    for rows in _rows(picture):
        place = picture[0, :, rows]
        lightness, *_ = oklab(place.clip(0, 1))
        _, a, b = oklab(other[0, :, rows])
        place[...] = _shown(_colours(lightness, a, b)).reshape(place.shape)


def _colours(lightness: Double, *others: Double) -> Double:
    return np.stack([lightness, *(others or np.zeros((2, lightness.size)))])


def _shown(colours: Double) -> Double:
    """Return colours of Oklab as sRGB, with as much of their chroma as a screen can show."""
    found = srgb(colours)
    beyond = ~_is_shown(found)
    far = colours[:, beyond]
    least, most = np.zeros(far.shape[1]), np.ones(far.shape[1])
    for _ in range(HALVINGS):
        middle = (least + most) / 2
        inside = _is_shown(srgb(_faded(far, middle)))
        least, most = np.where(inside, middle, least), np.where(inside, most, middle)
    found[:, beyond] = srgb(_faded(far, least))
    return found.clip(0, 1)


def _faded(colours: Double, chroma: Double) -> Double:
    return colours * np.stack([np.ones_like(chroma), chroma, chroma])


def _is_shown(found: Double) -> npt.NDArray[np.bool_]:
    inside: npt.NDArray[np.bool_] = np.abs(found - 0.5).max(axis=0) <= 0.5 + _ALMOST
    return inside


def _rows(picture: Array) -> list[slice]:
    return [slice(start, start + ROWS) for start in range(0, picture.shape[2], ROWS)]
