"""L-BFGS by the two-loop recursion (Nocedal and Wright 2006, algorithm 7.4), in float64.

The plain form of what `stylize.export.method.lbfgs` writes as a graph.
"""

from collections import deque
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

MIN_COSINE = 1e-10
FIRST, GROWTH = 16 / 255, 2.0
TINY = np.finfo(np.float64).tiny


def polyak(total: float, g: Array) -> float:
    """Return how many gradients long the first step is."""
    return min(abs(total) / (g @ g), FIRST * np.sqrt(g.size / (g @ g)))


def quarter(cosine: float) -> float:
    """Return how many times sᵀy / yᵀy γ is, if a quarter of the way is gone to sᵀs / sᵀy."""
    return cosine**-0.5


class TwoLoops:
    """Steps of L-BFGS without a line search, given the loss and the gradient on the way.

    Parameters
    ----------
    history : int
        How many pairs are remembered.
    first : function
        How many gradients long a step is while no curvature is known.
    growth : float
        How many times as long as the last one a step may be.
    stretching : function
        How many times sᵀy / yᵀy γ is, given the cosine between s and y.
    """

    def __init__(
        self,
        history: int,
        first: Callable[[float, Array], float] = polyak,
        growth: float = GROWTH,
        stretching: Callable[[float], float] = quarter,
    ) -> None:
        self.pairs: deque[tuple[Array, Array, float]] = deque(maxlen=history)
        self.last: tuple[Array, Array] | None = None
        self.first, self.growth, self.stretching = first, growth, stretching

    def step(self, total: float, gradient: Array) -> Array:
        g, stretch = gradient.ravel(), 1.0
        if self.last:
            s, y = self.last[0], g - self.last[1]
            cosine = s @ y / max(np.linalg.norm(s) * np.linalg.norm(y), TINY)
            if cosine > MIN_COSINE:
                self.pairs.append((s, y, 1 / (s @ y)))
                stretch = self.stretching(cosine)
        direction = self.newton(g, stretch) if self.pairs else -g * self.first(total, g)
        if g @ direction > 0:
            self.pairs.clear()
            direction = -g * self.first(total, g)
        if self.last:
            longest = self.growth * np.linalg.norm(self.last[0])
            direction = direction * min(1.0, longest / np.linalg.norm(direction))
        self.last = direction, g
        return direction.reshape(gradient.shape)

    def newton(self, g: Array, stretch: float) -> Array:
        direction, shares = -g, []
        for s, y, rho in reversed(self.pairs):
            shares.append(rho * (s @ direction))
            direction = direction - shares[-1] * y
        s, y, rho = self.pairs[-1]
        direction = direction * stretch / (rho * (y @ y))
        for (s, y, rho), share in zip(self.pairs, reversed(shares), strict=True):
            direction = direction + (share - rho * (y @ direction)) * s
        return direction


def blurring(length: int, far: int) -> Array:
    """Return the matrix that blurs a line of pixels by [1, 2, 1] / 4, `far` pixels apart."""
    return 0.5 * np.eye(length) + 0.25 * (np.eye(length, k=far) + np.eye(length, k=-far))


def image_of(z: Array) -> Array:
    """Return C z, by a matrix for each side."""
    blurred, image = z, z.copy()
    for k in range(7):
        rows, columns = (blurring(length, 2**k) for length in z.shape[2:])
        blurred = rows @ blurred @ columns
        image += (2 ** (0.3 * (k + 1)) - 2 ** (0.3 * k)) * blurred
    return image


def by_coordinates(gradient: Array) -> Array:
    """Return Cᵀ g, pixel by pixel: its scalar product with each image that C makes of one."""
    ones = np.eye(gradient[0, 0].size).reshape(-1, 1, *gradient.shape[2:])
    made = image_of(ones)[:, 0]
    return np.einsum("nhw,bchw->bcn", made, gradient).reshape(gradient.shape)
