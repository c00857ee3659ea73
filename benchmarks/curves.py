"""How the loss of a picture falls with time, and the picture that it leads to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Curve:
    """The losses that a process came by.

    Attributes
    ----------
    seconds : sequence of float
        When, since the process began. What it takes to start and to end counts at once, so a time
        is that of a whole process which ends there.
    losses : sequence of float
        The loss of each evaluation; NaN or infinite where the search had left what can be computed.
    """

    seconds: Sequence[float]
    losses: Sequence[float]

    def lowest(self, evaluations: int | None = None) -> float:
        """Return the lowest loss, of the first so many evaluations or of all."""
        return min((loss for loss in self.losses[:evaluations] if loss < inf), default=inf)

    def time_to(self, loss: float) -> float:
        """Return when a loss was first as low; infinity if it never was."""
        pairs = zip(self.seconds, self.losses, strict=True)
        return next((second for second, found in pairs if found <= loss), inf)


def curve_of(total: float, seconds: Sequence[float], losses: Sequence[float]) -> Curve:
    """Return the curve of a process, from what it noted itself.

    Parameters
    ----------
    total : float
        Seconds that the whole process took.
    seconds, losses : sequence of float
        When each evaluation ended, by the process's own clock, and its loss.
    """
    around = total - seconds[-1]
    return Curve([around + second for second in seconds], list(losses))


@dataclass(frozen=True)
class Made:
    """A picture that was made.

    Attributes
    ----------
    curve : Curve
        How.
    pixels : float32 array, shape (1, 3, height, width)
        The image with the lowest loss: RGB, nominally in 0...1.
    """

    curve: Curve
    pixels: Array = field(repr=False)
