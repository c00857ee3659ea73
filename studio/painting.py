"""A picture that is being painted, by a process of its own: the command line's ``run``.

So what kills a picture kills nothing else. The process is tied to the studio by a pipe: when that
is closed, or the studio is killed, it saves the picture so far and a checkpoint, and ends.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stylize.models.errors import ImageError
from stylize.models.settings import settings_of
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import Options
from stylize.runtime.plans.recipe import read_recipe
from stylize.studio.fields import arguments
from stylize.studio.gallery import Asked
from stylize.studio.shapes import State

PICTURE, PREVIEW, TRACE = "picture.png", "preview.png", "trace.jsonl"
CHECKPOINT, MESSAGES = f"{PICTURE}.checkpoint", "messages.txt"
"""Files in the folder of a job."""

USUAL_COMMAND = (sys.executable, "-m", "stylize")

KEEP_EVERY, KEEP_LARGE_EVERY, LARGE = "60s", "10m", 2_000_000
"""Between two checkpoints: so much work is lost at most where even the process is killed. That of a
picture of more pixels takes gigabytes."""

OF_RUN = ("model", "provider", "precision", "threads", "memory", "scratch")
OF_RESUME = ("model", "scratch")
"""Settings of the machine that commands are told; a checkpoint has the rest."""

NICENESS = 5
"""The studio answers first, then it paints."""

LONGEST = 64 * 1024
"""Bytes of messages that are looked at."""

TETHER = {"STYLIZE_TETHER": "stdin"}


@dataclass(frozen=True)
class Outcome:
    """What became of a picture.

    Attributes
    ----------
    state : str
        Done, failed or stopped.
    error : str or None
        Why it failed.
    """

    state: State
    error: str | None = None


class Painting:
    """A process that paints.

    Parameters
    ----------
    command : sequence of str
        What is run; the command line by default.
    machine : Machine
        What computes; the job names its own model.
    descriptors : sequence of int
        File descriptors that it inherits.
    folder : Path
        The job's folder, in which it runs.
    """

    def __init__(
        self,
        command: Sequence[str],
        machine: Machine,
        descriptors: Sequence[int],
        folder: Path,
    ) -> None:
        self._command, self._machine, self._descriptors = command, machine, descriptors
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._stopped = self._killed = False

    async def start(self, asked: Asked) -> None:
        """Start it: anew, or where its checkpoint says.

        Raises
        ------
        OSError
            No process can be started.
        """
        more = self._beginning(asked)
        every = KEEP_EVERY if _is_small(asked) else KEEP_LARGE_EVERY
        watched = ("--preview", PREVIEW, "--trace", TRACE, "--checkpoint", every, "--quiet")
        with (self._folder / MESSAGES).open("wb") as messages:
            self._process = await asyncio.create_subprocess_exec(
                *(*self._command, *more, *watched),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=messages,
                cwd=self._folder,
                env=_environment(),
                **self._system(),
            )
        _give_way(self._process.pid)
        if self._killed:
            self.kill()
        elif self._stopped:
            self.stop()

    def _beginning(self, asked: Asked) -> list[str]:
        machine = replace(self._machine, model=asked.model)
        if (self._folder / CHECKPOINT).exists():
            return ["resume", CHECKPOINT, *_options_of(machine, OF_RESUME)]
        pictures = [asked.photo.file, *(each.file for each in asked.paintings)]
        options = [*arguments(asked.options), *_options_of(machine, OF_RUN)]
        return ["run", *pictures, "-o", PICTURE, *options]

    def _system(self) -> dict[str, Any]:
        """Return what each system needs, so that Ctrl-C in a terminal ends the studio alone."""
        if sys.platform == "win32":
            lower, group = (
                subprocess.BELOW_NORMAL_PRIORITY_CLASS,
                subprocess.CREATE_NEW_PROCESS_GROUP,
            )
            return {"creationflags": lower | group}
        return {"start_new_session": True, "pass_fds": tuple(self._descriptors)}

    def stop(self) -> None:
        """Let it save what there is, and end."""
        self._stopped = True
        if self._process and self._process.stdin:
            self._process.stdin.close()

    def kill(self) -> None:
        """End it at once; what it made since its last checkpoint is lost."""
        self._killed = True
        if self._process:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def ended(self, seconds: float) -> bool:
        """Wait so long for its end at most; tell whether it came."""
        assert self._process
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), seconds)
            return True
        return False

    @property
    def outcome(self) -> Outcome:
        """What became of it."""
        assert self._process
        self.stop()  # closes the pipe
        code = self._process.returncode
        if code == 0:
            return Outcome("done")
        if self._killed or (code in INTERRUPTED and not self._error()):
            return Outcome("done" if is_finished(self._folder) else "stopped")
        return Outcome("failed", self._error() or _told_of(code))

    def _error(self) -> str | None:
        """Return what it complained of."""
        with suppress(OSError):
            text = (self._folder / MESSAGES).read_bytes()[-LONGEST:].decode(errors="replace")
            lines = [line for line in text.splitlines() if line.startswith(ERROR)]
            if lines:
                return lines[-1].removeprefix(ERROR).strip().replace(f"{self._folder}{os.sep}", "")
        return None


def is_finished(folder: Path) -> bool:
    """Tell whether a job's picture is the last one, by its recipe, and nothing is left to do."""
    if (folder / CHECKPOINT).exists():
        return False
    try:
        return read_recipe(folder / PICTURE).finished
    except ImageError:
        return False


ERROR = "Error:"
"""How the command line begins the line that tells of one."""
INTERRUPTED = {130, 143}
"""Its exit codes after SIGINT and SIGTERM."""


def _options_of(machine: Machine, names: Sequence[str]) -> list[str]:
    """Return options that say where to compute."""
    told = {name: getattr(machine, name) for name in names}
    single = [f"--{name}={value}" for name, value in told.items() if value is not None]
    more = machine.provider_options.items()
    return [*single, *(f"--provider-option={key}={value}" for key, value in more)]


def _is_small(asked: Asked) -> bool:
    return all(stage.width * stage.height <= LARGE for stage in asked.stages)


def _environment() -> Mapping[str, str]:
    """Return the environment without variables that stand for options: a job names its own."""
    known = [*settings_of(Options).values(), *settings_of(Machine).values()]
    options = {"STYLIZE_PRESET", *(setting.variable for setting, _ in known)}
    kept = {name: value for name, value in os.environ.items() if name not in options}
    return {**kept, **TETHER}


def _give_way(process: int) -> None:
    if hasattr(os, "setpriority"):
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process, NICENESS)


def _told_of(code: int | None) -> str:
    if code is not None and code < 0:
        return (
            f"The process that painted was killed by signal {-code}, perhaps since memory ran out. "
            "Go on with it, or choose a smaller size."
        )
    return f"The process that painted ended with exit code {code} and no word. Try it again."
