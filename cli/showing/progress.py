"""How far the iteration is: a bar in a terminal, a line now and then in a log file.

The bar is our own. Rich's raises where stderr is gone, which must not end the work, and in a narrow
terminal its columns cannot give way one after the other.
"""

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Protocol

from stylize.cli.terminal import draw, is_terminal, note
from stylize.runtime.method.options import Options

if TYPE_CHECKING:
    from stylize.runtime import Iterate, Scene

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


@dataclass(frozen=True)
class Stint:
    """Some iterations of equal cost: one scale of a picture."""

    iterations: int
    size: tuple[int, int]


def stints_of(scene: "Scene", options: Options, stop: int | None = None) -> Iterator[Stint]:
    """Yield what a picture takes, scale by scale; up to an iteration at which it is to stop."""
    left = stop or options.iterations
    for stage in scene.stages(options):
        yield Stint(min(left, stage.iterations), scene.size(stage))
        left -= min(left, stage.iterations)


@contextmanager
def showing_progress(stints: Iterable[Stint], quiet: bool) -> Iterator[Progress]:
    """Give something that shows iterates on stderr.

    Parameters
    ----------
    stints : iterable of Stint
        What there is to be done; of several pictures, one after the other.
    quiet : bool
        Whether to show nothing.
    """
    pace = Pace(stints)
    if quiet:
        yield _Silence()
    elif pace.iterations and is_terminal():
        bar = _Bar(pace)
        try:
            yield bar
        finally:
            bar.clear()
    else:
        yield _Log(pace)


class Pace:
    """Counts iterations, and foretells from their mean pace how long the rest will take.

    An iteration takes as long as its picture has pixels.
    """

    def __init__(self, stints: Iterable[Stint]) -> None:
        self._stints = list(stints)
        self.iterations = sum(stint.iterations for stint in self._stints)
        self.done = 0
        self._start = time.perf_counter()
        self._reached = self._spared = 0
        self._work_spared = 0

    def reach(self, iterate: "Iterate") -> None:
        """Count on to an iterate of this picture, or of the next one if it is no later one."""
        reached = iterate.iteration + iterate.spared
        if reached <= self._reached:
            self._reached = self._spared = 0
        self.done += reached - self._reached
        spared = iterate.spared - self._spared
        self._work_spared += self._work(self.done) - self._work(self.done - spared)
        self._reached, self._spared = reached, iterate.spared

    @property
    def time_left(self) -> str:
        """Until the end, as minutes:seconds or hours:minutes:seconds."""
        done, all_work = self._work(self.done), self._work(self.iterations)
        each = (time.perf_counter() - self._start) / max(1, done - self._work_spared)
        seconds = each * (all_work - done)
        minutes, seconds = divmod(round(seconds), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"

    def _work(self, iterations: int) -> int:
        """Return how many pixels all iterations up to one have together."""
        work = 0
        for stint in self._stints:
            here = min(iterations, stint.iterations)
            work += here * prod(stint.size)
            iterations -= here
        return work


def bar_line(columns: int, pace: Pace, shown: str) -> str:
    """Return a bar that fits into so many columns: what matters most stays longest.

    That is the count, then the time that is left, the bar itself, and what is shown beside it.
    """
    count = f"{pace.done:{len(str(pace.iterations))}}/{pace.iterations}"
    left = f"  {pace.time_left} left" if pace.done else "  starting"
    text = count + (left if len(count) + len(left) <= columns else "")
    if LEAST + 3 + len(text) + len(shown) <= columns:
        text += shown
    width = min(MOST, columns - len(text) - 3)
    if width < LEAST:
        return text[:columns]
    filled = min(width, width * pace.done // pace.iterations)
    return f"[{'#' * filled}{'-' * (width - filled)}] {text}"


def _state(iterate: "Iterate") -> str:
    """Return the scale and the loss, which is another one at each scale."""
    width, height = iterate.size
    return f"  {width}x{height}  loss {iterate.total:.4g}"


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
        pace.reach(iterate)
        if pace.done // self._interval > before // self._interval:
            note(f"{pace.done}/{pace.iterations}  {pace.time_left} left{_state(iterate)}")

    def say(self, text: str) -> None:
        note(text)


class _Bar:
    """The last line of the terminal, drawn again and again; other lines go above it."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._shown = ""
        self._drawn = 0
        self._next = 0.0
        self._draw()

    def show(self, iterate: "Iterate") -> None:
        self._pace.reach(iterate)
        self._shown = _state(iterate)
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
        line = bar_line(_columns() - 1, self._pace, self._shown)
        draw("\r" + line.ljust(self._drawn))
        self._drawn = len(line)
        self._next = time.perf_counter() + PATIENCE


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or USUAL
    except (OSError, ValueError):
        return USUAL
