"""``--checkpoint``: how far a picture is, in a file beside it, from which ``resume`` goes on."""

import os
import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from stylize.cli.showing.progress import Pace
from stylize.cli.signals import holding_signals
from stylize.cli.terminal import note
from stylize.models.errors import OptionError, StylizeError
from stylize.shell import quoted

if TYPE_CHECKING:
    from stylize.runtime import Model
    from stylize.runtime.engine.machine import Machine
    from stylize.runtime.method.options import Options
    from stylize.runtime.method.standing import Look, Snapshot, Standing
    from stylize.runtime.pictures.spaces import Space
    from stylize.runtime.plans.checkpoint import Checkpoint
    from stylize.runtime.plans.recipe import Recipe

ENDING = ".checkpoint"
"""What is put behind the name of a picture."""

LONG = 600.0
"""Seconds that a run takes of which checkpoints are kept unasked, and that lie between two."""
SELDOM = 100
"""Then the work takes at least so many times as long as keeping it."""

UNITS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True)
class Interval:
    """How often a checkpoint is written.

    Attributes
    ----------
    iterations : int or None
        After how many iterations.
    seconds : float or None
        After how many seconds.
    asked : bool
        Whether the user said so. Otherwise nothing is written of a run that will not take `LONG`.
    """

    iterations: int | None = None
    seconds: float | None = None
    asked: bool = True

    @property
    def never(self) -> bool:
        """Whether none is written."""
        return self.iterations is None and self.seconds is None


USUAL, NEVER = Interval(seconds=LONG, asked=False), Interval()


def parse_interval(text: str | None) -> Interval:
    """Return an interval that is written as ``50`` (iterations), ``90s``, ``10m``, ``2h``, ``off``.

    Raises
    ------
    OptionError
        It is none of these.
    """
    if text is None:
        return USUAL
    if text == "off":
        return NEVER
    match = re.fullmatch(r"([0-9]{1,9})([smh]?)", text, re.ASCII)
    if not match or not int(match[1]):
        raise OptionError(
            f"--checkpoint is '{text}'; write a number of iterations, as 50, or a time, as 90s, "
            "10m or 2h. Or 'off', for none."
        )
    amount, unit = int(match[1]), match[2]
    return Interval(seconds=amount * UNITS[unit]) if unit else Interval(iterations=amount)


