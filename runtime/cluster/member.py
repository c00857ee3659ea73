"""What a worker of Dask does for a picture that is shared: it keeps graphs, and a part of maps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from distributed.actor import Actor

from stylize.runtime.cluster.guest import Guest
from stylize.runtime.cluster.job import Job
from stylize.runtime.cluster.mailbox import Key, Mailbox, Message, PartedError
from stylize.runtime.cluster.post import Post, Sent
from stylize.runtime.streaming.descent import StreamedDescent
from stylize.runtime.streaming.picture import StreamedPicture

Array = npt.NDArray[np.float32]
Address = tuple[str, str]
"""The address of a worker, and the key of its actor."""


@dataclass(frozen=True)
class Told:
    """What a step came to; all members tell the same.

    Attributes
    ----------
    found : mapping of str to array
        The losses.
    iteration, best_iteration : int
        How many steps there were, and the one that evaluated the best image, counted from 1.
    best_total : float
        The loss of the best image, in the unit of the graphs.
    restarted, failed : bool
        See `stylize.runtime.streaming.descent.StreamedDescent`.
    """

    found: Mapping[str, Array]
    iteration: int
    best_iteration: int
    best_total: float
    restarted: bool
    failed: bool


class Member(Guest):
    """One of those who compute a picture."""

    def __init__(self) -> None:
        super().__init__()
        worker = self._worker
        key = worker.get_current_task()
        # Dask lets go of an actor when nobody holds it, but not of its thread.
        self._mailbox = Mailbox(lambda: key in worker.state.actors)
        self._post: Post | None = None
        self._picture: StreamedPicture | None = None
        self._descent: StreamedDescent | None = None

    def join(self, number: int, members: Sequence[Address], job: Job) -> None:
        """Begin with a picture, as one of several.

        Raises
        ------
        ProviderError
            This machine lacks the provider.
        """
        actors = [Actor(Member, *address, worker=self._worker) for address in members]

        def send(receiver: int, key: Key, message: Message) -> Sent:
            sent: Sent = actors[receiver].deliver(key, message)
            return sent

        folder = self.model(job.model)
        self._post = Post(number, len(members), send, self._mailbox)
        provider = job.provider.found(self._worker.state.nthreads)
        self._picture = StreamedPicture(
            folder, job.layers, job.size, job.plan, provider, job.scratch, self._post
        )

    async def deliver(self, key: Key, message: Message) -> None:
        """Take what another member sends."""
        self._mailbox.put(key, message)

    async def part(self) -> None:
        """Wait for nobody any longer: another member is gone, or has failed."""
        self._mailbox.close()

    def look_at(self, photo: Array) -> dict[str, float]:
        """Look at one's own rows of the photo; see `StreamedPicture.look_at`."""
        return self._joined.look_at(photo)

    def style_targets(self, painting: Array) -> dict[str, Array]:
        """Look at one's own rows of the painting; return the targets of all of it."""
        return self._joined.style_targets(painting)

    def put(self, given: Mapping[str, Array], tv_weight: float) -> None:
        """Set targets and weights: of the losses, of one's own positions, of the variation."""
        self._joined.put(given, tv_weight)

    def evaluate(self, image: Array) -> tuple[Mapping[str, Array], Array]:
        """Return the losses, and one's own rows of the gradient."""
        gradient = np.empty(image.shape, np.float32)
        self._joined.evaluate(np.array(image), gradient)
        return self._joined.found, gradient

    def begin(self, image: Array, given: Mapping[str, float]) -> None:
        """Begin a search at one's own rows of an image."""
        self._descent = None  # first, since two would need twice the memory
        self._descent = self._joined.descent(image, given)

    def step(self) -> Told:
        """Evaluate the image, and find the next."""
        self._search.step()
        return self.told()

    def told(self) -> Told:
        """Return what the last step came to."""
        search = self._search
        return Told(
            self._joined.found,
            search.iteration,
            search.best_iteration,
            search.best_total,
            search.restarted,
            search.failed,
        )

    def image_of(self, iteration: int) -> Array | None:
        """Return one's own rows of the image that a step evaluated; None if it is gone."""
        return self._search.image_of(iteration)

    def numbers(self) -> Mapping[str, Array]:
        """Return the numbers that the next step depends on."""
        return self._search.numbers

    def names(self) -> list[str]:
        """Return the names of the images that the next step depends on."""
        return list(self._search.state)

    def read(self, name: str) -> Array:
        """Return one's own rows of one of them."""
        return self._search.state[name].read()

    def resume(self, numbers: Mapping[str, Array]) -> None:
        """Go on from another search's numbers, whose images are to be written."""
        self._search.resume(numbers)

    def write(self, rows: tuple[str, Array]) -> None:
        """Set one's own rows of one of the images that the next step depends on, by its name."""
        name, image = rows
        self._search.state[name].write(image)

    def bytes_sent(self) -> int:
        """Return how many bytes of numbers were sent to other members."""
        return self._post.bytes_sent if self._post else 0

    @property
    def _joined(self) -> StreamedPicture:
        if self._picture is None:  # Dask has made this one anew, in the place of one that is lost
            raise PartedError
        return self._picture

    @property
    def _search(self) -> StreamedDescent:
        if self._descent is None:
            raise PartedError
        return self._descent
