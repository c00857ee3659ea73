"""L-BFGS without a line search (Nocedal and Wright 2006, algorithm 7.4), stepping as torch does.

Each step costs one evaluation of the gradient, which is nearly all of its time.
"""

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

MIN_COSINE = 1e-10
"""Between s and y; a pair with less would make the approximate Hessian indefinite."""

TINY = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Pair:
    """A step s = x' - x, the change of the gradient y = g' - g, and rho = 1 / sᵀy."""

    s: Array
    y: Array
    rho: float


@dataclass
class LBFGS:
    """The optimiser and its state.

    Attributes
    ----------
    history : int
        How many pairs (s, y) the approximation of the inverse Hessian remembers.
    """

    history: int = 10
    _pairs: deque[Pair] = field(init=False)
    _step: Array | None = field(default=None, init=False)
    _gradient: Array | None = field(default=None, init=False)
    _reach: float = field(default=1.0, init=False)

    def __post_init__(self) -> None:
        self._pairs = deque(maxlen=self.history)

    def step(self, image: Array, gradient: Array, pace: float = 1.0) -> Array:
        """Return the next image, at `pace` times the usual distance.

        Both arrays are float32 and of the same shape.
        """
        g = gradient.ravel()
        self._remember(g)
        direction = self._newton_direction(g) if self._pairs else self._steepest_step(g)
        if float(g @ direction) > 0:
            # Rounding has made the approximation indefinite: forget it, and go downhill.
            self._pairs.clear()
            self._reach = 1.0
            direction = self._steepest_step(g)
        direction *= np.float32(pace)
        self._step, self._gradient = direction, g
        return image + direction.reshape(image.shape)

    def forget(self) -> None:
        """Begin anew: the next step starts elsewhere."""
        self._pairs.clear()
        self._step = self._gradient = None
        self._reach = 1.0

    def _remember(self, g: Array) -> None:
        if self._step is None or self._gradient is None:
            return
        y = g - self._gradient
        curvature = float(y @ self._step)
        if curvature > MIN_COSINE * float(np.linalg.norm(y) * np.linalg.norm(self._step)):
            self._pairs.append(Pair(self._step, y, 1 / curvature))

    def _newton_direction(self, g: Array) -> Array:
        """Return -H g by the two-loop recursion; H is the inverse Hessian that the pairs tell."""
        direction = -g
        shares = []
        for pair in reversed(self._pairs):
            share = pair.rho * float(pair.s @ direction)
            direction -= share * pair.y
            shares.append(share)
        newest = self._pairs[-1]
        direction *= 1 / (newest.rho * float(newest.y @ newest.y))
        for pair, share in zip(self._pairs, reversed(shares), strict=True):
            direction += (share - pair.rho * float(pair.y @ direction)) * pair.s
        return direction

    def _steepest_step(self, g: Array) -> Array:
        """Go downhill while no curvature is known, by at most 1 in the L1 norm at first, as torch.

        If that made the slope steeper, no curvature limits the step and it is doubled. torch goes
        on by the whole gradient, which at the losses' usual magnitude ends in NaN.
        """
        length = max(float(np.abs(g).sum(dtype=np.float64)), TINY)
        step = -g * min(1.0, self._reach / length)
        self._reach *= 2
        return step
