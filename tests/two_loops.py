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


def polyak(total: float, g: Array) -> float:
    """Return how many gradients long the first step is."""
    return min(abs(total) / (g @ g), FIRST * np.sqrt(g.size / (g @ g)))


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
    """

    def __init__(
        self,
        history: int,
        first: Callable[[float, Array], float] = polyak,
        growth: float = GROWTH,
    ) -> None:
        self.pairs: deque[tuple[Array, Array, float]] = deque(maxlen=history)
        self.last: tuple[Array, Array] | None = None
        self.first, self.growth = first, growth

    def step(self, total: float, gradient: Array) -> Array:
        g = gradient.ravel()
        if self.last:
            s, y = self.last[0], g - self.last[1]
            if s @ y > MIN_COSINE * np.linalg.norm(s) * np.linalg.norm(y):
                self.pairs.append((s, y, 1 / (s @ y)))
        direction = self.newton(g) if self.pairs else -g * self.first(total, g)
        if g @ direction > 0:
            self.pairs.clear()
            direction = -g * self.first(total, g)
        if self.last:
            longest = self.growth * np.linalg.norm(self.last[0])
            direction = direction * min(1.0, longest / np.linalg.norm(direction))
        self.last = direction, g
        return direction.reshape(gradient.shape)

    def newton(self, g: Array) -> Array:
        direction, shares = -g, []
        for s, y, rho in reversed(self.pairs):
            shares.append(rho * (s @ direction))
            direction = direction - shares[-1] * y
        s, y, rho = self.pairs[-1]
        direction = direction / (rho * (y @ y))
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
