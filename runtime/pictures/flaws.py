"""What a picture may have that its owner does not think of: a border, one colour, no colour."""

from math import ceil
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from stylize.runtime.pictures.reading import Picture

Levels = npt.NDArray[np.int16]

LOOKED_AT = 512
"""Pixels of the long side in which a picture is looked at; a border of 0.5% has two then."""

ALIKE = 12
"""Grey levels by which colours may differ that are called one: JPEG's noise, a scanner's."""
NEARLY_ALL = 0.98
"""Part of a line's pixels that must be alike."""
THIN = 2
"""Lines that make a border; one may be the seam of a scan."""
ABRUPT, SOFT = 0.5, 4
"""A border ends abruptly: of so many lines behind it, one has less than this part alike. What is
painted on a plain ground comes in by and by."""
COLOURED = 4.0
"""Grey levels by which the channels of a picture with colours differ on average."""


class Flaws(NamedTuple):
    """What was found.

    Attributes
    ----------
    border : float
        Part of a side that is a border of one colour, at the edge where it is widest.
    plain : bool
        Whether all of the picture has one colour.
    grey : bool
        Whether it has no colours.
    """

    border: float
    plain: bool
    grey: bool


def flaws(picture: Picture) -> Flaws:
    """Return what a picture has that its owner may not think of."""
    width, height = picture.size
    scale = min(1.0, LOOKED_AT / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return flaws_of(picture.scaled(size))


def flaws_of(image: Image.Image) -> Flaws:
    """Return the same of an RGB picture that is small already."""
    levels = np.asarray(image, np.int16)
    middle = np.median(levels, axis=(0, 1))
    plain = bool(_alike(levels, middle).mean() >= NEARLY_ALL)
    grey = bool(np.ptp(levels, axis=2).mean() < COLOURED)
    sides = (levels, levels[::-1], levels.swapaxes(0, 1), levels.swapaxes(0, 1)[::-1])
    return Flaws(0.0 if plain else max(map(_border, sides)), plain, grey)


def cropping(picture: Picture, border: float) -> float:
    """Return the part of the whole picture to crop, in half percents, that leaves a border out.

    Parameters
    ----------
    picture : Picture
        It may be cropped already.
    border : float
        The part of it that is a border. What is cropped reaches half a percent further, since
        borders end softly.
    """
    sides = zip(picture.size, picture.edges, strict=True)
    return max(
        ceil(200 * (edge + border * side) / (side + 2 * edge) + 1) / 200 for side, edge in sides
    )


def _border(levels: Levels) -> float:
    """Return which part of the rows is a border at the top."""
    colour = np.median(levels[0], axis=0)
    alike = _alike(levels, colour).mean(axis=1)
    lines = int((alike < NEARLY_ALL).argmax())
    ends = alike[lines : lines + SOFT].min() < ABRUPT
    return lines / len(levels) if lines >= THIN and ends else 0.0


def _alike(levels: Levels, colour: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    alike: npt.NDArray[np.bool_] = np.abs(levels - colour).max(axis=2) <= ALIKE
    return alike
