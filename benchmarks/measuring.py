"""A contestant checked, then timed at one size after another, in a process that may fail."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ParamSpec

from agreement import Difference
from case import Case
from contestants import Contestant
from workers import Worker, running

from stylize.models.errors import StylizeError, VerificationError

P = ParamSpec("P")


@dataclass(frozen=True)
class Measured:
    """What was found at one size.

    Attributes
    ----------
    seconds : dict of str to float
        What one run of each task takes.
    off : Difference or None
        How far it was off in the check.
    failure : str or None
        Why there is nothing.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    off: Difference | None = None
    failure: str | None = None

    def __str__(self) -> str:
        times = (f"{task} {1000 * seconds:.3f} ms" for task, seconds in self.seconds.items())
        return self.failure or ", ".join(times)


def measure(
    contestant: Contestant, check: Case, cases: Sequence[Case], budget: float, limit: float
) -> Iterator[Measured]:
    """Check a contestant and time it; yield the check, then each case as it is done.

    Parameters
    ----------
    contestant : Contestant
        What is timed.
    check : Case
        With references. What fails there is not timed.
    cases : sequence of Case
        Where it is timed.
    budget : float
        Seconds for which each task is repeated.
    limit : float
        Seconds after which the process is killed.
    """
    with running(contestant, limit) as worker:
        checked = Measured()
        if contestant.compared:
            checked = _attempt(_check, worker, contestant, check)
        yield checked
        for case in cases:
            yield checked if checked.failure else _attempt(_time, worker, case, budget)


def _attempt(work: Callable[P, Measured], *args: P.args, **kwargs: P.kwargs) -> Measured:
    try:
        return work(*args, **kwargs)
    except StylizeError as error:
        return Measured(failure=str(error))


def _check(worker: Worker, contestant: Contestant, case: Case) -> Measured:
    """Return how far a contestant is off at most.

    Raises
    ------
    VerificationError
        That is more than rounding.
    """
    worker.load(case)
    off = Difference(*worker.ask("check"))
    if complaint := off.complaint(contestant.precision):
        raise VerificationError(f"not timed, it computes something else: {complaint}")
    return Measured(off=off)


def _time(worker: Worker, case: Case, budget: float) -> Measured:
    worker.load(case)
    return Measured(worker.ask("times", budget))
