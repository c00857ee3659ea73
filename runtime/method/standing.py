"""How far a picture is: all that the rest of it depends on, beside what it is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy.typing as npt


@dataclass(frozen=True)
class Standing:
    """How far a picture is, in numbers.

    Attributes
    ----------
    every : int
        One in so many iterates is given, and looked at to find out whether the loss has settled.
    spare : int or None
        Bytes of memory that were free at the beginning, which decided whether there are tiles.
    scale : int
        The scale, counted from 0 at the coarsest.
    iterations, spared : int
        How many iterations were made before this scale, and how many were not needed.
    step : int
        The steps that were made at this scale.
    lowest : tuple of (int, float)
        The steps that are looked back at, each with the lowest loss up to it; see `Settling`.
    seconds : float
        Seconds since the first iteration began.
    """

    every: int = 1
    spare: int | None = None
    scale: int = 0
    iterations: int = 0
    spared: int = 0
    step: int = 0
    lowest: tuple[tuple[int, float], ...] = ()
    seconds: float = 0.0

    @property
    def made(self) -> int:
        """How many iterations were made."""
        return self.iterations + self.step

    @property
    def progress(self) -> int:
        """How many iterations were made, or not needed."""
        return self.made + self.spared


BEGINNING = Standing()
"""Of a picture that nobody looks at but where it is made."""


@dataclass(frozen=True)
class Entry:
    """An array of a state, which is read when it is needed: all of them may not fit into memory.

    Attributes
    ----------
    shape : tuple of int
        Its shape.
    dtype : str
        The name of its type.
    read : function
        Returns the array, to which nothing is to be written.
    """

    shape: tuple[int, ...]
    dtype: str
    read: Callable[[], npt.NDArray[Any]]

    @classmethod
    def of(cls, array: npt.NDArray[Any]) -> "Entry":
        """Return an entry that is an array."""
        return cls(array.shape, str(array.dtype), lambda: array)


State = Mapping[str, Entry]
"""All that the next step of a search depends on, by name."""


@dataclass(frozen=True)
class Snapshot:
    """A picture at some step.

    Attributes
    ----------
    standing : Standing
        How far it is.
    state : mapping of str to Entry
        The search. Before the first step of a scale it is ``best``, the image that the scale
        before found, and what Adam remembers, if that goes on.
    """

    standing: Standing
    state: State


Look = Callable[[], Snapshot | None]
"""Returns a snapshot; None where a step is half done, or none was made."""


def nothing_yet() -> None:
    """Return no snapshot."""


class Keeper(Protocol):
    """Keeps snapshots, from which another process can go on."""

    def watch(self, look: Look) -> None:
        """Take what gives a snapshot until the next call."""

    def after(self, iteration: int) -> None:
        """Keep a snapshot if it is time; so many iterations were made."""

    def interrupted(self) -> None:
        """Keep a snapshot, since the process is about to end."""


class Nobody:
    """Keeps nothing."""

    def watch(self, look: Look) -> None:
        """Forget it."""

    def after(self, iteration: int) -> None:
        """Do nothing."""

    def interrupted(self) -> None:
        """Do nothing."""


NOBODY = Nobody()
