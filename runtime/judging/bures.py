"""Likeness of style: the distance of two layers' responses, each taken for a normal distribution.

Between normal distributions, the 2-Wasserstein distance has a closed form. Its part that compares
covariances is the distance of Bures (Dowson and Landau 1982, "The Fréchet distance between
multivariate normal distributions").
"""

from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Double = npt.NDArray[np.float64]

BLOCK = 2**14
"""Positions that are multiplied at a time; 512 channels in float64 take 64 MB."""

ROUNDING = 1e-12
"""Of two equal distributions, the squared distance is so small a part of their variance, or less.
Measured: 1e-14."""


@dataclass(frozen=True, eq=False)
class Gaussian:
    """A normal distribution.

    Attributes
    ----------
    mean : float64 array, shape (N,)
        The mean of each channel.
    covariance : float64 array, shape (N, N)
        How they vary together; positive semidefinite.
    """

    mean: Double
    covariance: Double

    @cached_property
    def root(self) -> Double:
        """The covariance's square root, shape (N, N)."""
        values, vectors = np.linalg.eigh(self.covariance)
        return (vectors * np.sqrt(values.clip(min=0))) @ vectors.T

    @property
    def variance(self) -> float:
        """The variances of all channels together."""
        return float(np.trace(self.covariance))


def gaussian_of(response: Array) -> Gaussian:
    """Return the distribution of a layer's response over its positions.

    Parameters
    ----------
    response : float32 array, shape (1, N, height, width)
        The response F of a layer.
    """
    columns = response.reshape(response.shape[1], -1)
    channels, positions = columns.shape
    mean = columns.mean(axis=1, dtype=np.float64)
    products = np.zeros((channels, channels))
    for start in range(0, positions, BLOCK):
        block = columns[:, start : start + BLOCK] - mean[:, None]
        products += block @ block.T
    return Gaussian(mean, products / positions)


def bures_distance(one: Gaussian, other: Gaussian) -> float:
    """Return the 2-Wasserstein distance of two normal distributions with means m and covariances C.

    It is the root of |m - m'|² + tr C + tr C' - 2 tr (C^½ C' C^½)^½. The last trace is the sum of
    the singular values of C^½ C'^½. The eigenvalues of C^½ C' C^½ are their squares, of which the
    small ones drown in rounding.
    """
    apart = one.mean - other.mean
    overlap = np.linalg.svd(one.root @ other.root, compute_uv=False).sum()
    variance = one.variance + other.variance
    squared = float(apart @ apart + variance - 2 * overlap)
    return sqrt(squared) if squared > ROUNDING * variance else 0.0
