"""A contestant in a process of its own: a line of JSON on its stdin is a command, one the answer.

So neither thread pools nor memory of one contestant disturb another, as long as only one at a time
is given something to do; and what goes wrong in one, or takes too long, ends no other.
"""

import gc
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from statistics import median
from typing import IO, Any, NoReturn

import numpy as np
from case import Case, load_result, store_result
from contestants import Contestant
from loading import Loaded, load

from stylize.models.errors import StylizeError
from stylize.runtime.checks.footprint import forget_peak, taken_by_process

WARM_UP = 3
"""Runs that do not count: the first ones search, compile, record and allocate."""
BATCHES = 3
"""The median of so many; the device is waited for at the end of each."""
FEWEST, MOST = 2, 1000
"""Runs in a batch."""


class Worker:
    """A process that does what it is asked; see `Server` for the commands.

    Parameters
    ----------
    contestant : Contestant
        Who computes there.
    process : Popen
        Runs this file.
    errors : file
        What it writes to stderr.
    limit : float or None
        Seconds after which it is killed.
    """

    def __init__(
        self,
        contestant: Contestant,
        process: "subprocess.Popen[bytes]",
        errors: IO[bytes],
        limit: float | None,
    ) -> None:
        self._contestant = contestant
        self._process = process
        self._errors = errors
        self._limit = limit
        self._start = time.monotonic()
        self._unanswered = 0

    def load(self, case: Case) -> None:
        """Have it load a case in place of the last, without waiting for it."""
        self._send("load", str(case.model), str(case.folder))

    def ask(self, command: str, *arguments: Any) -> Any:
        """Have it do one thing, once it is done with what it was told before.

        Raises
        ------
        StylizeError
            It could not do it or what it was told before, or the process has ended.
        """
        self._send(command, *arguments)
        lines = [self._receive() for _ in range(self._unanswered)]
        self._unanswered = 0
        return [answer_of(line) for line in lines][-1]

    def _send(self, *command: Any) -> None:
        assert self._process.stdin
        self._unanswered += 1
        try:
            self._process.stdin.write(f"{json.dumps(command)}\n".encode())
        except BrokenPipeError:
            self._fail()

    def _receive(self) -> bytes:
        assert self._process.stdout
        return self._process.stdout.readline() or self._fail()

    def _fail(self) -> NoReturn:
        code = self._process.wait()
        if self._limit is not None and time.monotonic() - self._start >= self._limit:
            raise StylizeError(f"took longer than {self._limit:g} s")
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        reason = lines[-1] if lines else "Perhaps memory ran out; try smaller sizes."
        raise StylizeError(f"The process of '{self._contestant}' ended with code {code}. {reason}")


@contextmanager
def running(contestant: Contestant, limit: float | None = None) -> Iterator[Worker]:
    """Start a worker; in the end, or after `limit` seconds, it is killed."""
    command = [sys.executable, __file__, contestant.encode()]
    pipe = subprocess.PIPE
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=errors, bufsize=0) as process,
    ):
        watch = threading.Timer(limit or 0.0, process.kill)
        if limit is not None:
            watch.start()
        try:
            yield Worker(contestant, process, errors, limit)
        finally:
            watch.cancel()
            process.kill()


def answer_of(line: str | bytes) -> Any:
    """Return what a server answered.

    Raises
    ------
    StylizeError
        It could not do what it was told.
    """
    found = json.loads(line)
    if failure := found.get("failure"):
        raise StylizeError(failure)
    return found["answer"]


class Server:
    """What a worker's process does, one command after another.

    ``load MODEL FOLDER``
        Load the contestant for a case, in place of the last.
    ``warm_up FILE``
        Compute once, and keep the result in a file.
    ``step``
        Compute once more, and answer with the seconds.
    ``check``
        Answer with how far the loss and the gradient are from the case's references.
    ``times SECONDS``
        Repeat each task for so long, and answer with the seconds of one of each.
    ``resident``, ``peak``
        Answer with the memory of the process in bytes, what it has and the most that it had.
    ``reset``
        Forget that peak; answer whether this could be done.
    """

    def __init__(self, contestant: Contestant) -> None:
        self._contestant = contestant
        self._case: Case
        self._loaded: Loaded | None = None
        self._commands: dict[str, Callable[..., Any]] = {
            "load": self._load,
            "warm_up": self._warm_up,
            "step": lambda: _seconds(self._ready.result),
            "check": self._check,
            "times": self._times,
            "resident": lambda: taken_by_process("VmRSS"),
            "reset": forget_peak,
            "peak": lambda: taken_by_process("VmHWM"),
        }

    def answer(self, line: str) -> str:
        """Do what a line says; return the answer, or why there is none."""
        command, *arguments = json.loads(line)
        try:
            return json.dumps({"answer": self._commands[command](*arguments)})
        except Exception as error:  # of ONNX Runtime, PyTorch, CUDA: anything
            return json.dumps({"failure": _reason(error)})

    @property
    def _ready(self) -> Loaded:
        if self._loaded is None:
            raise StylizeError("nothing is loaded")
        return self._loaded

    def _load(self, model: str, folder: str) -> None:
        self._loaded = None
        gc.collect()  # a graph and its memory, before the next needs as much
        self._case = Case(Path(model), Path(folder))
        self._loaded = load(self._contestant, self._case)

    def _warm_up(self, path: str) -> None:
        if result := self._ready.result():
            store_result(Path(path), result)

    def _check(self) -> list[float]:
        from agreement import difference  # late: what it imports would count in others' memory

        found = [
            difference(result, load_result(reference))
            for result, reference in zip(self._ready.results(), self._case.references, strict=False)
        ]
        # NumPy's: NaN is the largest number.
        return [float(np.max(values)) for values in zip(*map(astuple, found), strict=True)]

    def _times(self, budget: float) -> dict[str, float]:
        wait = self._ready.wait
        return {name: _repeated(run, wait, budget) for name, run in self._ready.tasks().items()}


def _repeated(run: Callable[[], object], wait: Callable[[], object], budget: float) -> float:
    """Return the seconds of a run, among many in a row with one wait at the end."""

    def batch(count: int) -> float:
        def runs() -> None:
            for _ in range(count):
                run()
            wait()

        return _seconds(runs) / count

    batch(WARM_UP)
    count = round(budget / BATCHES / batch(FEWEST))
    return median(batch(max(FEWEST, min(MOST, count))) for _ in range(BATCHES))


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _reason(error: Exception) -> str:
    """Return an error in one line that fits into a table."""
    line = " ".join(str(error).split())
    if not isinstance(error, StylizeError):
        line = f"{type(error).__name__}: {line}"
    return line if len(line) <= 200 else f"{line[:200]}…"


if __name__ == "__main__":
    # Libraries print, too: all that goes to stderr, and only answers to where stdout was.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    server = Server(Contestant.decode(sys.argv[1]))
    for line in sys.stdin:
        print(server.answer(line), file=answers, flush=True)
