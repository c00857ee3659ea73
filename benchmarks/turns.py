"""Contestants in turn: a machine that slows down does so for all of them."""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from statistics import median
from typing import Any

from case import Case, Size
from contestants import CONTESTANTS
from report import size_name
from workers import Worker, running

PAUSE = 0.05
"""Seconds before each step, for the threads of the step before to stop waiting in loops."""

FULL_REPEATS_PIXELS = 512 * 384
"""Larger images are repeated less often, in proportion."""
FEWEST_REPEATS = 3

KEPT_PIXELS = 1_000_000
"""At larger images all contestants may not fit in memory together: each turn is a new process."""

Turns = Generator[tuple[str, Worker], None, None]


@dataclass(frozen=True)
class Times:
    """What was measured at one size.

    Attributes
    ----------
    size : tuple of int
        Width and height.
    seconds : dict of str to list of float
        The seconds of each step, by contestant.
    """

    size: Size
    seconds: dict[str, list[float]]

    def median(self, contestant: str) -> float:
        """Return a contestant's median in seconds."""
        return median(self.seconds[contestant])

    def cells_of(self, names: Sequence[str]) -> list[str]:
        """Return contestants' medians for a table."""
        return [f"{self.median(name):.4g} s" for name in names]

    def entry_of(self, names: Sequence[str]) -> dict[str, Any]:
        """Return the size and contestants' medians for a JSON file."""
        return {
            "size": size_name(self.size),
            **{f"{name}_s": self.median(name) for name in names},
        }


def time_in_turns(
    case: Case, names: Sequence[str], size: Size, rounds: int, check: Callable[[], None]
) -> dict[str, list[float]]:
    """Return the seconds of each step of each contestant, by name.

    Parameters
    ----------
    case : Case
        What they compute.
    names : sequence of str
        Keys of `CONTESTANTS`.
    size : tuple of int
        Width and height of the case's image.
    rounds : int
        How many steps each makes, beside the first, which does not count.
    check : function
        Called after the first round, when each has left its result.
    """
    seconds: dict[str, list[float]] = {name: [] for name in names}
    turns = kept_turns if size[0] * size[1] <= KEPT_PIXELS else fresh_turns
    with closing(turns(case, names, rounds)) as workers:
        for turn, (name, worker) in enumerate(workers, start=1):
            time.sleep(PAUSE)
            seconds[name].append(worker.ask("step"))
            if turn == len(names):
                check()
    return seconds


def repeats_at(size: Size, repeats: int) -> int:
    """Return how often to measure images of a size."""
    share = min(1.0, FULL_REPEATS_PIXELS / (size[0] * size[1]))
    return max(min(repeats, FEWEST_REPEATS), round(share * repeats))


def kept_turns(case: Case, names: Sequence[str], rounds: int) -> Turns:
    """Yield each contestant's warm worker in turn, the same ones in each round."""
    with ExitStack() as stack:
        workers = {name: stack.enter_context(running(CONTESTANTS[name])) for name in names}
        for worker in workers.values():
            worker.load(case)
        for name, worker in workers.items():
            worker.ask("warm_up", str(case.result(name)))
        for _ in range(rounds):
            yield from workers.items()


def fresh_turns(case: Case, names: Sequence[str], rounds: int) -> Turns:
    """Yield each contestant's warm worker in turn, each time a new one and no other beside it."""
    for _ in range(rounds):
        for name in names:
            with running(CONTESTANTS[name]) as worker:
                worker.load(case)
                worker.ask("warm_up", str(case.result(name)))
                yield name, worker
