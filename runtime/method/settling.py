"""When to stop: the loss hardly falls any more."""

from collections import deque
from collections.abc import Iterable

WINDOW = 20
"""Iterations over which a fall of the loss is measured. A few alone may stand still."""


class Settling:
    """Tells whether a loss has settled.

    Parameters
    ----------
    until : float
        It has if the lowest loss falls by less than this part of it in `WINDOW` iterations. 0:
        never.
    seen : iterable of (int, float)
        What another one has seen, from which this one goes on.
    """

    def __init__(self, until: float, seen: Iterable[tuple[int, float]] = ()) -> None:
        self._until = until
        self._seen = deque(seen)

    @property
    def seen(self) -> tuple[tuple[int, float], ...]:
        """The iterations that it looks back at, each with the lowest loss up to it."""
        return tuple(self._seen)

    def at(self, iteration: int, lowest: float) -> bool:
        """Tell whether the loss has settled, given the lowest up to an iteration."""
        self._seen.append((iteration, lowest))
        while len(self._seen) > 1 and iteration - self._seen[1][0] >= WINDOW:
            self._seen.popleft()
        earlier, before = self._seen[0]
        return iteration - earlier >= WINDOW and before - lowest < self._until * before
