"""Actors on workers of Dask, as the machine that asks them sees them."""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from distributed import Client, Future
from distributed.actor import Actor

from stylize.models.errors import ProviderError, StylizeError
from stylize.models.folder import ModelFolder
from stylize.runtime.cluster import travel
from stylize.runtime.cluster.guest import Guest
from stylize.runtime.cluster.mailbox import PartedError

LOOK_AROUND = 2.0
"""Seconds between two looks at who is still there."""


class LostError(Exception):
    """A worker is gone, and what it knew."""

    @property
    def why(self) -> str:
        """What is known of the cause, to be put into a sentence."""
        return f" ({self.__cause__})" if self.__cause__ and str(self.__cause__) else ""


class Team:
    """Actors, each on a worker of its own.

    All methods raise LostError if a worker is gone, and else what an actor raises.

    Parameters
    ----------
    client : Client
        Dask's client.
    workers : list of str
        The addresses of the workers.
    kind : type
        The class of the actors.
    """

    def __init__(self, client: Client, workers: Sequence[str], kind: type[Guest]) -> None:
        self._client = client
        self._workers = list(workers)
        # As long as these are held, the actors live.
        self._futures = [
            client.submit(kind, actor=True, pure=False, workers=[worker])
            for worker in self._workers
        ]
        self._actors: list[Actor] = []
        self._done([_awaited(each) for each in self._futures])
        with client.as_current():
            self._actors = [
                Actor(kind, worker, future.key)
                for worker, future in zip(self._workers, self._futures, strict=True)
            ]

    def bring(self, digest: str, folder: ModelFolder) -> None:
        """Give a model to whoever has not got it."""
        having = self.all("has_model", digest)
        if not all(having):
            files = travel.packed(folder)
            for number, has in enumerate(having):  # one after the other: they may share a disk
                if not has:
                    self.one(number, "take_model", digest, files)

    def one(self, number: int, name: str, *given: Any) -> Any:
        """Let one actor do something; return what comes of it."""
        return self._done([self._asked(number, name, *given)])[0]

    def all(self, name: str, *given: Any) -> list[Any]:
        """Let all do the same with the same; return what comes of it."""
        return self._done([self._asked(n, name, *given) for n in range(len(self._actors))])

    def each(self, name: str, own: Iterable[Any], **given: Any) -> list[Any]:
        """Let all do the same, each with something of its own."""
        return self._done([self._asked(n, name, one, **given) for n, one in enumerate(own)])

    async def _asked(self, number: int, name: str, *given: Any, **named: Any) -> Any:
        """Ask an actor to do something, in the thread where Dask's answers arrive."""
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

        If one fails, or a worker is gone, no other actor shall wait for it, either.
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
        try:
            return scheduler is not None and set(self._workers) <= set(await scheduler.ncores())
        except (OSError, RuntimeError):  # there is no scheduler any more
            return False

    def _part(self) -> None:
        """Let none wait for another any longer."""
        for actor in self._actors:
            with suppress(RuntimeError):  # its worker is gone
                actor.part()


async def _awaited(future: "Future[Guest]") -> None:
    try:
        await future
    except (OSError, RuntimeError) as error:  # Dask's KilledWorker among them
        raise LostError from error