class Keeping:
    """The checkpoint of one picture, and when it is written; it is removed when that is saved.

    Parameters
    ----------
    path : Path
        The file. If it is there and of another run, that stays, and this one gets a number.
    interval : Interval
        How often to write it.
    describe : function
        Returns what the file tells, given how far the picture is.
    pace : Pace
        Which part of the work iterations are.
    own : bool
        Whether the file that is there is the one that is gone on with.
    advice : function
        Says how to go on from the file; by default, with `resume`.
    say : function
        Prints a line, where it cannot be written.
    """

    def __init__(
        self,
        path: Path,
        interval: Interval,
        describe: "Callable[[Standing], Checkpoint]",
        pace: Pace,
        own: bool = False,
        advice: Callable[[Path], str] | None = None,
        say: Callable[[str], None] = note,
    ) -> None:
        self._path, self._own = path, own
        self._advice, self._say = advice or resuming(), say
        self._interval = interval
        self._describe, self._pace = describe, pace
        self._look: Look = lambda: None
        self._kept = 0
        self._failed = False
        self._due = time.monotonic() + (interval.seconds or 0)

    def watch(self, look: "Look") -> None:
        """Take what gives a snapshot until the next call."""
        self._look = look

    def after(self, iteration: int) -> None:
        """Write a snapshot if it is time; so many iterations were made."""
        count, seconds = self._interval.iterations, self._interval.seconds
        if count and iteration % count == 0:
            self._keep()
        elif seconds and time.monotonic() >= self._due:
            begun = time.monotonic()
            self._keep()
            now = time.monotonic()
            usual = 0 if self._interval.asked else SELDOM * (now - begun)
            self._due = now + max(seconds, usual)

    def interrupted(self) -> None:
        """Write a snapshot, since the process is about to end, unless little would be lost."""
        if not self._interval.never:
            with holding_signals(heed=False):
                self._write(worth=self._is_long)

    def tell(self, error: BaseException) -> None:
        """Note on an error how to go on, if that is possible."""
        if self._own and os.path.exists(self._path):
            error.add_note(self._advice(self._path))

    def remove(self) -> None:
        """Remove the file, since the picture is saved."""
        if self._own:
            with suppress(OSError):
                self._path.unlink()

    def _keep(self) -> None:
        with holding_signals():
            self._write()

    def _write(self, worth: "Callable[[Snapshot], bool]" = lambda _: True) -> None:
        try:
            snapshot = self._look()
            if snapshot and worth(snapshot):
                self._write_snapshot(snapshot)
        except (OSError, StylizeError) as error:
            if not self._failed:
                why = getattr(error, "strerror", None) or error
                self._say(
                    f"The checkpoint '{self._path}' cannot be written: {why}. An earlier one, if "
                    "there is one, stays."
                )
            self._failed = True

    def _write_snapshot(self, snapshot: "Snapshot") -> None:
        from stylize.runtime.pictures.replacing import numbered
        from stylize.runtime.plans.checkpoint import write_checkpoint

        checkpoint = self._describe(snapshot.standing)
        if snapshot.standing.progress == self._kept:
            return
        for path in [self._path] if self._own else numbered(self._path):
            try:
                write_checkpoint(path, checkpoint, snapshot.state, fresh=not self._own)
            except FileExistsError:
                continue
            self._path, self._own, self._kept = path, True, snapshot.standing.progress
            return

    def _is_long(self, snapshot: "Snapshot") -> bool:
        """Tell whether a run was to take long, or the user wants checkpoints of it, or has one."""
        if self._interval.asked or self._own:
            return True
        standing = snapshot.standing
        return standing.seconds > LONG * self._pace.part(standing.progress)


def resuming(*more: str) -> Callable[[Path], str]:
    """Return what says how to go on from a checkpoint: a command, with so much behind the file."""
    return lambda path: f"To go on: {quoted('stylize', 'resume', str(path), *more)}"


def describing(
    recipe: "Recipe",
    options: "Options",
    output: Path,
    named: bool,
    model: "Model",
    machine: "Machine",
    space: "Space",
    stop: int | None = None,
) -> "Callable[[Standing], Checkpoint]":
    """Return what describes a picture that is not finished, given how far it is; see `Checkpoint`.

    `options` are as they were asked for.
    """
    from stylize.runtime.plans.checkpoint import Checkpoint, manifest_of, onnxruntime_release
    from stylize.runtime.plans.recipe import printable

    manifest = manifest_of(model.folder)

    def describe(standing: "Standing") -> Checkpoint:
        return Checkpoint(
            recipe=recipe,
            options=replace(options, init=recipe.options.init),
            output=printable(output.name),
            named=named,
            manifest=manifest,
            onnxruntime=onnxruntime_release(),
            standing=standing,
            stop=stop,
            profile=space.profile if recipe.profile else None,
            threads=machine.threads,
            memory=machine.memory,
            scratch=printable(str(machine.scratch)) if machine.scratch else None,
        )

    return describe


def beside(output: Path) -> Path:
    """Return where the checkpoint of a picture lies."""
    from stylize.runtime.pictures.replacing import shortened

    return output.with_name(shortened(output.name) + ENDING)


def checkpoints_in(folder: Path) -> list[Path]:
    """Return the checkpoints in a folder, by their names."""
    with suppress(OSError):
        return [folder / name for name in os.listdir(folder) if name.endswith(ENDING)]
    return []


def all_beside(output: Path, checkpoints: Iterable[Path]) -> list[Path]:
    """Return those of some checkpoints that are called as a picture's, with a number or without."""
    usual = beside(output)
    mine = re.compile(rf"{re.escape(usual.stem)}(-[0-9]+)?{re.escape(usual.suffix)}")
    return sorted(path for path in checkpoints if mine.fullmatch(path.name))
