"""A picture's colours brought to the mean and covariance of another's."""

import numpy as np
import numpy.typing as npt
from PIL import Image

Array = npt.NDArray[np.float32]
Double = npt.NDArray[np.float64]

FURTHEST = 4.0
"""Along no direction are colours spread, or drawn together, more times than this. A photo of few
colours would become noise, and a painting of one colour would leave nothing of the photo."""

_ALMOST_NONE = 1e-8
"""A variance that keeps numbers finite; that of half a grey level is 4e-6."""


def with_colours_of(picture: Array, other: Array, alpha: Image.Image | None = None) -> Array:
    """Return a picture whose colours have the mean and covariance of another's.

    It is the linear map that moves colours least, if both are distributed normally: that of Monge
    and Kantorovich (Pitié and Kokaram 2007, "The linear Monge-Kantorovitch linear colour mapping").
    Gatys et al. (2017, "Controlling Perceptual Factors in Neural Style Transfer") match colours so
    the other way round, by another root.

    Parameters
    ----------
    picture, other : float32 array, shape (1, 3, height, width)
        RGB in 0...1; each of its own size.
    alpha : PIL image, optional
        8-bit grey: how much is seen of each pixel of `picture`, and so counts.

    Returns
    -------
    float32 array, the shape of `picture`
        RGB, clipped to 0...1.
    """
    mean, covariance = _moments(picture, alpha)
    other_mean, other_covariance = _moments(other)
    root = _power(covariance, 0.5)
    inverse = _power(covariance, -0.5)
    spread = inverse @ _power(root @ other_covariance @ root, 0.5) @ inverse
    factors, directions = np.linalg.eigh(spread)
    bounded = factors.clip(1 / FURTHEST, FURTHEST)
    mapped = (directions * bounded) @ directions.T @ (_colours(picture) - mean) + other_mean
    return mapped.clip(0, 1).astype(np.float32).reshape(picture.shape)


def _colours(picture: Array) -> Double:
    return picture[0].reshape(3, -1).astype(np.float64)


def _moments(picture: Array, alpha: Image.Image | None = None) -> tuple[Double, Double]:
    """Return the mean, shape (3, 1), and the covariance of the colours that are seen."""
    colours = _colours(picture)
    seen = np.asarray(alpha, np.float64).ravel() if alpha else np.ones(colours.shape[1])
    if not seen.any():
        seen += 1
    mean = np.average(colours, axis=1, weights=seen)[:, None]
    covariance = np.cov(colours, aweights=seen, ddof=0)
    return mean, covariance + _ALMOST_NONE * np.eye(3)


def _power(matrix: Double, exponent: float) -> Double:
    """Return a power of a symmetric positive matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values.clip(0) ** exponent) @ vectors.T
