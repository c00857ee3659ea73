"""Workers of Dask, on this machine or on others."""

import logging
import os
import platform
import time
import weakref
from collections import Counter
from collections.abc import Callable
from math import prod
from typing import TypeVar

from distributed import Client, LocalCluster

from stylize.models.errors import OptionError, ProviderError
from stylize.models.folder import ModelFolder
from stylize.runtime.cluster.crew import Crew
from stylize.runtime.cluster.guest import Guest
from stylize.runtime.cluster.job import Job
from stylize.runtime.cluster.team import Team
from stylize.runtime.engine.memory import HEADROOM, memory_available
from stylize.runtime.streaming.shares import shares

Found = TypeVar("Found")

PATIENCE = 30.0
"""Seconds in which there must be a worker: at the beginning, and when none is left."""
ANSWER = 10.0
"""Seconds in which a scheduler must answer."""
REPLACEMENT = 30.0
"""Seconds for another worker in the place of one that is lost, before the others go on alone."""
SMALL = 500_000
"""Pixels of a picture that one machine computes alone."""
GLANCE = 0.2
"""Seconds between two looks."""

PRELOAD = "stylize.runtime.cluster.preload"


class Cluster:
    """Workers that compute pictures.

    Attributes
    ----------
    count : int
        How many workers there were last time.
    close : function
        Ends the workers on this machine, and lets go of those on others.

    Parameters
    ----------
    where : str
        A number of workers on this machine, or the address of a scheduler that has some:
        ``tcp://HOST:8786``.

    Raises
    ------
    OptionError
        Nobody answers there.
    ProviderError
        There are no workers.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._own = _workers_here(int(where)) if where.isdecimal() else None
        self._client = _client(self._own or where)
        self.close = weakref.finalize(
            self, _close, self._client, self._own
        )  # at exit, at the latest
        self.count = 1
        self.count = len(self.workers())

    def workers_for(self, size: tuple[int, int]) -> int:
        """Return how many workers share a picture of a height and width; 0 if it is small.

        That of few pixels is faster on one machine, whole.
        """
        if prod(size) < SMALL:
            return 0
        return len(shares(size[0], len(self.workers())))

    def workers(self) -> list[str]:
        """Return the addresses of the workers; wait a while for as many as there were.

        Raises
        ------
        ProviderError
            There are none.
        """
        begun = time.monotonic()
        while True:
            found = self._present()
            waited = time.monotonic() - begun
            if len(found) >= self.count or (found and waited > REPLACEMENT):
                self.count = len(found)
                return found
            if waited > PATIENCE:
                raise ProviderError(
                    f"The cluster {self._where} has no workers. Start some: 'dask worker "
                    f"{self._where}' on each machine, where stylize is installed with its extra "
                    "'cluster'."
                )
            time.sleep(GLANCE)

    def _present(self) -> list[str]:
        try:
            return sorted(self._client.nthreads())
        except (OSError, RuntimeError) as error:
            raise ProviderError(
                f"The scheduler of the cluster {self._where} does not answer any more: {error}."
            ) from error

    def crew(self, job: Job, folder: ModelFolder) -> Crew:
        """Return those who compute a picture.

        Raises
        ------
        LostError
            A worker is gone.
        """
        crew = Crew(self._client, self.workers(), job.size[0])
        crew.join(job, folder)
        return crew

    def team(self, kind: type[Guest], number: int) -> Team:
        """Return an actor of a kind on a worker that has the fewest, of equals on the so-manyth.

        Raises
        ------
        LostError
            That is gone.
        ProviderError
            There are no workers.
        """
        workers = self.workers()
        first = number % len(workers)
        in_turn = [*workers[first:], *workers[:first]]
        busy = self._client.has_what(in_turn)
        worker = min(in_turn, key=lambda each: len(busy.get(each, ())))
        return Team(self._client, [worker], kind)

    @property
    def address(self) -> str:
        """Where other processes find the scheduler."""
        scheduler = self._client.scheduler
        assert scheduler
        return str(scheduler.address)

    def on_each(self, do: Callable[..., Found], *given: object) -> list[Found]:
        """Return what a function returns on each worker.

        Raises
        ------
        ProviderError
            A worker lacks stylize, or is lost.
        """
        try:
            return list(self._client.run(do, *given).values())
        except ImportError as error:
            raise ProviderError(
                f"A worker of the cluster {self._where} cannot run stylize: {error}. Install "
                "stylize there with its extra 'cluster', in the same version as here."
            ) from error
        except (OSError, RuntimeError, ValueError) as error:
            raise ProviderError(
                f"A worker of the cluster {self._where} does not answer: {error}. Try again."
            ) from error

    def memory_to_spare(self) -> int | None:
        """Return how many bytes each worker may take; None if nobody knows."""
        told = self.on_each(_memory_here)
        machines = Counter(name for name, _ in told)
        free = [int(HEADROOM * most / machines[name]) for name, most in told if most is not None]
        return min(free, default=None)


def _workers_here(count: int) -> LocalCluster:
    """Start workers on this machine, which share its CPUs."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return LocalCluster(
        n_workers=count,
        threads_per_worker=max((cpus or 1) // count, 1),
        processes=True,
        dashboard_address="127.0.0.1:0",  # there is always one
        memory_limit=None,  # plans see to that
        silence_logs=logging.CRITICAL,
        preload=[PRELOAD],
    )


def _client(where: LocalCluster | str) -> Client:
    # What is lost on the way is told of by us.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        return Client(where, timeout=ANSWER, direct_to_workers=True, set_as_default=False)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise OptionError(
            f"Nobody answers at '{where}': {' '.join(str(error).split())}. --cluster takes the "
            "address of a scheduler, tcp://HOST:8786, which 'dask scheduler' starts; or a number "
            "of workers on this machine."
        ) from error


def _close(client: Client, own: LocalCluster | None) -> None:
    client.close()
    if own:
        own.close()


def _memory_here() -> tuple[str, int | None]:
    """Return the name of this machine, and how many bytes it can give."""
    return platform.node(), memory_available()
