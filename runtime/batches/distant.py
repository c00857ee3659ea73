"""Pictures that workers of a cluster paint, each of them whole."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from stylize.models.errors import ImageError, ProviderError, StylizeError
from stylize.runtime.batches.keeping import KeptPictures
from stylize.runtime.batches.painter import Easel, Elsewhere, Order, Painter
from stylize.runtime.cluster.connection import Cluster
from stylize.runtime.cluster.job import Wanted
from stylize.runtime.cluster.team import LostError, Team
from stylize.runtime.cluster.travel import digest_of
from stylize.runtime.method.held import Kept
from stylize.runtime.method.iteration import Found, Iterate
from stylize.runtime.method.model import Model
from stylize.runtime.method.options import Options
from stylize.runtime.method.paintings import Painting
from stylize.runtime.method.preserved import NOTHING
from stylize.runtime.method.scene import Scene
from stylize.runtime.method.standing import NOBODY, Keeper, Snapshot
from stylize.runtime.pictures.colour import TO_SRGB, Conversion

Array = npt.NDArray[np.float32]
AnyFound = TypeVar("AnyFound", bound=Found)

ATTEMPTS = 5
"""How often the same picture is begun when workers are lost."""


class StudioError(ProviderError):
    """No worker is there, or one is of no use for any picture."""


class Studio:
    """A worker that paints one picture after the other; another, where it is lost.

    Parameters
    ----------
    cluster : Cluster
        The workers.
    number : int
        Which of them, counted from 0; others have other numbers.
    model : Model
        The model, its provider and its budget, as the worker shall have them.
    """

    def __init__(self, cluster: Cluster, number: int, model: Model) -> None:
        self._cluster = cluster
        self._number = number
        self._folder = model.folder
        budget = model.budget
        self._easel = Easel(
            digest_of(model.folder.path),
            Wanted.like(model.provider),
            budget.memory,
            budget.scratch,
            budget.spare,
        )
        self._team: Team | None = None

    def paint(self, order: Order) -> Iterator[Iterate]:
        """Let a picture be painted, and yield an iterate now and then.

        Its images are on the worker until they are looked at. When the worker is lost, another
        begins anew.

        Raises
        ------
        StudioError
            No worker is left, or the one that is found cannot paint.
        ProviderError
            One after the other is lost with this picture.
        """
        for _ in range(ATTEMPTS):
            try:
                yield from self._painted(order)
                return
            except LostError as error:  # nothing else of it, which would hold the team
                self._team, why = None, error.why
        raise ProviderError(
            f"Workers were lost {ATTEMPTS} times in a row{why}. They may have too little memory; "
            "--memory bounds what each takes."
        )

    def is_closed(self, error: Exception) -> bool:
        """Tell whether an error is that of all pictures, since nobody is here who paints."""
        return isinstance(error, StudioError)

    def _painted(self, order: Order) -> Iterator[Iterate]:
        team = self._team = self._team or self._gathered()
        team.one(0, "begin", order)
        while told := team.one(0, "go_on"):
            yield replace(_there(told, team), best=_there(told.best, team))

    def _gathered(self) -> Team:
        try:
            team = self._cluster.team(Painter, self._number)
            team.bring(self._easel.model, self._folder)
            team.one(0, "set_up", self._easel)
        except StylizeError as error:
            raise StudioError(str(error)) from error
        return team


@dataclass(frozen=True)
class _Distant:
    """An image on a worker."""

    team: Team
    iteration: int
    shape: tuple[int, ...]

    def read(self) -> Array:
        """Return the image.

        Raises
        ------
        ProviderError
            The worker is lost, or paints on already.
        """
        try:
            image: Array | None = self.team.one(0, "image", self.iteration)
        except LostError as error:
            raise ProviderError(f"The worker is lost, and its picture{error.why}.") from error
        if image is None:
            raise ProviderError("The worker has painted on, and this image is gone.")
        return image

    def kept(self) -> Kept:
        """Return the image in the memory of this machine."""
        return Kept(self.read())


def _there(found: AnyFound, team: Team) -> AnyFound:
    """Return what was found, with its image where that is."""
    if not isinstance(found.held, Elsewhere):
        return found
    return replace(found, held=_Distant(team, found.iteration, found.held.shape))


class DistantScene(Scene):
    """A scene whose pictures a worker paints.

    Parameters
    ----------
    studio : Studio
        What paints.
    model : Model
        The model, of which nothing is computed here.
    photo, painting : Path
        The files of the pictures.
    pictures : KeptPictures
        Opens them.
    conversion : Conversion
        How they are read.
    """

    def __init__(
        self,
        studio: Studio,
        model: Model,
        photo: Path,
        painting: Path,
        pictures: KeptPictures,
        conversion: Conversion = TO_SRGB,
    ) -> None:
        shown = Painting(pictures.open(painting, False, conversion))
        opened = pictures.open(photo, True, conversion)
        super().__init__(model, opened, shown, conversion=conversion)
        self._studio = studio
        self._files = photo, painting
        self._conversion = conversion

    def render(
        self,
        options: Options,
        every: int | None = None,
        keeper: Keeper = NOBODY,
        resumed: Snapshot | None = None,
    ) -> Iterator[Iterate]:
        """Let a worker make a picture; yield an Iterate now and then, the last one at any rate.

        See `Scene.render`. Nothing is kept, and all begins at the beginning.
        """
        self.check(options)
        photo, painting = map(_content, self._files)
        order = Order(photo, painting, options, self._conversion)
        return self._seen(self._studio.paint(order), options)

    def _seen(self, iterates: Iterator[Iterate], options: Options) -> Iterator[Iterate]:
        """Give iterates what their pictures have of the photo."""
        stages = {self.size(stage): stage for stage in self.stages(options)}
        size, preserved = (0, 0), NOTHING
        for iterate in iterates:
            if iterate.size != size:
                size, preserved = iterate.size, self._views.preserved(stages[iterate.size])
            best = replace(iterate.best, preserved=preserved)
            yield replace(iterate, preserved=preserved, best=best)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"'{path}' cannot be read: {error.strerror or error}.") from error
