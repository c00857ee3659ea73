"""A bar in a terminal: how much of something is done, and how long the rest will take.

It is our own. Rich's raises where stderr is gone, which must not end the work, and in a narrow
terminal its columns cannot give way one after the other.
"""

import os
import sys
import time
from typing import Protocol

from stylize.cli.terminal import draw

PATIENCE = 0.1
"""Seconds between two drawings of the bar."""

USUAL = 80
"""Columns of a terminal that does not tell how many it has."""
LEAST, MOST = 10, 40
"""Columns of the bar itself."""


class Measured(Protocol):
    """What a bar shows."""

    @property
    def done(self) -> int:
        """How much of it is done."""

    @property
    def total(self) -> int:
        """How much there is."""

    @property
    def time_left(self) -> str:
        """Until the end, as minutes:seconds or hours:minutes:seconds."""


class Bar:
    """The last line of the terminal, drawn again and again."""

    def __init__(self, measured: Measured) -> None:
        self._measured = measured
        self._shown = ""
        self._drawn = 0
        self._next = 0.0
        self.draw()

    def show(self, text: str) -> None:
        """Draw it with a text beside it, if it is time to."""
        self._shown = text
        if time.perf_counter() >= self._next or self._measured.done == self._measured.total:
            self.draw()

    def clear(self) -> None:
        """Remove it."""
        if self._drawn:
            draw(f"\r{' ' * self._drawn}\r")
        self._drawn = 0

    def draw(self) -> None:
        """Draw it as it was."""
        line = bar_line(_columns() - 1, self._measured, self._shown)
        draw("\r" + line.ljust(self._drawn))
        self._drawn = len(line)
        self._next = time.perf_counter() + PATIENCE


def bar_line(columns: int, measured: Measured, shown: str) -> str:
    """Return a bar that fits into so many columns: what matters most stays longest.

    That is the count, then the time that is left, the bar itself, and what is shown beside it.
    """
    count = f"{measured.done:{len(str(measured.total))}}/{measured.total}"
    left = f"  {measured.time_left} left" if measured.done else "  starting"
    text = count + (left if len(count) + len(left) <= columns else "")
    if LEAST + 3 + len(text) + len(shown) <= columns:
        text += shown
    width = min(MOST, columns - len(text) - 3)
    if width < LEAST:
        return text[:columns]
    filled = min(width, width * measured.done // measured.total)
    return f"[{'#' * filled}{'-' * (width - filled)}] {text}"


def as_time(seconds: float) -> str:
    """Return a time as minutes:seconds, or hours:minutes:seconds."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or USUAL
    except (OSError, ValueError):
        return USUAL
