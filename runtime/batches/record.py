"""The record of a batch: what came of each pair, as lines of JSON in the folder of the results."""

import os
import platform
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from stylize.runtime.batches.claims import Claims

FILE = "batch.jsonl"
"""The name of the record."""

Outcome = Literal["made", "there", "failed", "interrupted"]
"""What came of a pair: its picture was made, was there already, failed, or was interrupted."""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Entry:
    """What came of a pair.

    Attributes
    ----------
    outcome : str
        See `Outcome`.
    photo, painting : str
        The files.
    output : str or None
        The picture, if there is one.
    iterations : int
        How many were made for it.
    seconds : float
        How long that took.
    error : str or None
        Why it failed.
    time : str
        When that was known, in UTC.
    machine, process : str, int
        The name of the machine and the number of the process that knew.
    """

    outcome: Outcome
    photo: str
    painting: str
    output: str | None = None
    iterations: int = 0
    seconds: float = 0.0
    error: str | None = None
    time: str = field(default_factory=_now)
    machine: str = field(default_factory=platform.node)
    process: int = field(default_factory=os.getpid)


@dataclass(frozen=True)
class News:
    """What is told of a pair.

    Attributes
    ----------
    number : int
        Its place in the batch.
    entry : Entry or None
        What came of it, if that is known.
    share : float
        How much of its picture is made by now.
    warning : str
        What is said of it.
    """

    number: int
    entry: Entry | None = None
    share: float = 0.0
    warning: str = ""


class Record:
    """The record in a folder, to which several processes may append at a time.

    Parameters
    ----------
    folder : Path
        The folder of the results.
    claims : Claims
        Those of this process.
    """

    def __init__(self, folder: Path, claims: Claims) -> None:
        self._path = folder / FILE
        self._claims = claims
        self._place = 0

    def write(self, entry: Entry) -> None:
        """Append an entry.

        What follows a line that was cut off, since its process was killed or the disk was full,
        begins another line.

        Raises
        ------
        OSError
            It cannot be written.
        """
        import msgspec

        line = msgspec.json.encode(entry) + b"\n"
        with self._claims.alone(), self._path.open("a+b", buffering=0) as file:
            if end := file.seek(0, os.SEEK_END):
                file.seek(end - 1)
                line = line if file.read(1) == b"\n" else b"\n" + line
            file.write(line)

    def news(self) -> list[Entry]:
        """Return the entries since the last look; what was cut off is left out."""
        import msgspec

        found = []
        try:
            with self._path.open("rb") as file:
                file.seek(self._place)
                lines = file.readlines()
        except OSError:
            return []
        if lines and not lines[-1].endswith(b"\n"):  # it may be being written
            lines.pop()
        self._place += sum(map(len, lines))
        for line in lines:
            with suppress(msgspec.MsgspecError):
                found.append(msgspec.json.decode(line, type=Entry))
        return found
