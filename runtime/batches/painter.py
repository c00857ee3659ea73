"""What a worker of Dask does for a batch: an actor, which paints whole pictures one by one."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from stylize.runtime.batches.keeping import KeepingModel
from stylize.runtime.cluster.guest import Guest
from stylize.runtime.cluster.job import Wanted
from stylize.runtime.method.held import Held
from stylize.runtime.method.iteration import Found, Iterate
from stylize.runtime.method.options import Options
from stylize.runtime.method.preserved import NOTHING
from stylize.runtime.method.scene import Scene
from stylize.runtime.pictures.colour import Conversion
from stylize.runtime.streaming.plan import Budget

Array = npt.NDArray[np.float32]
AnyFound = TypeVar("AnyFound", bound=Found)

BETWEEN = 1.0
"""Seconds between two tellings of how far a picture is."""


@dataclass(frozen=True)
class Easel:
    """What paints.

    Attributes
    ----------
    model : str
        The digest of the model's manifest.
    provider : Wanted
        What computes.
    memory : int or None
        Bytes that a picture may take.
    scratch : Path or None
        A folder on each machine for what does not fit into its memory.
    spare : int or None
        Bytes that each worker can spare, since several may share a machine; None: not known.
    """

    model: str
    provider: Wanted
    memory: int | None
    scratch: Path | None
    spare: int | None


@dataclass(frozen=True)
class Order:
    """A picture that a worker is to paint.

    Attributes
    ----------
    photo, painting : bytes
        The pictures' files.
    options : Options
        All settings.
    conversion : Conversion
        How the files are read.
    """

    photo: bytes
    painting: bytes
    options: Options
    conversion: Conversion


@dataclass(frozen=True)
class Elsewhere:
    """An image that stays where it was found."""

    shape: tuple[int, ...]

    def read(self) -> Array:
        """Return nothing: it is not here."""
        raise AssertionError("an image of a worker is asked for by Painter.image")

    def kept(self) -> Held:
        """Return the same."""
        return self


class Painter(Guest):
    """One who paints pictures, and keeps graphs from one to the next."""

    def __init__(self) -> None:
        super().__init__()
        self._model: KeepingModel | None = None
        self._iterates: Iterator[Iterate] = iter(())
        self._whole = 0
        # Whoever asks for an image may ask for that of the iterate before.
        self._told = deque[dict[int, Held]](maxlen=2)

    def set_up(self, easel: Easel) -> None:
        """Get ready for pictures.

        Raises
        ------
        ModelError
            The model is gone.
        ProviderError
            This machine lacks the provider.
        """
        provider = easel.provider.found(self._worker.state.nthreads)
        budget = Budget(easel.memory, easel.scratch, easel.spare)
        self._model = KeepingModel(self.model(easel.model), provider, budget)

    def begin(self, order: Order) -> None:
        """Begin with a picture; raise what `Scene` raises."""
        assert self._model
        self._whole = order.options.iterations
        self._iterates = iter(())  # first, since two need twice the memory
        self._told.clear()
        photo, painting = order.photo, order.painting
        scene = Scene(self._model, photo, painting, conversion=order.conversion)
        self._iterates = scene.render(order.options)

    def go_on(self) -> Iterate | None:
        """Paint on for a moment; return the iterate, None at the end.

        Its images stay here, but for the best one of the last iterate.
        """
        begun, here = time.monotonic(), None
        while following := next(self._iterates, None):
            here = following
            if time.monotonic() - begun > BETWEEN:
                break
        if here is None:
            return None
        best = here.best.kept()
        last = best if best.iteration == here.iteration else here.kept()
        self._told.append({found.iteration: found.held for found in (last, best)})
        is_last = here.iteration + here.spared >= self._whole
        return replace(
            _without_image(here), best=_without_photo(best) if is_last else _without_image(best)
        )

    def image(self, iteration: int) -> Array | None:
        """Return an image of one of the last two iterates that were told; None if it is gone."""
        for told in self._told:
            if iteration in told:
                return told[iteration].read()
        return None


def _without_photo(found: AnyFound) -> AnyFound:
    """Return what was found without what it has of the photo, which is where it goes."""
    return replace(found, preserved=NOTHING)


def _without_image(found: AnyFound) -> AnyFound:
    return _without_photo(replace(found, held=Elsewhere(found.held.shape)))


def ready() -> None:
    """Do nothing: whoever can, has this release of stylize or a later one."""
