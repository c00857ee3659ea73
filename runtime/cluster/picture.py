"""A picture that several machines compute, each its share; from here it looks like any other.

What a worker knows is lost with it. Then all begin again together, with another in its place or
without it, from what was kept last, and do again what was done since.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from stylize.models.errors import ProviderError
from stylize.models.folder import ModelFolder
from stylize.models.layers import LayerSet
from stylize.runtime.cluster.checkpoint import Checkpoint
from stylize.runtime.cluster.connection import Cluster
from stylize.runtime.cluster.crew import Crew
from stylize.runtime.cluster.job import Job, Wanted
from stylize.runtime.cluster.member import Told
from stylize.runtime.cluster.team import LostError
from stylize.runtime.cluster.travel import digest_of
from stylize.runtime.providers.table import Provider
from stylize.runtime.streaming.plan import Plan

Array = npt.NDArray[np.float32]
Found = TypeVar("Found")

ATTEMPTS = 5
"""How often the same is begun with a new crew."""


class ClusterPicture:
    """A picture by tiles on several machines.

    It does what `stylize.runtime.streaming.picture.StreamedPicture` does.

    Attributes
    ----------
    shape : tuple of int
        The shape of an image.
    found : dict of str to array
        The losses at the image that was evaluated last, as the graphs told of them.

    Parameters
    ----------
    cluster : Cluster
        The workers.
    folder : ModelFolder
        The model.
    layers : LayerSet
        The layers of its gradient graph.
    size : tuple of int
        Height and width of what is computed.
    plan : Plan
        The plan of the largest share.
    provider : Provider
        One like it computes on each machine.
    scratch : Path, optional
        A folder on each machine for what does not fit.
    """

    def __init__(
        self,
        cluster: Cluster,
        folder: ModelFolder,
        layers: LayerSet,
        size: tuple[int, int],
        plan: Plan,
        provider: Provider,
        scratch: Path | None,
    ) -> None:
        self.shape = (1, 3, *size)
        self.found: Mapping[str, Array] = {}
        self.scratch = scratch
        self._cluster = cluster
        self._folder = folder
        self._job = Job(digest_of(folder.path), layers, size, plan, Wanted.like(provider), scratch)
        self._crew: Crew | None = None
        # What a new crew is told, in this order.
        self._photo: Array | None = None
        self._given: tuple[Mapping[str, Array], float] | None = None
        self._search: ClusterSearch | None = None

    def look_at(self, photo: Array) -> dict[str, float]:
        """Look at a photo of this size; return the sums of squares of its targets."""
        found = self.reliably(lambda crew: crew.each("look_at", crew.shared(photo)))
        self._photo = photo
        return found[0]

    def style_targets(
        self, painting: Array, guidance: Mapping[str, Array] | None = None
    ) -> dict[str, Array]:
        """Return ``style_target.L`` of a painting of this size, or of a part of it."""

        def look(crew: Crew) -> list[dict[str, Array]]:
            _put(crew, guidance or {}, 0.0)
            return crew.each("style_targets", crew.shared(painting))

        return self.reliably(look)[0]

    def put(self, given: Mapping[str, Array], tv_weight: float) -> None:
        """Set the targets of style, and the weights of the losses and of the variation."""
        self.reliably(lambda crew: _put(crew, given, tv_weight))
        self._given = given, tv_weight

    def evaluate(self, image: Array, gradient: Array) -> np.float32:
        """Return the total loss at an image, in the unit of the graphs, and write its gradient."""

        def evaluate(crew: Crew) -> None:
            answers = crew.each("evaluate", crew.shared(image))
            self.found = answers[0][0]
            for share, (_, rows) in zip(crew.shares, answers, strict=True):
                gradient[:, :, share.rows] = rows

        self.reliably(evaluate)
        return np.float32(self.found["total"])

    def descent(self, image: Array, given: Mapping[str, float]) -> "ClusterSearch":
        """Return a search from an image; the optimiser is given numbers at each step."""
        self._search = ClusterSearch(self, image, given)
        return self._search

    def reliably(self, do: Callable[[Crew], Found]) -> Found:
        """Do something; when a worker is lost, again with a new crew that knows as much.

        Raises
        ------
        ProviderError
            No worker is left.
        """
        for _ in range(ATTEMPTS):
            try:
                if self._crew is None:
                    self._crew = self._gathered()
                return do(self._crew)
            except LostError as error:  # nothing else of it, which would hold the crew
                self._crew, why = None, error.why
        raise ProviderError(
            f"Workers were lost {ATTEMPTS} times in a row{why}. They must reach each other, "
            "and have enough memory; --memory bounds what each takes."
        )

    @property
    def has_crew(self) -> bool:
        """Whether workers know of the picture now."""
        return self._crew is not None

    def bytes_sent(self) -> list[int]:
        """Return how many bytes of numbers each member has sent to others."""
        return self.reliably(lambda crew: crew.all("bytes_sent"))

    def finish(self) -> None:
        """Let go of the workers."""
        self._crew = self._photo = self._search = None

    def _gathered(self) -> Crew:
        crew = self._cluster.crew(self._job, self._folder)
        if self._photo is not None:
            crew.each("look_at", crew.shared(self._photo))
        if self._given:
            _put(crew, *self._given)
        if self._search:
            self._search.begin(crew)
        return crew


def _put(crew: Crew, given: Mapping[str, Array], tv_weight: float) -> None:
    """Give all members the same, but for what is of positions: of that, their own rows."""
    crew.each("put", crew.with_own_rows(given), tv_weight=tv_weight)


class ClusterSearch:
    """Steps downhill, which all members take together.

    It does what `stylize.runtime.streaming.descent.StreamedDescent` does.

    Parameters
    ----------
    picture : ClusterPicture
        What is minimised.
    image : float32 array, shape (1, 3, height, width)
        The image to begin with.
    given : mapping of str to float
        What the optimiser is given at each step.
    """

    def __init__(
        self,
        picture: ClusterPicture,
        image: Array,
        given: Mapping[str, float],
    ) -> None:
        self._picture = picture
        self._start = image, given
        self._checkpoint = Checkpoint(picture.scratch)
        self._told = Told({}, 0, 0, np.inf, restarted=False, failed=False)
        self._images: dict[int, Array] = {}
        self._finished = False
        picture.reliably(self.begin)

    def begin(self, crew: Crew) -> None:
        """Let a new crew come as far as this."""
        image, given = self._start
        crew.each("begin", crew.shared(image), given=given)
        self._checkpoint.restore(crew)
        for _ in range(self._checkpoint.iteration, self._told.iteration):
            crew.all("step")

    def step(self) -> None:
        """Evaluate the image, and find the next."""
        try:
            self._tell(self._picture.reliably(lambda crew: crew.all("step"))[0])
        except KeyboardInterrupt:  # they finish the step all the same
            if self._picture.has_crew:
                self._tell(self._picture.reliably(lambda crew: crew.one(0, "told")))
            raise
        if self._checkpoint.is_due:
            self._picture.reliably(lambda crew: self._checkpoint.keep(crew, self._picture.shape))

    def _tell(self, told: Told) -> None:
        self._told = told
        self._picture.found = told.found

    def finish(self) -> None:
        """Bring the images here, and let go of the workers; there will be no more steps."""
        if self._finished:
            return
        last = {self._told.iteration, self.best_iteration}
        found = {each: self._brought(each) for each in last if each}
        self._images = {each: image for each, image in found.items() if image is not None}
        self._finished = True
        self._picture.finish()

    def image_of(self, iteration: int) -> Array | None:
        """Return the image that a step evaluated, counted from 1, unless it is gone."""
        return self._images.get(iteration) if self._finished else self._brought(iteration)

    def _brought(self, iteration: int) -> Array | None:
        try:
            return self._picture.reliably(lambda crew: crew.put_together("image_of", iteration))
        except ProviderError:  # nobody is left
            if iteration != self.best_iteration:
                return None
            return self._start[0] if self._checkpoint.best is None else self._checkpoint.best

    @property
    def best_iteration(self) -> int:
        """The step that evaluated the best image, counted from 1."""
        return self._told.best_iteration

    @property
    def best_total(self) -> float:
        """The loss of the best image."""
        return self._told.best_total

    @property
    def restarted(self) -> bool:
        """Whether the loss exploded at the last step, so that the next begins at the best image."""
        return self._told.restarted

    @property
    def failed(self) -> bool:
        """Whether going on is of no use, since no step leads to a finite loss."""
        return self._told.failed
