"""Those who compute one picture together, as the machine that wants it sees them."""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt
from distributed import Client, Future
from distributed.actor import Actor

from stylize.models.errors import ProviderError, StylizeError
from stylize.models.folder import ModelFolder
from stylize.runtime.cluster import travel
from stylize.runtime.cluster.job import Job
from stylize.runtime.cluster.mailbox import PartedError
from stylize.runtime.cluster.member import Member
from stylize.runtime.streaming.losses import with_own_rows
from stylize.runtime.streaming.shares import shares

Array = npt.NDArray[np.float32]

LOOK_AROUND = 2.0
"""Seconds between two looks at who is still there."""


class LostError(Exception):
    """A worker is gone, and what it knew."""

    @property
    def why(self) -> str:
        """What is known of the cause, to be put into a sentence."""
        return f" ({self.__cause__})" if self.__cause__ and str(self.__cause__) else ""


class Crew:
    """The members for one picture, each on a worker of its own.

    All methods raise LostError if a worker is gone, and else what a member raises.

    Attributes
    ----------
    shares : list of Share
        The rows of each.

    Parameters
    ----------
    client : Client
        Dask's client.
    workers : list of str
        The addresses of the workers; a low picture needs fewer.
    height : int
        Rows of what is computed.
    """

    def __init__(self, client: Client, workers: Sequence[str], height: int) -> None:
        self.shares = shares(height, len(workers))
        self._client = client
        self._workers = list(workers[: len(self.shares)])
        # As long as these are held, the actors live.
        self._futures = [
            client.submit(Member, actor=True, pure=False, workers=[worker])
            for worker in self._workers
        ]
        self._actors: list[Actor] = []
        self._folder: ModelFolder | None = None
        self._done([_awaited(each) for each in self._futures])
        with client.as_current():
            self._actors = [
                Actor(Member, worker, future.key)
                for worker, future in zip(self._workers, self._futures, strict=True)
            ]

    def join(self, job: Job, folder: ModelFolder) -> None:
        """Begin with a picture; whoever has not got its model gets it."""
        self._folder = folder
        having = self.all("has_model", job.model)
        if not all(having):
            files = travel.packed(folder)
            for number, has in enumerate(having):  # one after the other: they may share a disk
                if not has:
                    self.one(number, "take_model", job.model, files)
        members = list(zip(self._workers, [actor.key for actor in self._actors], strict=True))
        self.each("join", range(len(members)), members=members, job=job)

    def one(self, number: int, name: str, *given: Any) -> Any:
        """Let one member do something; return what comes of it."""
        return self._done([self._asked(number, name, *given)])[0]

    def all(self, name: str, *given: Any) -> list[Any]:
        """Let all members do the same with the same; return what comes of it."""
        return self._done([self._asked(n, name, *given) for n in range(len(self._actors))])

    def each(self, name: str, own: Iterable[Any], **given: Any) -> list[Any]:
        """Let all members do the same, each with something of its own."""
        return self._done([self._asked(n, name, one, **given) for n, one in enumerate(own)])

    def shared(self, image: Array) -> list[Array]:
        """Return each member's rows of an image, shape (1, channels, height, width)."""
        return [np.ascontiguousarray(image[:, :, share.rows]) for share in self.shares]

    def with_own_rows(self, given: Mapping[str, Array]) -> list[dict[str, Array]]:
        """Return for each member the same, but of weights of positions its own rows."""
        assert self._folder
        return [with_own_rows(given, share, self._folder) for share in self.shares]

    def put_together(self, name: str, *given: Any) -> Array | None:
        """Return an image of which each member gives its rows; None if one of them has none."""
        parts = self.all(name, *given)
        return None if any(part is None for part in parts) else np.concatenate(parts, axis=2)

    async def _asked(self, number: int, name: str, *given: Any, **named: Any) -> Any:
        """Ask a member to do something, in the thread where Dask's answers arrive."""
        where = f"On the worker {self._workers[number]}"
        try:
            do = getattr(self._actors[number], name)
        except RuntimeError as error:  # so Dask says that the worker is gone
            raise LostError from error
        try:
            return await do(*given, **named)
        except (OSError, PartedError) as error:
            raise LostError from error
        except StylizeError as error:
            raise type(error)(f"{where}: {error}") from error
        except MemoryError as error:
            raise ProviderError(
                f"{where}, memory ran out. Let pictures take less with --memory, or use a smaller "
                "--size."
            ) from error

    def _done(self, asked: Sequence[Awaitable[Any]]) -> list[Any]:
        """Wait for all.

        If one fails, or a worker is gone, no other member shall wait for it, either.
        """
        found: list[Any] = self._client.sync(self._waited, asked)
        return found

    async def _waited(self, asked: Sequence[Awaitable[Any]]) -> list[Any]:
        tasks = [asyncio.ensure_future(each) for each in asked]
        try:
            while True:
                done, pending = await asyncio.wait(
                    tasks, timeout=LOOK_AROUND, return_when=asyncio.FIRST_EXCEPTION
                )
                for each in done:
                    each.result()
                if not pending:
                    return [each.result() for each in tasks]
                if not await self._all_there():
                    raise LostError
        except BaseException:
            self._part()
            raise
        finally:
            for each in tasks:
                each.cancel()

    async def _all_there(self) -> bool:
        scheduler: Any = self._client.scheduler
        return set(self._workers) <= set(await scheduler.ncores())

    def _part(self) -> None:
        """Let no member wait for another any longer."""
        for actor in self._actors:
            with suppress(RuntimeError):  # its worker is gone
                actor.part()


async def _awaited(future: "Future[Member]") -> None:
    try:
        await future
    except (OSError, RuntimeError) as error:  # Dask's KilledWorker among them
        raise LostError from error
