"""Images where the iteration holds them: copies of its own, or the arrays that it works on."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from stylize.models.errors import OptionError
from stylize.runtime.engine.tensors import Tensor, read

Array = npt.NDArray[np.float32]


class Held(Protocol):
    """An image that was found."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(1, 3, height, width)."""

    def read(self) -> Array:
        """Return the image in the CPU's memory; nothing is to be written to it."""

    def kept(self) -> "Held":
        """Return the image where no device can lose it."""


@dataclass(frozen=True)
class Kept:
    """A copy in the CPU's memory."""

    image: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """(1, 3, height, width)."""
        return self.image.shape

    def read(self) -> Array:
        """Return the image."""
        return self.image

    def kept(self) -> "Kept":
        """Return the same."""
        return self


@dataclass(frozen=True)
class Copied:
    """A copy in the memory of the provider."""

    tensor: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """(1, 3, height, width)."""
        return tuple(self.tensor.shape())

    def read(self) -> Array:
        """Return the image in the CPU's memory."""
        return read(self.tensor)

    def kept(self) -> Kept:
        """Return a copy in the CPU's memory."""
        return Kept(self.read())


class Holder(Protocol):
    """A search that holds a few images."""

    def image_of(self, iteration: int) -> Array | None:
        """Return the image that a step evaluated, counted from 1, unless it is gone."""

    @property
    def best_iteration(self) -> int:
        """The step that evaluated the best image, counted from 1."""


@dataclass(frozen=True)
class Borrowed:
    """One of the arrays of a search that is too large for copies: gone when the search needs it.

    Attributes
    ----------
    descent : Holder
        The search.
    iteration : int
        The step that evaluated the image.
    shape : tuple of int
        (1, 3, height, width).
    best : bool
        Whether it was the best so far. Then a better one takes its place.
    """

    descent: Holder
    iteration: int
    shape: tuple[int, ...]
    best: bool

    def read(self) -> Array:
        """Return the image.

        Raises
        ------
        OptionError
            It is gone.
        """
        found = self.descent.image_of(self.iteration)
        if found is None and self.best:
            found = self.descent.image_of(self.descent.best_iteration)
        if found is None:
            raise OptionError(
                "This image is gone: a picture of this size is held only until the next iterate. "
                "Read it before, or read the best one."
            )
        return found

    def kept(self) -> "Borrowed":
        """Return the same: the search holds it in the CPU's memory, where there is but one."""
        return self
