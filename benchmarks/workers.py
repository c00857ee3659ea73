"""A contestant in a process of its own: a line on its stdin is a command, a number the answer.

So neither thread pools nor memory of one contestant disturb another, as long as only one at a time
is given something to do.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NoReturn

import numpy as np
from case import Case
from contestants import CONTESTANTS, Step

from stylize.models.errors import StylizeError

STATUS, CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")
"""Of Linux: a process's memory, and where to have its peak forgotten."""


class Worker:
    """A process that loads a contestant and then does what it is asked.

    Parameters
    ----------
    contestant : str
        Its name.
    process : Popen
        Runs `serve`.
    errors : file
        What it writes to stderr.
    """

    def __init__(
        self, contestant: str, process: "subprocess.Popen[bytes]", errors: IO[bytes]
    ) -> None:
        self._contestant = contestant
        self._process = process
        self._errors = errors

    def ask(self, command: str) -> float:
        """Have it do one thing, once it is loaded.

        Parameters
        ----------
        command : str
            ``warm_up`` (a step whose result is kept in a file) or ``step``: answered by its
            seconds. ``resident`` or ``peak``: its memory in bytes. ``reset``: whether the peak
            could be set back to what is resident now, 1 or 0.

        Raises
        ------
        StylizeError
            The process has ended.
        """
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write(f"{command}\n".encode())
        except BrokenPipeError:
            self._fail()
        answer = self._process.stdout.readline()
        return float(answer) if answer else self._fail()

    def _fail(self) -> NoReturn:
        code = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        reason = lines[-1] if lines else "Perhaps memory ran out; try smaller sizes."
        raise StylizeError(f"The process of '{self._contestant}' ended with code {code}. {reason}")


@contextmanager
def running(contestant: str, case: Case) -> Iterator[Worker]:
    """Start a worker, which begins to load the contestant; in the end it is killed.

    Parameters
    ----------
    contestant : str
        One of `CONTESTANTS`.
    case : Case
        What it computes.
    """
    command = [sys.executable, __file__, contestant, str(case.model), str(case.folder)]
    pipe = subprocess.PIPE
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=errors, bufsize=0) as process,
    ):
        try:
            yield Worker(contestant, process, errors)
        finally:
            process.kill()


def serve(contestant: str, case: Case) -> None:
    """Load a contestant and answer commands until stdin ends."""
    step = CONTESTANTS[contestant](case)
    answers: dict[str, Callable[[], float]] = {
        "warm_up": lambda: _warm_up(step, case.result(contestant)),
        "step": lambda: _seconds(step),
        "resident": lambda: _memory("VmRSS"),
        "reset": _reset_peak,
        "peak": lambda: _memory("VmHWM"),
    }
    for line in sys.stdin:
        print(answers[line.strip()](), flush=True)


def _warm_up(step: Step, path: Path) -> float:
    start = time.perf_counter()
    if result := step():
        total, gradient = result
        np.savez(path, total=total, gradient=gradient)
    return time.perf_counter() - start


def _seconds(step: Step) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def _memory(key: str) -> int:
    """Return an entry of this process's status, in bytes."""
    lines = STATUS.read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))


def _reset_peak() -> int:
    try:
        CLEAR_REFS.write_text("5")
    except OSError:
        return 0
    return 1


if __name__ == "__main__":
    name, model, folder = sys.argv[1:]
    serve(name, Case(Path(model), Path(folder)))
