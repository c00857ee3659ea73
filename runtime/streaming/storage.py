"""Where arrays of whole pictures lie between two tiles: in memory, or in a file on disk."""

import mmap
import os
import tempfile
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from stylize.models.errors import OptionError, about

Kind = Literal["history", "targets", "images", "maps"]
"""What arrays hold: steps that L-BFGS remembers; responses to the photo; images, gradients and what
else an optimiser has of each pixel; pooled maps and masks."""

KINDS: tuple[Kind, ...] = ("history", "targets", "images", "maps")
"""In the order in which they go to disk: what is read in one go, and takes most, goes first."""

AnyArray = npt.NDArray[Any]
Where = tuple[int | slice, ...]
"""A part of an array."""

MAP_DIMENSIONS = 4
"""Those of a map: 1, channels, height, width."""

PART = 2**20
"""Numbers that are looked at at a time."""

KEPT = 2**28
"""Bytes on disk that stay in memory from one tile to the next. Neighbours lie in the same pages;
to find a page again takes longer than to read it."""

LARGE = 2**30
"""Bytes on disk from which on both count: less is left to the system at once."""

CHANNELS_LAST: tuple[Kind, ...] = ("targets", "maps")
"""Of these, maps have many channels. On disk the channels of a position lie side by side, so that a
part of a map lies in few pages. Otherwise each row of each channel would begin in a page of its
own, and with each page that is read, Linux maps the fifteen around it."""

WAITING = 2**26
"""Bytes that wait to be written, as long as there are several arrays."""


class Storage:
    """Arrays of whole pictures, of which a tile or a piece is used at a time.

    Those on disk are mapped: they look like any others. Their files are gone when the process is,
    whatever ends it, since they have no names, or on Windows are deleted when they are closed.

    Parameters
    ----------
    folder : Path, optional
        The folder of the files on disk.
    on_disk : collection of Kind
        What lies there.
    """

    def __init__(self, folder: Path | None = None, on_disk: Collection[Kind] = ()) -> None:
        self._folder = folder
        self._on_disk = on_disk if folder else ()
        self._maps: dict[int, mmap.mmap] = {}
        self._rested = 0
        self._behind: deque[tuple[int, Future[None]]] = deque()
        self._writer = ThreadPoolExecutor(1, "stylize-disk") if self._on_disk else None

    def zeros(
        self, kind: Kind, shape: Sequence[int], dtype: npt.DTypeLike = np.float32
    ) -> AnyArray:
        """Return an array of zeros, in C order, but for maps on disk: see `CHANNELS_LAST`.

        Raises
        ------
        OptionError
            The disk is full, or nothing can be written to the folder.
        """
        if kind not in self._on_disk:
            return np.zeros(shape, dtype)
        count = prod(shape)
        size = max(count * np.dtype(dtype).itemsize, mmap.PAGESIZE)  # no file is empty
        mapped = _file(self._folder, size)
        numbers = np.frombuffer(mapped, dtype, count)
        self._maps[numbers.ctypes.data] = mapped
        if kind not in CHANNELS_LAST or len(shape) != MAP_DIMENSIONS:
            return numbers.reshape(shape)
        one, channels, height, width = shape
        return numbers.reshape(one, height, width, channels).transpose(0, 3, 1, 2)

    def add(self, array: AnyArray, where: Where, values: AnyArray) -> None:
        """Add values to a part of an array, or soon: nobody may look at it before `settle`.

        A disk that is slow is waited for in a thread, while the next tile is computed.
        """
        if self._writer is None or not self._is_large or array.ctypes.data not in self._maps:
            self.settle()  # in order
            array[where] += values
            return
        self.settle(but=max(WAITING - values.nbytes, 0))
        written = self._writer.submit(_add, array, where, values.copy())
        self._behind.append((values.nbytes, written))

    def settle(self, but: int = 0) -> None:
        """Wait until all is added, but for the last so many bytes."""
        while sum(size for size, _ in self._behind) > but:
            self._behind[0][1].result()
            self._behind.popleft()

    def clear(self, array: AnyArray) -> None:
        """Set an array to zeros, of which only a part is in memory at a time."""
        numbers = array.ravel(order="K")  # a view: no array here has gaps
        for start in range(0, len(numbers), PART):
            numbers[start : start + PART] = 0
            self.rest()

    def sum_of_squares(self, array: npt.NDArray[np.float32]) -> float:
        """Return the sum of squares of an array, of which only a part is in memory at a time."""
        return sum_of_squares(array, self.rest)

    def free(self, array: AnyArray) -> None:
        """Let go of an array; when nobody else holds it, its place on disk is free."""
        self._maps.pop(array.ctypes.data, None)

    @property
    def _is_large(self) -> bool:
        return sum(map(len, self._maps.values())) > LARGE

    def rest(self) -> None:
        """Leave what is on disk to the system, which keeps as much of it in memory as is free."""
        if not self._maps or not hasattr(mmap, "MADV_DONTNEED"):
            return
        mapped = _mapped_bytes() if self._is_large else None
        if mapped is None or mapped > self._rested + KEPT:
            for each in self._maps.values():
                each.madvise(mmap.MADV_DONTNEED)
            self._rested = _mapped_bytes() or 0


def sum_of_squares(
    array: npt.NDArray[np.float32], between: Callable[[], None] = lambda: None
) -> float:
    """Return the sum of squares, in double precision, without a copy of all of it.

    They are added in the order in which they lie in memory.

    `between` is called after each part.
    """
    total = 0.0
    flat = array.ravel(order="K")
    for start in range(0, flat.size, PART):
        total += float(np.square(flat[start : start + PART], dtype=np.float64).sum())
        between()
    return total


def _add(array: AnyArray, where: Where, values: AnyArray) -> None:
    array[where] += values


def _mapped_bytes() -> int | None:
    """Return the bytes of all files, programs too, in this process's memory; None: not known."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[2]) * mmap.PAGESIZE or None  # some sandboxes tell 0
    except OSError:  # not on Linux
        return None


@about("scratch")
def _file(folder: Path | None, size: int) -> mmap.mmap:
    try:
        with tempfile.TemporaryFile(dir=folder, prefix="stylize-") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)  # a full disk is found out here
            else:
                file.truncate(size)
            return mmap.mmap(file.fileno(), size)
    except OSError as error:
        raise OptionError(
            f"Cannot keep {size / 1e9:.1f} GB in '{folder}': {error.strerror or error}. Name "
            "another folder with --scratch, or use a smaller size."
        ) from error
