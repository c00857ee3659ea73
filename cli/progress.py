"""How far the iteration is: a bar in a terminal, a line now and then in a log file."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stylize.runtime import Iterate

Observer = Callable[["Iterate"], None]
LOG_LINES = 10


@contextmanager
def showing_progress(iterations: int, quiet: bool) -> Iterator[Observer]:
    """Give a function that shows an iterate on stderr."""
    if quiet:
        yield lambda iterate: None
    elif sys.stderr.isatty():
        with _bar(iterations) as show:
            yield show
    else:
        yield lambda iterate: _log(iterate, iterations)


@contextmanager
def _bar(iterations: int) -> Iterator[Observer]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("total {task.fields[total_loss]:.3g}"),
        TextColumn("content {task.fields[content]:.3g}"),
        TextColumn("style {task.fields[style]:.3g}"),
        TextColumn("[cyan]{task.fields[left]} left"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(
            "", total=iterations, total_loss=0.0, content=0.0, style=0.0, left="?"
        )
        yield lambda iterate: progress.update(
            task,
            completed=iterate.iteration,
            total_loss=iterate.total,
            content=iterate.content,
            style=iterate.style,
            left=time_left(iterate, iterations),
        )


def _log(iterate: "Iterate", iterations: int) -> None:
    if iterate.iteration % max(1, iterations // LOG_LINES) == 0:
        print(
            f"{iterate.iteration}/{iterations}  total {iterate.total:.3g}  "
            f"content {iterate.content:.3g}  style {iterate.style:.3g}  "
            f"{time_left(iterate, iterations)} left",
            file=sys.stderr,
            flush=True,
        )


def time_left(iterate: "Iterate", iterations: int) -> str:
    """Return how long the rest will take at the mean pace so far, as minutes:seconds."""
    pace = iterate.seconds / iterate.iteration
    minutes, seconds = divmod(round(pace * (iterations - iterate.iteration)), 60)
    return f"{minutes}:{seconds:02}"
