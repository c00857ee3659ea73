"""A whole picture by ``stylize run`` in a fresh process, as a user has it made."""

import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contestants import Contestant
from startup import find_program

from stylize.models.errors import StylizeError


@dataclass(frozen=True)
class WholeRun:
    """The seconds of a picture.

    Attributes
    ----------
    total : float
        From the start of the process to its end, when the file is there.
    iterating : float
        The part of it from the first iteration to the last.
    """

    total: float
    iterating: float

    def __str__(self) -> str:
        return f"{self.total:.2f} s from start to file, {self.iterating:.2f} s of them iterating"


@dataclass(frozen=True)
class TracedRun:
    """A run of ``stylize run``.

    Attributes
    ----------
    total : float
        Seconds from the start of the process to its end, when the file is there.
    trace : list of dict
        The lines of its ``--trace``.
    """

    total: float
    trace: list[dict[str, Any]]


def time_run(contestant: Contestant, arguments: Sequence[str], limit: float) -> WholeRun | str:
    """Let ``stylize run`` make a picture; return its times, or why there is none.

    Parameters
    ----------
    contestant : Contestant
        One of ours.
    arguments : sequence of str
        Pictures, model, size and iterations.
    limit : float
        Seconds after which the process is killed.
    """
    given = [*arguments, "--provider", contestant.provider, "--precision", contestant.precision]
    for key, value in contestant.options.items():
        given += ["--provider-option", f"{key}={value}"]
    with tempfile.TemporaryDirectory() as folder:
        try:
            run = trace_run(given, Path(folder, "out.png"), limit)
        except StylizeError as error:
            return str(error)
    return WholeRun(run.total, run.trace[-1]["seconds"])


def trace_run(arguments: Sequence[str], output: Path, limit: float | None = None) -> TracedRun:
    """Let ``stylize run`` make a picture.

    Parameters
    ----------
    arguments : sequence of str
        All but the output.
    output : Path
        The picture. Its trace is beside it.
    limit : float, optional
        Seconds after which the process is killed.

    Raises
    ------
    StylizeError
        There is no picture.
    """
    trace = output.with_suffix(".jsonl")
    command = [find_program(), "run", *arguments, "--quiet"]
    command += ["--output", str(output), "--trace", str(trace)]
    start = time.perf_counter()
    try:
        done = subprocess.run(command, check=False, capture_output=True, timeout=limit)
    except subprocess.TimeoutExpired as error:
        raise StylizeError(f"no picture: it took longer than {limit:g} s") from error
    total = time.perf_counter() - start
    if done.returncode:
        message = " ".join(done.stderr.decode(errors="replace").split())
        raise StylizeError(f"no picture: {message}")
    return TracedRun(total, [json.loads(line) for line in trace.read_text().splitlines()])
