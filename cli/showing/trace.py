"""``--trace``: every iteration's losses as JSON lines, complete at any moment."""

import errno
import json
import math
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from stylize.models.errors import OptionError, StylizeError

if TYPE_CHECKING:
    from stylize.runtime import Iterate

BEGINNING = b'{"iteration": '
"""How a trace begins, by which it is known."""

Observer = Callable[["Iterate"], None]


def check_trace(path: Path) -> None:
    """Raise OptionError if a trace would have a picture's name, or replace what is no trace."""
    from stylize.runtime.pictures.saving import FORMATS

    if path.suffix.lower() in FORMATS:
        raise OptionError(
            f"The trace '{path}' is called as a picture is. It holds lines of JSON: name it "
            f"'{path.with_suffix('.jsonl')}', for example."
        )
    if os.path.isfile(path) and not _is_trace(path):
        raise OptionError(
            f"'{path}' is no trace, and would be lost. Name another file for the trace, or move "
            "that one away."
        )


def _is_trace(path: Path) -> bool:
    """Tell whether a file is empty, or begins as a trace does."""
    try:
        with path.open("rb") as file:
            return file.read(len(BEGINNING)) in (b"", BEGINNING)
    except OSError:
        return False


@contextmanager
def tracing(path: Path | None, after: int = 0) -> Iterator[Observer]:
    """Give a function that writes an iterate to the file, or does nothing without one.

    Lines that are there already stay up to an iteration, after which an earlier run is gone on
    with.
    """
    if path is None:
        yield lambda iterate: None
        return
    try:
        kept = _end_of(path, after) if after and os.path.isfile(path) else 0
        file = path.open("r+b" if kept else "wb", buffering=0)
    except OSError as error:
        raise OptionError(
            f"The trace '{path}' cannot be written: {error.strerror}. Name another file."
        ) from error
    with file:
        if kept:
            file.truncate(file.seek(kept))
        yield lambda iterate: _write_line(file, path, json.dumps(trace_entry(iterate)))


def _end_of(path: Path, last: int) -> int:
    """Return how many bytes of a trace are lines up to an iteration."""
    number = re.compile(re.escape(BEGINNING) + rb"([0-9]{1,18}),.*\n")
    end = 0
    with path.open("rb") as file:
        for line in file:
            match = number.fullmatch(line)
            if not match or int(match[1]) > last:
                break
            end += len(line)
    return end


def _write_line(file: FileIO, path: Path, text: str) -> None:
    """Write a line at once, as a whole or not at all.

    Raises
    ------
    StylizeError
        It cannot be written any more.
    """
    line = f"{text}\n".encode()
    try:
        written = file.write(line)
        if written != len(line):
            file.truncate(file.seek(-(written or 0), os.SEEK_CUR))
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        raise StylizeError(
            f"The trace '{path}' cannot be written any more: {error.strerror}. Name another file."
        ) from error


def trace_entry(iterate: "Iterate") -> dict[str, float | None]:
    """Return the iterate's number, its seconds since the first one began, size and losses.

    A loss that is NaN or infinite, which JSON does not know, is null. Where the search went back,
    ``restarted_from`` tells to which iteration.
    """
    entry: dict[str, float | None] = {
        "iteration": iterate.iteration,
        "seconds": round(iterate.seconds, 4),
        "width": iterate.size[0],
        "height": iterate.size[1],
    }
    entry |= {name: loss if math.isfinite(loss) else None for name, loss in iterate.losses.items()}
    if iterate.restarted_from is not None:
        entry["restarted_from"] = iterate.restarted_from
    return entry
