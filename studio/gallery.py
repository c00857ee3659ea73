"""The gallery: all jobs in a database, and the files of each in a folder of its own.

The process may be killed at any moment. A job's folder is renamed into its place before the
database tells of the job, so each job that is told of has its files. What else lies there is
removed at the next start.
"""

import re
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

import msgspec

from stylize.models.errors import StylizeError
from stylize.studio.alone import Alone
from stylize.studio.errors import NotThereError
from stylize.studio.shapes import Progress, Scalar, State

DATABASE, JOBS, COMING, GOING = "jobs.sqlite", "jobs", "incoming", "removed"
"""What lies in the folder."""

ID = re.compile("[0-9a-f]{32}")
"""What jobs and their folders are called. No other folder is ever removed."""

PRIVATE = 0o700
"""Permissions of folders that are made: photos are nobody else's business."""

FORMAT = 1
"""Of the database. A later one that this release would misread has a larger number."""

TABLES = """
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    turn INTEGER,           -- place in the queue, of jobs that wait
    created TEXT NOT NULL,
    started TEXT,
    finished TEXT,
    asked TEXT NOT NULL,    -- what was asked for, as JSON
    progress TEXT,          -- how far it is, as JSON
    error TEXT,
    bytes INTEGER NOT NULL
);
CREATE INDEX waiting ON jobs (turn) WHERE turn IS NOT NULL;
CREATE TABLE paces (
    machine TEXT NOT NULL,  -- model, provider and precision
    pixels INTEGER NOT NULL,
    seconds REAL NOT NULL,  -- of a step
    PRIMARY KEY (machine, pixels)
);
"""


class Upload(msgspec.Struct, frozen=True):
    """A picture in a job's folder."""

    name: str
    file: str
    type: str
    width: int
    height: int


class Stage(msgspec.Struct, frozen=True):
    """A scale in which a picture is painted."""

    width: int
    height: int
    iterations: int


class Asked(msgspec.Struct, frozen=True):
    """What was asked for; the model is the one that was there then, and stays."""

    model: str
    photo: Upload
    paintings: list[Upload]
    options: dict[str, Scalar]
    stages: list[Stage]


class Entry(msgspec.Struct, frozen=True):
    """A job, as the database has it."""

    number: int
    id: str
    state: State
    turn: int | None
    created: str
    started: str | None
    finished: str | None
    asked: Asked
    progress: Progress | None
    error: str | None
    bytes: int


