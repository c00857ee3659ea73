"""What happens to a job, as server-sent events: the newest state, as often as there is a new one.

Nothing is stored for a watcher. One that is slow sees fewer states, and always the last.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import msgspec

from stylize.studio.errors import NotThereError
from stylize.studio.shapes import Job, Preview
from stylize.studio.workshop import Workshop

QUIET = 15.0
"""Seconds after which a watcher is told that the connection lives; proxies close silent ones."""

ENDED = ("done", "failed", "stopped")


async def stream(workshop: Workshop, name: str) -> AsyncIterator[bytes]:
    """Yield events of a job until it ends, is removed, or the studio closes."""
    last: Job | None = None
    while not workshop.closed:
        bell = workshop.bell_of(name)
        try:
            job = workshop.told(workshop.gallery.get(name))
        except NotThereError:
            return
        for event in _changes(last, job):
            yield event
        if job.state in ENDED:
            return
        last = job
        while not bell.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(bell.wait(), QUIET)
                break
            yield b": still here\n\n"


def _changes(last: Job | None, job: Job) -> list[bytes]:
    """Return the events that tell what is new."""
    found = []
    if last is None or _state(last) != _state(job):
        found.append(_event("job", job))
    if job.progress and last and job.progress != last.progress:
        found.append(_event("progress", job.progress))
    if job.preview_version and last and job.preview_version != last.preview_version:
        found.append(_event("preview", Preview(job.preview_version)))
    if job.state in ENDED and found and not found[-1].startswith(b"event: job"):
        found.append(_event("job", job))
    return found


def _state(job: Job) -> tuple[object, ...]:
    return job.state, job.position, job.error, job.picture


def _event(kind: str, told: msgspec.Struct) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), msgspec.json.encode(told))
