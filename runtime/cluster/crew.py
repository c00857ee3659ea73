"""Those who compute one picture together, as the machine that wants it sees them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from distributed import Client

from stylize.models.folder import ModelFolder
from stylize.runtime.cluster.job import Job
from stylize.runtime.cluster.member import Member
from stylize.runtime.cluster.team import Team
from stylize.runtime.streaming.losses import with_own_rows
from stylize.runtime.streaming.shares import shares

Array = npt.NDArray[np.float32]


class Crew(Team):
    """The members for one picture, each on a worker of its own.

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
        self._folder: ModelFolder | None = None
        super().__init__(client, workers[: len(self.shares)], Member)

    def join(self, job: Job, folder: ModelFolder) -> None:
        """Begin with a picture; whoever has not got its model gets it."""
        self._folder = folder
        self.bring(job.model, folder)
        members = list(zip(self._workers, [actor.key for actor in self._actors], strict=True))
        self.each("join", range(len(members)), members=members, job=job)

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
