"""The workshop: takes jobs out of the queue, one for each worker, and tells whoever watches.

All of it runs in one thread, that of the event loop. What takes long is a process (painting) or is
done in another thread (looking at pictures).
"""

import asyncio
import logging
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from stylize.runtime.engine.machine import Machine
from stylize.studio.errors import ConflictError
from stylize.studio.gallery import Entry, Gallery
from stylize.studio.painting import (
    CHECKPOINT,
    PICTURE,
    PREVIEW,
    TRACE,
    USUAL_COMMAND,
    Outcome,
    Painting,
    is_finished,
)
from stylize.studio.progress import Trace, version_of
from stylize.studio.shapes import Input, Job

LOOK_EVERY = 0.2
"""Seconds between two looks at what a process has written: so often watchers are told."""

PATIENCE = 120.0
"""Seconds that a process may take to save its picture when the studio ends; a step may be long."""

PAUSE = 5.0
"""Seconds after which a database that failed is tried again."""

log = logging.getLogger(__name__)


@dataclass
class Running:
    """A job that is painted.

    Attributes
    ----------
    painting : Painting
        The process.
    trace : Trace
        How far it is.
    preview : int
        The version of the picture so far.
    ended : Event
        Set when it is over.
    removed : bool
        Whether nothing of it is to be kept.
    """

    painting: Painting
    trace: Trace
    preview: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    removed: bool = False


