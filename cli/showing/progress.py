"""How far the iteration is: a bar in a terminal, a line now and then in a log file.

The bar is our own. Rich's raises where stderr is gone, which must not end the work, and in a narrow
terminal its columns cannot give way one after the other.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from stylize.cli.terminal import draw, is_terminal, note

if TYPE_CHECKING:
    from stylize.runtime import Iterate

LOG_LINES = 10

PATIENCE = 0.1
"""Seconds between two drawings of the bar."""

USUAL = 80
"""Columns of a terminal that does not tell how many it has."""
LEAST, MOST = 10, 40
"""Columns of the bar itself."""


class Progress(Protocol):
    """How a user is told of the iteration."""

    def show(self, iterate: "Iterate") -> None:
        """Count the iterations up to one."""

    def say(self, text: str) -> None:
        """Print a line of its own."""


@contextmanager
def showing_progress(iterations: int, quiet: bool) -> Iterator[Progress]:
    """Give something that shows iterates on stderr.

    Parameters
    ----------
    iterations : int
        How many there will be; of several pictures, all together.
    quiet : bool
        Whether to show nothing.
    """
    if quiet:
        yield _Silence()
    elif iterations and is_terminal():
        bar = _Bar(Pace(iterations))
        try:
            yield bar
        finally:
            bar.clear()
    else:
        yield _Log(Pace(iterations))


class Pace:
    """Counts iterations, and foretells from their mean pace how long the rest will take."""

    def __init__(self, iterations: int) -> None:
        self.iterations = iterations
        self.done = 0
        self._start = time.perf_counter()
        self._reached = 0

    def reach(self, iteration: int) -> None:
        """Count on to an iteration of this picture, or of the next one if it is no later one."""
        self.done += iteration - (self._reached if iteration > self._reached else 0)
        self._reached = iteration

    @property
    def time_left(self) -> str:
        """Until the end, as minutes:seconds or hours:minutes:seconds."""
        each = (time.perf_counter() - self._start) / max(1, self.done)
        minutes, seconds = divmod(round(each * (self.iterations - self.done)), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def bar_line(columns: int, pace: Pace, loss: float | None) -> str:
    """Return a bar that fits into so many columns: what matters most stays longest.

    That is the count, then the time that is left, the bar itself, and the loss.
    """
    count = f"{pace.done:{len(str(pace.iterations))}}/{pace.iterations}"
    left = f"  {pace.time_left} left" if pace.done else "  starting"
    text = count + (left if len(count) + len(left) <= columns else "")
    shown = "" if loss is None else f"  loss {loss:.3e}"
    if LEAST + 3 + len(text) + len(shown) <= columns:
        text += shown
    width = min(MOST, columns - len(text) - 3)
    if width < LEAST:
        return text[:columns]
    filled = width * pace.done // pace.iterations
    return f"[{'#' * filled}{'-' * (width - filled)}] {text}"


class _Silence:
    def show(self, iterate: "Iterate") -> None: ...

    def say(self, text: str) -> None: ...


class _Log:
    """A line for each tenth of the iterations."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._interval = max(1, pace.iterations // LOG_LINES)

    def show(self, iterate: "Iterate") -> None:
        pace, before = self._pace, self._pace.done
        pace.reach(iterate.iteration)
        if pace.done // self._interval > before // self._interval:
            note(
                f"{pace.done}/{pace.iterations}  {pace.time_left} left  loss {iterate.total:.4g} "
                f"(content {iterate.content:.4g}, style {iterate.style:.4g})"
            )

    def say(self, text: str) -> None:
        note(text)


class _Bar:
    """The last line of the terminal, drawn again and again; other lines go above it."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._loss: float | None = None
        self._drawn = 0
        self._next = 0.0
        self._draw()

    def show(self, iterate: "Iterate") -> None:
        self._pace.reach(iterate.iteration)
        self._loss = iterate.total
        if time.perf_counter() >= self._next or self._pace.done == self._pace.iterations:
            self._draw()

    def say(self, text: str) -> None:
        self.clear()
        note(text)
        if self._pace.done < self._pace.iterations:
            self._draw()

    def clear(self) -> None:
        """Remove the bar."""
        if self._drawn:
            draw(f"\r{' ' * self._drawn}\r")
        self._drawn = 0

    def _draw(self) -> None:
        line = bar_line(_columns() - 1, self._pace, self._loss)
        draw("\r" + line.ljust(self._drawn))
        self._drawn = len(line)
        self._next = time.perf_counter() + PATIENCE


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or USUAL
    except (OSError, ValueError):
        return USUAL
