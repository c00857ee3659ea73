"""A picture whose rows are shared among machines, each of which answers for some of them.

What one machine does to its rows, all do at the same time to theirs. In between they tell each
other a few things: sums, and the rows next to their own. On one machine there is nobody to tell.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from stylize.runtime.streaming.strips import Strip, even

Array = npt.NDArray[Any]
Sums = Mapping[str, npt.NDArray[np.float64]]

GRAIN = 32
"""Shares begin at multiples of so many rows: then no pooling of VGG-19 looks across."""

LEAST = 128
"""Rows of a share at least. Whatever looks at neighbours looks at fewer, so that those are all on
the machine next to it."""


@dataclass(frozen=True)
class Share:
    """The rows of a picture that a machine answers for.

    Attributes
    ----------
    first, last : int
        The rows: from `first` up to `last`.
    height : int
        The rows of the whole picture.
    """

    first: int
    last: int
    height: int

    @property
    def rows(self) -> slice:
        """The rows, in the picture."""
        return slice(self.first, self.last)

    def of_map(self, stride: int, halo: int) -> Strip:
        """Return the rows of a map, with those around them that a computation looks at.

        Parameters
        ----------
        stride : int
            Rows of the picture for each of the map's.
        halo : int
            Rows on either side, but for the picture's borders.
        """
        height, first = self.height // stride, self.first // stride
        last = height if self.last == self.height else self.last // stride
        return Strip(max(first - even(halo), 0), min(last + even(halo), height), first, last)


def shares(height: int, count: int) -> list[Share]:
    """Cut a picture into shares as equal as can be, of which there may be fewer than asked for."""
    grains = height // GRAIN
    count = max(1, min(count, height // LEAST))
    cuts = [GRAIN * (grains * number // count) for number in range(count)]
    return [Share(*ends, height) for ends in zip(cuts, [*cuts[1:], height], strict=True)]


def largest_share(height: int, count: int) -> int:
    """Return the rows of the largest of these shares."""
    return max(share.last - share.first for share in shares(height, count))


class Others(Protocol):
    """Those who compute the other shares of a picture; all of them call the same methods."""

    def share(self, height: int) -> Share:
        """Return what is one's own of a picture of so many rows."""

    def total(self, sums: Sums) -> dict[str, npt.NDArray[np.float64]]:
        """Add up what each of them found."""

    def agreed(self, found: Mapping[str, Array]) -> dict[str, Array]:
        """Return what the first of them found, to the last bit."""

    def surround(self, array: Array, rows: Strip) -> None:
        """Set the rows around one's own, shape (1, channels, rows, columns), to what they are."""

    def add_up(self, array: Array, rows: Strip) -> None:
        """Add to one's own rows what others have found for them in their surroundings."""


class Alone:
    """Nobody else."""

    def share(self, height: int) -> Share:
        """Return all of it."""
        return Share(0, height, height)

    def total(self, sums: Sums) -> dict[str, npt.NDArray[np.float64]]:
        """Return the sums."""
        return dict(sums)

    def agreed(self, found: Mapping[str, Array]) -> dict[str, Array]:
        """Return what was found."""
        return dict(found)

    def surround(self, array: Array, rows: Strip) -> None:
        """Do nothing: there is nothing around it."""

    def add_up(self, array: Array, rows: Strip) -> None:
        """Do nothing."""


ALONE = Alone()


def surrounded(array: Array, rows: Strip, others: Others) -> Array:
    """Return one's own rows of an image with those around them: the same array if there are none.

    Parameters
    ----------
    array : float32 array, shape (1, channels, own rows, columns)
        The own rows.
    rows : Strip
        What is to be computed, and what of it is one's own.
    others : Others
        Those who have the rows around it.
    """
    if rows.rows == rows.owned:
        return array
    whole = np.zeros((*array.shape[:2], rows.end - rows.start, array.shape[3]), array.dtype)
    whole[:, :, rows.own] = array
    others.surround(whole, rows)
    return whole
