"""How far the iteration is: a bar in a terminal, a line now and then in a log file."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Protocol

from stylize.cli.showing.bar import Bar, as_time
from stylize.cli.terminal import is_terminal, note
from stylize.runtime.method.options import Options

if TYPE_CHECKING:
    from stylize.runtime import Iterate, Scene

LOG_LINES = 10

LAUNCHES = 128 * 1024
"""Pixels that a device computes while all the kernels of an iteration are launched."""


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
    on_device: bool = False

    @property
    def work(self) -> int:
        """What an iteration costs, in pixels."""
        return prod(self.size) + LAUNCHES * self.on_device


def stints_of(scene: "Scene", options: Options, stop: int | None = None) -> Iterator[Stint]:
    """Yield what a picture takes, scale by scale; up to an iteration at which it is to stop."""
    left = stop or options.iterations
    for stage in scene.stages(options):
        yield Stint(min(left, stage.iterations), scene.size(stage), scene.on_device)
        left -= min(left, stage.iterations)


@contextmanager
def showing_progress(
    stints: Iterable[Stint], quiet: bool, done: int = 0, spared: int = 0
) -> Iterator[Progress]:
    """Give something that shows iterates on stderr.

    Parameters
    ----------
    stints : iterable of Stint
        What there is to be done; of several pictures, one after the other.
    quiet : bool
        Whether to show nothing.
    done, spared : int
        Iterations that were made, and that were not needed, in an earlier process.
    """
    pace = Pace(stints, done, spared)
    if quiet:
        yield _Silence()
    elif pace.total and is_terminal():
        bar = _Bar(pace)
        try:
            yield bar
        finally:
            bar.clear()
    else:
        yield _Log(pace)


class Pace:
    """Counts iterations, and foretells from their mean pace how long the rest will take.

    An iteration takes as long as its picture has pixels; on a device, some time besides.
    """

    def __init__(self, stints: Iterable[Stint], done: int = 0, spared: int = 0) -> None:
        self._stints = list(stints)
        self.total = sum(stint.iterations for stint in self._stints)
        self.done = self._reached = done + spared
        self._start = time.perf_counter()
        self._spared = spared
        self._work_spared = self._work(self.done)  # not done here

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
        done, all_work = self._work(self.done), self._work(self.total)
        each = (time.perf_counter() - self._start) / max(1, done - self._work_spared)
        return as_time(each * (all_work - done))

    def part(self, iterations: int) -> float:
        """Return which part of all the work so many iterations are."""
        return self._work(iterations) / self._work(self.total)

    def _work(self, iterations: int) -> int:
        """Return what all iterations up to one cost together."""
        work = 0
        for stint in self._stints:
            here = min(iterations, stint.iterations)
            work += here * stint.work
            iterations -= here
        return work


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
        self._interval = max(1, pace.total // LOG_LINES)

    def show(self, iterate: "Iterate") -> None:
        pace, before = self._pace, self._pace.done
        pace.reach(iterate)
        if pace.done // self._interval > before // self._interval:
            note(f"{pace.done}/{pace.total}  {pace.time_left} left{_state(iterate)}")

    def say(self, text: str) -> None:
        note(text)


class _Bar:
    """The bar in a terminal; other lines go above it."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._bar = Bar(pace)

    def show(self, iterate: "Iterate") -> None:
        self._pace.reach(iterate)
        self._bar.show(_state(iterate))

    def say(self, text: str) -> None:
        self._bar.clear()
        note(text)
        if self._pace.done < self._pace.total:
            self._bar.draw()

    def clear(self) -> None:
        self._bar.clear()
