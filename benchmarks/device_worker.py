"""A variant in a process of its own: a line of JSON on its stdout for each size.

What goes wrong is a line, too, or the end of the process; so the benchmark goes on.
"""

import gc
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from agreement import Difference, difference, load_result
from case import Case
from variants import Variant

from stylize.models.errors import StylizeError, VerificationError

if TYPE_CHECKING:
    from device import Loaded

WARM_UP = 3
"""Runs that do not count: the first ones search, compile, record and allocate."""
BATCHES = 3
"""The median of so many; the device is waited for at the end of each."""
FEWEST, MOST = 2, 1000
"""Runs in a batch."""


@dataclass(frozen=True)
class Measured:
    """What was found at one size.

    Attributes
    ----------
    seconds : dict of str to float
        Of each task.
    off : Difference or None
        Of the check, how far it was off.
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
    variant: Variant, check: Case, cases: Sequence[Case], budget: float, limit: float
) -> Iterator[Measured]:
    """Let a process check a variant and time it; yield the check, then each case as it is done.

    Parameters
    ----------
    variant : Variant
        What is timed.
    check : Case
        With a reference, see `references`; what fails there is not timed.
    cases : sequence of Case
        At which to time.
    budget : float
        Seconds for which each task is repeated.
    limit : float
        Seconds after which the process is killed.
    """
    folders = [str(case.folder) for case in (check, *cases)]
    command = [sys.executable, __file__, variant.encode(), str(budget), str(check.model), *folders]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        start, watch = time.monotonic(), threading.Timer(limit, process.kill)
        watch.start()
        try:
            assert process.stdout
            answered = 0
            for line in process.stdout:
                found = json.loads(line)
                found["off"] = Difference(**found["off"]) if found["off"] else None
                yield Measured(**found)
                answered += 1
            late = time.monotonic() - start >= limit
            process.wait()
        finally:
            watch.cancel()
            process.kill()
        if answered < len(folders):
            errors.seek(0)
            lines = errors.read().decode(errors="replace").strip().splitlines()
            reason = lines[-1] if lines else f"the process ended with code {process.returncode}"
            failure = f"took longer than {limit:g} s" if late else reason
            yield from [Measured(failure=failure)] * (len(folders) - answered)


def references(case: Case) -> list[Path]:
    """Return where the results at the image and at that mirrored are kept."""
    return [case.result("reference"), case.result("reference.mirrored")]


def serve(variant: Variant, budget: float, check: Case, cases: Sequence[Case]) -> None:
    """Check, then time at each size, as long as the check did not fail."""
    from device import load  # late: the benchmark can say that onnx is missing

    try:
        checked = Measured(off=_check(variant, check))
    except Exception as error:  # of ONNX Runtime, PyTorch, CUDA: anything
        checked = Measured(failure=_reason(error))
    _answer(checked)
    for case in cases:
        if checked.failure:
            _answer(checked)
            continue
        try:
            _answer(Measured(_times(load(variant, case), budget)))
        except Exception as error:
            _answer(Measured(failure=_reason(error)))
        gc.collect()  # a graph and its memory, before the next needs as much


def _check(variant: Variant, case: Case) -> Difference | None:
    """Return how far a variant is off at most; None where there is nothing to compare.

    Raises
    ------
    VerificationError
        That is more than rounding.
    """
    from device import load

    if not variant.compared:
        return None
    loaded = load(variant, case)
    found = [
        difference(result, load_result(reference))
        for result, reference in zip(loaded.results(), references(case), strict=False)
    ]
    # NumPy's: NaN is the largest number.
    off = Difference(*(float(np.max(values)) for values in zip(*map(astuple, found), strict=True)))
    if complaint := off.complaint(variant.precision):
        raise VerificationError(f"not timed, it computes something else: {complaint}")
    return off


def _times(loaded: "Loaded", budget: float) -> dict[str, float]:
    return {name: _seconds(run, loaded.wait, budget) for name, run in loaded.tasks.items()}


def _seconds(run: Callable[[], object], wait: Callable[[], object], budget: float) -> float:
    """Return the seconds of a run, among many in a row with one wait at the end."""

    def batch(count: int) -> float:
        start = time.perf_counter()
        for _ in range(count):
            run()
        wait()
        return (time.perf_counter() - start) / count

    batch(WARM_UP)
    count = round(budget / BATCHES / batch(FEWEST))
    return median(batch(max(FEWEST, min(MOST, count))) for _ in range(BATCHES))


def _reason(error: Exception) -> str:
    """Return an error in one line that fits into a table."""
    line = " ".join(str(error).split())
    if not isinstance(error, StylizeError):
        line = f"{type(error).__name__}: {line}"
    return line if len(line) <= 200 else f"{line[:200]}…"


def _answer(measured: Measured) -> None:
    print(json.dumps(asdict(measured)), file=ANSWERS, flush=True)


if __name__ == "__main__":
    # Libraries print, too: all that goes to stderr, and only answers to where stdout was.
    ANSWERS = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    encoded, seconds, model, *folders = sys.argv[1:]
    first, *others = [Case(Path(model), Path(folder)) for folder in folders]
    serve(Variant.decode(encoded), float(seconds), first, others)
