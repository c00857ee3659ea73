"""How far a picture is, out of the trace that the process which paints it writes."""

import json
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from math import prod
from pathlib import Path
from statistics import median
from typing import Any

from stylize.studio.gallery import Stage
from stylize.studio.shapes import Progress

RECENT = 10
"""Steps whose mean tells how long the next ones take."""
POINTS = 500
"""Of the curve of losses, at most."""
AT_ONCE = 4 * 2**20
"""Bytes of a trace that are read at a time."""


class Trace:
    """The trace of a picture, read as it grows.

    Parameters
    ----------
    path : Path
        The file, which may not be there yet.
    stages : sequence of Stage
        The scales of the picture, from coarse to fine.
    """

    def __init__(self, path: Path, stages: Sequence[Stage]) -> None:
        self._path, self._stages = path, stages
        self._forget()

    def _forget(self) -> None:
        self._place, self._rest = 0, b""
        self._last: dict[str, Any] | None = None
        self._losses = Curve()
        self._steps: dict[tuple[int, int], deque[float]] = {}
        self._begun = 0
        """The iteration with which the last scale began."""

    def read(self) -> bool:
        """Read on; tell whether there was more."""
        before = self._last
        with suppress(OSError):
            if self._path.stat().st_size < self._place:
                self._forget()  # another run begins anew, or goes on from an earlier iteration
            with self._path.open("rb") as file:
                file.seek(self._place)
                while new := file.read(AT_ONCE):
                    self._place += len(new)
                    *lines, self._rest = (self._rest + new).split(b"\n")
                    for entry in _entries(lines):
                        self._take(entry)
        return self._last is not before

    @property
    def progress(self) -> Progress | None:
        """How far it is; None before the first iteration."""
        last = self._last
        if last is None:
            return None
        return Progress(
            iteration=last["iteration"],
            iterations=sum(stage.iterations for stage in self._stages),
            scale=self._scale + 1,
            scales=max(len(self._stages), 1),
            width=last["width"],
            height=last["height"],
            loss=last.get("total"),
            content_loss=last.get("content"),
            style_loss=last.get("style"),
            seconds=last["seconds"],
            left=self._left(),
        )

    @property
    def losses(self) -> list[tuple[int, float]]:
        """Some of the iterations with their losses, for a curve."""
        return self._losses.points

    def paces(self) -> Iterator[tuple[int, float]]:
        """Yield the pixels of each scale, and the seconds of a step there."""
        for size, steps in self._steps.items():
            if steps:
                yield prod(size), median(steps)

    def _take(self, entry: dict[str, Any]) -> None:
        last, size = self._last, (entry["width"], entry["height"])
        if last and entry["iteration"] <= last["iteration"]:
            return
        steps = self._steps.setdefault(size, deque(maxlen=RECENT))
        if last and size == (last["width"], last["height"]):
            steps.append(max(0.0, entry["seconds"] - last["seconds"]))
        else:
            self._begun = entry["iteration"] - 1
        if entry.get("total") is not None:
            self._losses.add(entry["iteration"], entry["total"])
        self._last = entry

    @property
    def _scale(self) -> int:
        """The number of the scale of the last entry, from 0."""
        if self._last is None:
            return 0
        size = self._last["width"], self._last["height"]
        sizes = [(stage.width, stage.height) for stage in self._stages]
        return sizes.index(size) if size in sizes else 0

    def _left(self) -> float | None:
        """Return the seconds to the end: a step takes as long as its picture has pixels."""
        last = self._last
        recent = self._steps[last["width"], last["height"]] if last else ()
        if not last or not recent or not self._stages:
            return None
        here, *later = self._stages[self._scale :]
        done = last["iteration"] - self._begun
        work = max(0, here.iterations - done) * here.width * here.height
        work += sum(stage.iterations * stage.width * stage.height for stage in later)
        each = sum(recent) / len(recent) / (last["width"] * last["height"])
        return round(work * each, 2)


class Curve:
    """Points of a curve, thinned so that there are never too many."""

    def __init__(self) -> None:
        self.points: list[tuple[int, float]] = []
        self._every = 1

    def add(self, iteration: int, loss: float) -> None:
        """Take a point, or leave it out."""
        if iteration % self._every:
            return
        self.points.append((iteration, loss))
        if len(self.points) > POINTS:
            self._every *= 2
            self.points = [point for point in self.points if point[0] % self._every == 0]


def _entries(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Yield what lines tell; what was just being written over is left out."""
    for line in lines:
        with suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict) and {"iteration", "seconds", "width", "height"} <= {*entry}:
                yield entry


def version_of(path: Path) -> int:
    """Return a number that is another one for each state of a file; 0 if there is none."""
    with suppress(OSError):
        return os.stat(path).st_mtime_ns // 1_000_000
    return 0
