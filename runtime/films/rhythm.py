"""How long a film of an iteration is, and which of its pictures are in it."""

from dataclasses import dataclass
from math import ceil

SECONDS = 8
"""How long it lasts: as long as people look at it with pleasure."""
SLOWEST = 200
"""Milliseconds that a picture is shown at most; few pictures make a shorter film."""
LINGERING = 2000
"""Milliseconds that the last picture stays, before the film ends or begins again."""


@dataclass(frozen=True)
class Rhythm:
    """Which pictures are in a film, and how long each is shown.

    Attributes
    ----------
    every : int
        One picture in so many iterations.
    milliseconds : int
        How long each is shown.
    """

    every: int
    milliseconds: int

    @property
    def lingering(self) -> int:
        """For how many pictures' time the last one is shown."""
        return ceil(LINGERING / self.milliseconds)


def rhythm_of(iterations: int, rate: int) -> Rhythm:
    """Return the rhythm of a film of so many iterations, with so many pictures a second at most.

    However many iterations there are, it has no more than `SECONDS` · `rate` pictures, and the one
    that stays at the end.
    """
    every = ceil(iterations / (SECONDS * rate))
    pictures = ceil(iterations / every)
    return Rhythm(every, min(SLOWEST, max(1000 // rate, 1000 * SECONDS // pictures)))
