"""How far the iteration is: a bar in a terminal, a line now and then in a log file."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stylize.runtime import Iterate

LOG_LINES = 10


@dataclass(frozen=True)
class Progress:
    """How a user is told of the iteration.

    Attributes
    ----------
    show : function of an Iterate
        Counts the iterations up to it.
    say : function of a str
        Prints a line of its own.
    """

    show: "Callable[[Iterate], None]"
    say: Callable[[str], None]


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
    pace = Pace(iterations)
    if quiet:
        yield Progress(lambda iterate: None, lambda text: None)
    elif iterations and sys.stderr.isatty():
        with _bar(pace) as progress:
            yield progress
    else:
        yield Progress(lambda iterate: _log(iterate, pace), _print)


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
        """Until the end, as minutes:seconds."""
        each = (time.perf_counter() - self._start) / max(1, self.done)
        minutes, seconds = divmod(round(each * (self.iterations - self.done)), 60)
        return f"{minutes}:{seconds:02}"


@contextmanager
def _bar(pace: Pace) -> Iterator[Progress]:
    from rich import progress as rich_progress
    from rich.console import Console

    columns = (
        rich_progress.BarColumn(),
        rich_progress.MofNCompleteColumn(),
        rich_progress.TextColumn("total {task.fields[total_loss]:.3g}"),
        rich_progress.TextColumn("content {task.fields[content]:.3g}"),
        rich_progress.TextColumn("style {task.fields[style]:.3g}"),
        rich_progress.TextColumn("[cyan]{task.fields[left]} left"),
    )
    with rich_progress.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(
            "", total=pace.iterations, total_loss=0.0, content=0.0, style=0.0, left="?"
        )

        def show(iterate: "Iterate") -> None:
            pace.reach(iterate.iteration)
            bar.update(
                task,
                completed=pace.done,
                total_loss=iterate.total,
                content=iterate.content,
                style=iterate.style,
                left=pace.time_left,
            )

        def say(text: str) -> None:
            bar.console.print(text, markup=False, highlight=False, soft_wrap=True)

        yield Progress(show, say)


def _log(iterate: "Iterate", pace: Pace) -> None:
    before, interval = pace.done, max(1, pace.iterations // LOG_LINES)
    pace.reach(iterate.iteration)
    if pace.done // interval > before // interval:
        _print(
            f"{pace.done}/{pace.iterations}  total {iterate.total:.4g}  "
            f"content {iterate.content:.4g}  style {iterate.style:.4g}  {pace.time_left} left"
        )


def _print(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
