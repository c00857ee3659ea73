"""When to show a picture that grows: often enough to watch, too seldom to hold up the run."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = 20
"""The run works so many times as long as it shows."""


class Pauses:
    """Pauses between showing and showing again.

    Parameters
    ----------
    seconds : float
        How long they are at least.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due = time.monotonic()

    @property
    def over(self) -> bool:
        """Whether it is time to show."""
        return time.monotonic() >= self._due

    @contextmanager
    def before_next(self) -> Iterator[None]:
        """Begin a pause after what is done meanwhile; the longer that takes, the longer."""
        begun = time.monotonic()
        yield
        now = time.monotonic()
        self._due = now + max(self._seconds, SELDOM * (now - begun))
