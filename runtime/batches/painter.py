"""What a worker of Dask does for a batch: an actor, which paints whole pictures one by one."""

import time
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
    """

    model: str
    provider: Wanted
    memory: int | None
    scratch: Path | None


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
        self._easel: tuple[Easel, KeepingModel] | None = None
        self._iterates: Iterator[Iterate] = iter(())
        self._last: Iterate | None = None

    def begin(self, easel: Easel, order: Order) -> None:
        """Begin with a picture.

        Raises
        ------
        StylizeError
            What `Scene` raises; or this machine lacks the provider.
        """
        self._iterates, self._last = iter(()), None  # first, since two need twice the memory
        model = self._model_of(easel)
        scene = Scene(model, order.photo, order.painting, conversion=order.conversion)
        self._iterates = scene.render(order.options)

    def go_on(self) -> Iterate | None:
        """Paint on for a moment; return the iterate, whose images stay here; None at the end."""
        begun, seen = time.monotonic(), False
        for iterate in self._iterates:
            self._last, seen = iterate, True
            if time.monotonic() - begun > BETWEEN:
                break
        return _told(self._last) if seen and self._last else None

    def image(self, iteration: int) -> Array | None:
        """Return an image of the last iterate, with its margin; None if it is another's."""
        last = self._last
        for found in (last, last.best) if last else ():
            if found.iteration == iteration:
                return found.held.read()
        return None

    def _model_of(self, easel: Easel) -> KeepingModel:
        if self._easel is None or self._easel[0] != easel:
            provider = easel.provider.found(self._worker.state.nthreads)
            budget = Budget(easel.memory, easel.scratch)
            self._easel = None
            self._easel = easel, KeepingModel(self._model(easel.model), provider, budget)
        return self._easel[1]


def _told(iterate: Iterate) -> Iterate:
    """Return an iterate without its images."""
    return replace(_bare(iterate), best=_bare(iterate.best))


def _bare(found: AnyFound) -> AnyFound:
    return replace(found, held=Elsewhere(found.held.shape), preserved=NOTHING)
