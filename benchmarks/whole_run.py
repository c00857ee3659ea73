"""A whole picture by ``stylize run`` in a fresh process, as a user has it made."""

import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contestants import Contestant
from startup import find_program


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
    command = [find_program(), "run", *arguments, "--provider", contestant.provider]
    command += ["--precision", contestant.precision, "--quiet"]
    for key, value in contestant.options.items():
        command += ["--provider-option", f"{key}={value}"]
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder, "trace.jsonl")
        command += ["--output", str(Path(folder, "out.png")), "--trace", str(trace)]
        start = time.perf_counter()
        try:
            done = subprocess.run(command, check=False, capture_output=True, timeout=limit)
        except subprocess.TimeoutExpired:
            return f"no picture: it took longer than {limit:g} s"
        total = time.perf_counter() - start
        if done.returncode:
            return f"no picture: {' '.join(done.stderr.decode(errors='replace').split())}"
        last = json.loads(trace.read_text().splitlines()[-1])
    return WholeRun(total, last["seconds"])