def now() -> str:
    """Return the time, as the database and the API have it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Gallery:
    """All jobs and their files. It is used by one thread at a time.

    Parameters
    ----------
    folder : Path
        Where it lies; made if need be.

    Raises
    ------
    StylizeError
        Another studio works there, or nothing can be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with self._explained():
            for each in (folder, folder / JOBS, folder / COMING, folder / GOING):
                each.mkdir(PRIVATE, parents=True, exist_ok=True)
            self.lock = Alone(folder)
        try:
            with self._explained():
                self._database = _opened(folder / DATABASE)
                self._clear()
        except BaseException:
            self.lock.close()
            raise

    def close(self) -> None:
        """Give the folder back."""
        self._database.close()
        self.lock.close()

    # Jobs

    def incoming(self) -> Path:
        """Make a folder for the files of a job to come, and return it; its name is a new id."""
        folder = self.folder / COMING / token_hex(16)
        folder.mkdir(PRIVATE)
        return folder

    def add(self, coming: Path, asked: Asked) -> str:
        """Take a job whose files are there into the queue; return its id."""
        name = coming.name
        size = size_of(coming)
        folder = coming.rename(self.folder_of(name))
        try:
            with self._database as database:
                database.execute(
                    "INSERT INTO jobs (id, state, turn, created, asked, bytes) VALUES "
                    f"(?, 'queued', {NEXT_TURN}, ?, ?, ?)",
                    (name, now(), _json(asked), size),
                )
        except sqlite3.Error:  # a full disk, which is not to become fuller
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return name

    def get(self, name: str) -> Entry:
        """Return a job.

        Raises
        ------
        NotThereError
            There is none of this id.
        """
        for entry in self._select("WHERE id = ?", name):
            return entry
        raise NotThereError("There is no such job. It may have been removed.")

    def newest(self, limit: int, before: str | None = None) -> list[Entry]:
        """Return so many jobs, newest first, of those that are older than another."""
        if before is None:
            return list(self._select("ORDER BY number DESC LIMIT ?", limit))
        older = self.get(before).number
        return list(self._select("WHERE number < ? ORDER BY number DESC LIMIT ?", older, limit))

    def interrupted(self) -> list[Entry]:
        """Return the jobs that were painted when an earlier studio ended."""
        return list(self._select("WHERE state = 'running'"))

    def position(self, entry: Entry) -> int | None:
        """Return a job's place in the queue, from 1."""
        if entry.turn is None:
            return None
        return self._number("SELECT count(*) FROM jobs WHERE turn <= ?", entry.turn)

    def queued(self) -> int:
        """Return how many jobs wait."""
        return self._number("SELECT count(*) FROM jobs WHERE turn IS NOT NULL")

    def bytes(self) -> int:
        """Return how much all files of all jobs take."""
        return self._number("SELECT coalesce(sum(bytes), 0) FROM jobs")

    def claim(self) -> Entry | None:
        """Take the job whose turn it is out of the queue, to be painted; None if none waits."""
        with self._database as database:
            found = database.execute(
                "UPDATE jobs SET state = 'running', turn = NULL, started = ?, finished = NULL, "
                "error = NULL WHERE turn = (SELECT min(turn) FROM jobs) RETURNING *",
                (now(),),
            ).fetchall()
        return _entry(found[0]) if found else None

    def finish(
        self, name: str, state: State, progress: Progress | None, error: str | None = None
    ) -> None:
        """Write down what became of a job that was painted, or that waited."""
        with self._database as database:
            database.execute(
                "UPDATE jobs SET state = ?, turn = NULL, finished = ?, error = ?, bytes = ?, "
                "progress = coalesce(?, progress) WHERE id = ?",
                (
                    state,
                    now(),
                    error,
                    size_of(self.folder_of(name)),
                    _json(progress) if progress else None,
                    name,
                ),
            )

    def put_back(self, name: str) -> None:
        """Let a job wait again, behind all others."""
        with self._database as database:
            database.execute(
                f"UPDATE jobs SET state = 'queued', turn = {NEXT_TURN}, finished = NULL, "
                "error = NULL WHERE id = ?",
                (name,),
            )

    def remove(self, name: str) -> Path:
        """Forget a job; return the folder in which its files wait to be removed."""
        with self._database as database:
            database.execute("DELETE FROM jobs WHERE id = ?", (name,))
        gone = self.folder / GOING / name
        with suppress(OSError):
            self.folder_of(name).rename(gone)
        return gone

    def folder_of(self, name: str) -> Path:
        """Return the folder of a job's files."""
        return self.folder / JOBS / name

    # Paces

    def note_pace(self, machine: str, pixels: int, seconds: float) -> None:
        """Write down what a step of so many pixels took."""
        with self._database as database:
            database.execute(
                "INSERT OR REPLACE INTO paces VALUES (?, ?, ?)", (machine, pixels, seconds)
            )

    def paces(self, machine: str) -> Mapping[int, float]:
        """Return the seconds of a step by its pixels, as far as they were measured."""
        query = "SELECT pixels, seconds FROM paces WHERE machine = ?"
        return {row["pixels"]: row["seconds"] for row in self._database.execute(query, (machine,))}

    # The database

    def _select(self, which: str, *values: object) -> Iterator[Entry]:
        return map(_entry, self._database.execute(f"SELECT * FROM jobs {which}", values))

    def _number(self, query: str, *values: object) -> int:
        (number,) = self._database.execute(query, values).fetchone()
        return int(number)

    def _clear(self) -> None:
        """Remove what an earlier studio has left over: files of no job."""
        known = {row["id"] for row in self._database.execute("SELECT id FROM jobs")}
        for folder in (self.folder / each for each in (JOBS, COMING, GOING)):
            for each in folder.iterdir():
                if ID.fullmatch(each.name) and not (folder.name == JOBS and each.name in known):
                    shutil.rmtree(each, ignore_errors=True)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            reason = getattr(error, "strerror", None) or error
            raise StylizeError(
                f"The gallery '{self.folder}' cannot be used: {reason}. Check that you may write "
                "there, or name another folder with --gallery."
            ) from error


NEXT_TURN = "(SELECT coalesce(max(turn), 0) + 1 FROM jobs)"


def size_of(folder: Path) -> int:
    """Return how many bytes the files of a folder have."""
    sizes = 0
    with suppress(OSError):
        for each in folder.iterdir():
            with suppress(OSError):  # one that is just being replaced
                sizes += each.stat().st_size
    return sizes


def _opened(path: Path) -> sqlite3.Connection:
    """Open the database, and make what is missing."""
    path.touch(0o600)
    database = sqlite3.connect(path, isolation_level="IMMEDIATE", check_same_thread=False)
    database.row_factory = sqlite3.Row
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    (found,) = database.execute("PRAGMA user_version").fetchone()
    if found > FORMAT:
        raise StylizeError(
            f"The gallery '{path.parent}' is of a later release of stylize. Update this one, or "
            "name another folder with --gallery."
        )
    if not found:
        database.executescript(f"BEGIN; {TABLES} PRAGMA user_version = {FORMAT}; COMMIT;")
    return database


def _entry(row: sqlite3.Row) -> Entry:
    told = dict(row)
    told["asked"] = msgspec.json.decode(told["asked"])
    told["progress"] = told["progress"] and msgspec.json.decode(told["progress"])
    return msgspec.convert(told, Entry)


def _json(value: msgspec.Struct) -> str:
    return msgspec.json.encode(value).decode()
