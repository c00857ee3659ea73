"""A picture's colours brought to the mean and covariance of another's."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from PIL import Image

Array = npt.NDArray[np.float32]
Double = npt.NDArray[np.float64]

ROWS = 256
"""Rows of a picture that are looked at at a time."""

FURTHEST = 4.0
"""Along no direction are colours spread, or drawn together, more times than this. A photo of few
colours would become noise, and a painting of one colour would leave nothing of the photo."""

ALMOST_NONE = 1e-8
"""A variance that keeps numbers finite; that of half a grey level is 4e-6."""


@dataclass(frozen=True)
class Moments:
    """Mean and covariance of a picture's colours.

    Attributes
    ----------
    mean : float64 array, shape (3, 1)
        RGB in 0...1.
    covariance : float64 array, shape (3, 3)
        A small one is left to a picture of one colour.
    """

    mean: Double
    covariance: Double


@dataclass(frozen=True)
class ColourMap:
    """The linear map of colours that moves them least, if both pictures' are normally distributed.

    It is that of Monge and Kantorovich (Pitié and Kokaram 2007, "The linear Monge-Kantorovitch
    linear colour mapping"). Gatys et al. (2017, "Controlling Perceptual Factors in Neural Style
    Transfer") match colours so the other way round, by another root.

    Parameters
    ----------
    own, other : Moments
        Those of the picture whose colours are changed, and of the other.
    """

    own: Moments
    other: Moments

    @cached_property
    def _matrix(self) -> Double:
        root = _power(self.own.covariance, 0.5)
        inverse = _power(self.own.covariance, -0.5)
        spread = inverse @ _power(root @ self.other.covariance @ root, 0.5) @ inverse
        factors, directions = np.linalg.eigh(spread)
        bounded = factors.clip(1 / FURTHEST, FURTHEST)
        return (directions * bounded) @ directions.T

    def __call__(self, colours: Double) -> Double:
        """Return what colours, shape (3, number), become; they may leave 0...1."""
        return self._matrix @ (colours - self.own.mean) + self.other.mean


def match_colours(picture: Array, other: Moments, alpha: Image.Image | None = None) -> None:
    """Give a picture's colours the mean and covariance of another's.

    Parameters
    ----------
    picture : float32 array, shape (1, 3, height, width)
        RGB in 0...1. It is changed, and clipped to that.
    other : Moments
        Those of the other picture.
    alpha : PIL image, optional
        8-bit grey: how much is seen of each pixel of `picture`, and so counts.
    """
    everywhere = np.ones((1, *picture.shape[2:]), np.float32)
    recolour(picture, [ColourMap(moments(picture, alpha), other)], everywhere)


def recolour(picture: Array, maps: Sequence[ColourMap], masks: Array) -> None:
    """Change the colours of parts of a picture, each by a map of its own.

    Parameters
    ----------
    picture : float32 array, shape (1, 3, height, width)
        RGB in 0...1. It is changed, and clipped to that.
    maps : sequence of ColourMap
        One for each part.
    masks : float32 array, shape (parts, height, width)
        How much of each pixel belongs to each part, together 1 at most. The rest stays.
    """
    for rows in _rows(picture):
        place, colours = picture[0, :, rows], _colours(picture, rows)
        shares = masks[:, rows].reshape(len(maps), -1)
        found = (1 - shares.sum(axis=0)) * colours
        for change, share in zip(maps, shares, strict=True):
            found += share * change(colours)
        place[...] = found.clip(0, 1).reshape(place.shape)


def mixed(parts: Sequence[tuple[Moments, float]]) -> Moments:
    """Return the moments of the colours of several pictures together, by their shares.

    Parameters
    ----------
    parts : sequence of tuples of Moments and float
        The moments of each picture and its share; all shares together are 1.
    """
    mean = sum((share * each.mean for each, share in parts), np.zeros((3, 1)))
    covariance = np.zeros((3, 3))
    for each, share in parts:
        away = each.mean - mean
        covariance += share * (each.covariance + away @ away.T)
    return Moments(mean, covariance)


def _rows(picture: Array) -> list[slice]:
    """Return slices of some rows each, since the whole in double precision may be too large."""
    return [slice(start, start + ROWS) for start in range(0, picture.shape[2], ROWS)]


def _colours(picture: Array, rows: slice) -> Double:
    return picture[0, :, rows].reshape(3, -1).astype(np.float64)


def moments(picture: Array, alpha: Image.Image | None = None) -> Moments:
    """Return the moments of the colours that are seen.

    Parameters
    ----------
    picture : float32 array, shape (1, 3, height, width)
        RGB in 0...1.
    alpha : PIL image, optional
        8-bit grey: how much is seen of each pixel, and so counts.
    """
    seen = np.asarray(alpha) if alpha and alpha.getextrema() != (0, 0) else None

    def weights(rows: slice, colours: Double) -> Double:
        if seen is None:
            return np.ones(colours.shape[1])
        return seen[rows].ravel().astype(np.float64)

    whole, sums = 0.0, np.zeros(3)
    for rows in _rows(picture):
        colours = _colours(picture, rows)
        each = weights(rows, colours)
        whole += float(each.sum())
        sums += colours @ each
    mean = (sums / whole)[:, None]
    squares = np.zeros((3, 3))
    for rows in _rows(picture):
        away = _colours(picture, rows) - mean
        squares += (away * weights(rows, away)) @ away.T
    return Moments(mean, squares / whole + ALMOST_NONE * np.eye(3))


def _power(matrix: Double, exponent: float) -> Double:
    """Return a power of a symmetric positive matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values.clip(0) ** exponent) @ vectors.T
