"""Likeness of structure: which parts of a picture resemble which others (CFSD).

The content feature structural distance of Chung, Hyun and Heo 2024, "Style Injection in Diffusion"
(arXiv 2312.09008): how similar each position of conv3_1 is to all others, as a distribution, once
for the photo and once for the result. A painted house need not look like the house, but its
windows must still look like each other.

Similar means here: of the same direction (cosine), as in Kolkin, Salavon and Shakhnarovich 2019,
"Style Transfer by Relaxed Optimal Transport and Self-Similarity". The source takes products, which
grow with a picture's contrast: see docs/judging.md for what it makes of a mere change of colours.
"""

from math import ceil

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Double = npt.NDArray[np.float64]

ROWS = 4096
"""So many positions, evenly spread, are compared with all: a picture of 256 pixels has no more."""
ENTRIES = 2**21
"""Similarities that are held at a time; in float64 they take 16 MB."""

SMALLEST = 1e-12
"""A shorter response has no direction, and resembles nothing."""


def directions_of(response: Array) -> Double:
    """Return the direction of a layer's response at each position.

    Parameters
    ----------
    response : float32 array, shape (1, N, height, width)
        The response F of a layer.

    Returns
    -------
    float64 array, shape (height · width, N)
        Rows of length 1.
    """
    rows = np.ascontiguousarray(response.reshape(response.shape[1], -1).T, np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(min=SMALLEST)


def cfsd(photo: Double, result: Double) -> float:
    """Return the mean of KL(p | q) over the positions of a photo and of a result of its size.

    At position i, p is the softmax of the cosines of i and each j in the photo, and q that in the
    result.

    Parameters
    ----------
    photo, result : float64 arrays, shape (positions, N)
        Both from `directions_of`.
    """
    count = len(photo)
    rows = np.linspace(0, count - 1, min(count, ROWS)).round().astype(int)
    blocks = np.array_split(rows, ceil(len(rows) * count / ENTRIES))
    found = (_divergences(photo[i] @ photo.T, result[i] @ result.T) for i in blocks)
    return sum(float(block.sum()) for block in found) / len(rows)


def shuffled(directions: Double) -> Double:
    """Return the same positions in a random order, always the same."""
    return np.random.default_rng(0).permutation(directions)


def _divergences(photo: Double, result: Double) -> Double:
    """Return KL(softmax(photo) | softmax(result)) of each row."""
    log_p, log_q = _log_softmax(photo), _log_softmax(result)
    return np.einsum("ij,ij->i", np.exp(log_p), log_p - log_q)


def _log_softmax(cosines: Double) -> Double:
    return cosines - np.log(np.exp(cosines).sum(axis=1, keepdims=True))
