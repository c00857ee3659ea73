"""L-BFGS by the two-loop recursion (Nocedal and Wright 2006, algorithm 7.4), in float64.

The plain form of what `stylize.export.method.lbfgs` writes as a graph.
"""

from collections import deque

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

MIN_COSINE = 1e-10


class TwoLoops:
    """Steps of L-BFGS without a line search, given the gradient at each image on the way."""

    def __init__(self, history: int) -> None:
        self.pairs: deque[tuple[Array, Array, float]] = deque(maxlen=history)
        self.last: tuple[Array, Array] | None = None
        self.reach = 1.0

    def step(self, gradient: Array) -> Array:
        g = gradient.ravel()
        if self.last:
            s, y = self.last[0], g - self.last[1]
            if s @ y > MIN_COSINE * np.linalg.norm(s) * np.linalg.norm(y):
                self.pairs.append((s, y, 1 / (s @ y)))
        direction = self.newton(g) if self.pairs else self.steepest(g)
        if g @ direction > 0:
            self.pairs.clear()
            self.reach = 1.0
            direction = self.steepest(g)
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

    def steepest(self, g: Array) -> Array:
        step = -g * min(1.0, self.reach / np.abs(g).sum())
        self.reach *= 2
        return step
