"""The desk: takes in what comes, looks at it, and puts it into the queue, within the limits."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from stylize.studio.errors import BusyError, NoSpaceError, RefusedError
from stylize.studio.fields import Menu
from stylize.studio.gallery import Asked, Gallery
from stylize.studio.inputs import ALLOWED, take
from stylize.studio.limits import FREE, Limits
from stylize.studio.planning import Planned, Planner, seconds_of
from stylize.studio.shapes import Plan, Question
from stylize.studio.uploads import Form, receive, too_large

SILENCE, SHORT_SILENCE = 60.0, 2.0
"""Seconds that a sender may say nothing before it is let go; the latter if it is refused."""

Result = TypeVar("Result")


class Desk:
    """Takes jobs in.

    Parameters
    ----------
    gallery : Gallery
        Where they go.
    planner : Planner
        Tells how they are to be painted.
    limits : Limits
        How much is taken.
    """

    def __init__(self, gallery: Gallery, planner: Planner, limits: Limits) -> None:
        self._gallery, self._planner, self._limits = gallery, planner, limits
        self.menu = Menu(limits.largest)
        self._coming: list[int] = []
        """Bytes of each job that is just being sent."""
        # One thread: reading files silences the whole process's stderr for a moment.
        self._aside = ThreadPoolExecutor(1, "looking")

    def close(self) -> None:
        """Take no more."""
        self._aside.shutdown(cancel_futures=True)

    async def take(self, type_: str, length: int | None, chunks: AsyncIterator[bytes]) -> str:
        """Take a job in, and return its id.

        Parameters
        ----------
        type_ : str
            The type of what comes, with its boundary.
        length : int or None
            How many bytes come; None if the sender does not say.
        chunks : async iterator of bytes
            What comes.

        Raises
        ------
        StylizeError
            It is not taken.
        """
        largest = self._limits.upload
        expected = largest if length is None else length
        try:
            if expected > largest:
                raise too_large(largest)
            self._check_room(expected)
        except RefusedError:
            await _let_pass(chunks, largest)
            raise
        folder = self._gallery.incoming()
        self._coming.append(expected)
        try:
            form = await receive(type_, _impatient(chunks), folder, ALLOWED, largest)
            asked = await self._run_aside(lambda: self._asked(form))
            return self._gallery.add(folder, asked)
        finally:
            self._coming.remove(expected)
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def plan(self, question: Question) -> Plan:
        """Tell what a picture would take.

        Raises
        ------
        StylizeError
            It cannot be made.
        """
        wish = self.menu.wish(question.options)

        def plan() -> Planned:
            return self._planner.plan(question.photo, question.paintings, wish.options)

        found = await self._run_aside(plan)
        last = found.stages[-1]
        return Plan(
            width=last.width,
            height=last.height,
            memory_bytes=found.memory,
            seconds=seconds_of(found.stages, self._gallery.paces(self._planner.machine)),
            provider=self._planner.provider.name,
            remarks=found.remarks,
        )

    def _asked(self, form: Form) -> Asked:
        """Look at what came; return what it asks for."""
        wish = self.menu.wish(form.texts)
        photo, paintings = take(form, self._limits.pixels * 1_000_000)
        sizes = [(each.width, each.height) for each in (photo, *paintings)]
        planned = self._planner.plan(sizes[0], sizes[1:], wish.options)
        model = str(self._planner.model)
        return Asked(model, photo, paintings, dict(wish.given), planned.stages)

    def _check_room(self, expected: int) -> None:
        """Raise a RefusedError if there is no room for one more job."""
        if self._gallery.queued() + len(self._coming) >= self._limits.queue:
            raise BusyError(
                f"{self._limits.queue} pictures wait already, and no more can. Send it again when "
                "some are done."
            )
        coming = expected + sum(self._coming)
        if self._gallery.bytes() + coming > self._limits.disk:
            raise NoSpaceError(
                f"The gallery has {self._limits.disk / 1e9:g} GB, and no more room. Remove "
                "pictures that you no longer need, or start the studio with a larger --disk."
            )
        if shutil.disk_usage(self._gallery.folder).free - coming < FREE:
            raise NoSpaceError(
                "The disk is nearly full. Remove pictures that you no longer need, or name a "
                "folder on another disk with --gallery."
            )

    async def _run_aside(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._aside, work)


async def _let_pass(chunks: AsyncIterator[bytes], most: int) -> None:
    """Take what comes and forget it: a browser that is still sending reads no answer."""
    with suppress(RefusedError):
        async for chunk in _impatient(chunks, SHORT_SILENCE):
            most -= len(chunk)
            if most < 0:
                return


async def _impatient(
    chunks: AsyncIterator[bytes], silence: float = SILENCE
) -> AsyncIterator[bytes]:
    """Yield what comes, as long as it does."""
    while True:
        try:
            chunk = await asyncio.wait_for(anext(chunks), silence)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise RefusedError("Nothing came for a minute. Send it again.", 408) from None
        yield chunk