class Workshop:
    """The queue at work.

    Parameters
    ----------
    gallery : Gallery
        All jobs.
    machine : str
        What measured times belong to.
    where : Machine
        What computes pictures; each job names its own model.
    command : sequence of str
        What paints.
    workers : int
        How many pictures are painted at a time: one for each device.
    """

    def __init__(
        self,
        gallery: Gallery,
        machine: str,
        where: Machine,
        command: Sequence[str] = USUAL_COMMAND,
        workers: int = 1,
    ) -> None:
        self.gallery = gallery
        self.machine = machine
        self._where, self._command = where, command
        self._workers = workers
        self._running: dict[str, Running] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._bell = asyncio.Event()
        self._bells: dict[str, asyncio.Event] = {}
        self.closed = False

    def start(self) -> None:
        """Begin to work; what was under way when an earlier studio ended is not begun again."""
        for entry in self.gallery.interrupted():
            folder = self.gallery.folder_of(entry.id)
            trace = Trace(folder / TRACE, entry.asked.stages)
            trace.read()
            self._finish(entry, trace, Outcome("done" if is_finished(folder) else "stopped"))
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._workers)]

    async def close(self) -> None:
        """Let all that are painted be saved, and end."""
        self.end_watching()
        for running in self._running.values():
            running.painting.stop()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=PATIENCE)
            self.hurry()
            if late:
                await asyncio.wait(late)

    def hurry(self) -> None:
        """End at once all that are painted."""
        for running in self._running.values():
            running.painting.kill()

    def end_watching(self) -> None:
        """Let whoever watches go: the studio is about to end."""
        self.closed = True
        self.ring()

    # What is asked for

    def stop(self, name: str) -> None:
        """Stop a job, and keep what there is.

        Raises
        ------
        NotThereError, ConflictError
            There is none, or it has ended.
        """
        entry = self.gallery.get(name)
        if running := self._running.get(name):
            running.painting.stop()
        elif entry.state == "queued":
            self.gallery.finish(name, "stopped", None)
            self.ring()
        else:
            raise ConflictError(f"The job is {entry.state} already, so it cannot be stopped.")

    def resume(self, name: str) -> None:
        """Put a job back into the queue.

        Raises
        ------
        NotThereError, ConflictError
            There is none, or it is not one that can be gone on with.
        """
        entry = self.gallery.get(name)
        if not _resumable(entry):
            raise ConflictError(f"The job is {entry.state}, so it cannot be gone on with.")
        self.gallery.put_back(name)
        self.ring()

    async def remove(self, name: str) -> None:
        """Remove a job and its files; one that is painted is ended first.

        Raises
        ------
        NotThereError
            There is none.
        """
        self.gallery.get(name)
        if running := self._running.get(name):
            running.removed = True
            running.painting.kill()
            await running.ended.wait()
        gone = self.gallery.remove(name)
        self.ring()
        self._bells.pop(name, None)
        await asyncio.to_thread(shutil.rmtree, gone, ignore_errors=True)

    @property
    def busy(self) -> int:
        """How many jobs are painted."""
        return len(self._running)

    def told(self, entry: Entry) -> Job:
        """Return a job as it is shown."""
        asked, running = entry.asked, self._running.get(entry.id)
        folder = self.gallery.folder_of(entry.id)
        progress = running.trace.progress if running else None
        version = version_of(newest(folder))
        return Job(
            id=entry.id,
            state=entry.state,
            position=self.gallery.position(entry),
            created=entry.created,
            started=entry.started,
            finished=entry.finished,
            photo=Input(asked.photo.name, asked.photo.width, asked.photo.height),
            paintings=[Input(each.name, each.width, each.height) for each in asked.paintings],
            options=asked.options,
            progress=progress or entry.progress,
            picture=bool(version),
            preview_version=version,
            error=entry.error,
            resumable=_resumable(entry),
        )

    def losses(self, entry: Entry) -> list[tuple[int, float]]:
        """Return the curve of a job's losses."""
        if running := self._running.get(entry.id):
            return running.trace.losses
        trace = Trace(self.gallery.folder_of(entry.id) / TRACE, entry.asked.stages)
        trace.read()
        return trace.losses

    # Watching

    def ring(self, name: str | None = None) -> None:
        """Tell whoever watches a job, or any, that something has changed."""
        if name is None:
            bells = [self._bell, *self._bells.values()]
            self._bell, self._bells = asyncio.Event(), {}
        else:
            bells = [bell] if (bell := self._bells.pop(name, None)) else []
        for bell in bells:
            bell.set()

    def bell_of(self, name: str) -> asyncio.Event:
        """Return what is set at the next change of a job; take it before looking at the job."""
        return self._bells.setdefault(name, asyncio.Event())

    # Work

    async def _work(self) -> None:
        while not self.closed:
            bell = self._bell
            try:
                entry = self.gallery.claim()
            except sqlite3.Error:  # a full disk, which may be mended
                log.exception("The queue")
                await asyncio.sleep(PAUSE)
                continue
            if entry:
                await self._take(entry)
            else:
                await bell.wait()

    async def _take(self, entry: Entry) -> None:
        """Paint a job, and write down what became of it, whatever happens."""
        folder = self.gallery.folder_of(entry.id)
        if not (folder / CHECKPOINT).exists():
            _unlink(folder / TRACE, folder / PREVIEW)  # of an earlier attempt
        running = Running(
            Painting(self._command, self._where, self.gallery.lock.descriptors, folder),
            Trace(folder / TRACE, entry.asked.stages),
        )
        self._running[entry.id] = running
        self.ring()
        try:
            outcome = await self._paint(entry, running)
        except Exception as error:  # one job must not end the others
            log.exception("Job %s", entry.id)
            running.painting.kill()
            reason = getattr(error, "strerror", None) or repr(error)
            outcome = Outcome("failed", f"It could not be painted: {reason}. Try it again.")
        while not running.removed and not self._finish(entry, running.trace, outcome):
            if self.closed:  # the next start finds the job, and marks it
                break
            await asyncio.sleep(PAUSE)
        del self._running[entry.id]
        running.ended.set()
        self.ring()

    async def _paint(self, entry: Entry, running: Running) -> Outcome:
        await running.painting.start(entry.asked)
        ended = False
        while not ended:
            ended = await running.painting.ended(LOOK_EVERY)
            self._look(entry, running)
        return running.painting.outcome

    def _look(self, entry: Entry, running: Running) -> None:
        """See what the process has written, and tell of it."""
        version = version_of(newest(self.gallery.folder_of(entry.id)))
        if running.trace.read() | (version != running.preview):
            running.preview = version
            self.ring(entry.id)

    def _finish(self, entry: Entry, trace: Trace, outcome: Outcome) -> bool:
        """Write down what became of a job; tell whether that could be written."""
        folder = self.gallery.folder_of(entry.id)
        if (folder / PICTURE).exists():
            _unlink(folder / PREVIEW)
        try:
            self.gallery.finish(entry.id, outcome.state, trace.progress, outcome.error)
            for pixels, seconds in trace.paces():
                self.gallery.note_pace(self.machine, pixels, seconds)
        except sqlite3.Error:  # a full disk, which may be mended
            log.exception("Job %s", entry.id)
            return False
        return True


def _resumable(entry: Entry) -> bool:
    """Tell whether a job can be gone on with: from its checkpoint, else from the beginning."""
    return entry.state in ("stopped", "failed")


def newest(folder: Path) -> Path:
    """Return the file of a job's picture: as it was saved, or so far, whichever is later."""
    return max(folder / PICTURE, folder / PREVIEW, key=version_of)


def _unlink(*paths: Path) -> None:
    for path in paths:
        with suppress(OSError):
            path.unlink()
