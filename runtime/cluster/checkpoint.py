"""All that a search depends on, kept where no worker that is lost takes it along."""

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
import platformdirs

from stylize.models.errors import OptionError
from stylize.runtime.cluster.crew import Crew
from stylize.runtime.streaming.storage import KINDS, Storage

Array = npt.NDArray[np.float32]

SELDOM = 20
"""Work takes at least so many times as long as keeping it."""
LEAST = 120.0
"""Seconds of work that are worth it."""


def _cache() -> Path:
    folder = platformdirs.user_cache_path("stylize", appauthor=False)
    with suppress(OSError):  # then nothing is kept
        folder.mkdir(parents=True, exist_ok=True)
    return folder


class Checkpoint:
    """A search as it was after some step.

    Its images lie in files without names.

    Parameters
    ----------
    scratch : Path, optional
        The folder of the files; by default, the user's for caches, since that for temporary files
        may be memory.
    """

    def __init__(self, scratch: Path | None) -> None:
        self._folder = scratch or _cache()
        self._numbers: Mapping[str, Array] = {}
        self._images: dict[str, Array] = {}
        self._storage: Storage | None = None
        self._due = time.monotonic() + LEAST

    @property
    def is_due(self) -> bool:
        """Whether enough was done since the last one."""
        return time.monotonic() >= self._due

    @property
    def iteration(self) -> int:
        """The step after which the search was kept; 0 if it was not."""
        return int(self._numbers["iteration"]) if self._numbers else 0

    @property
    def best(self) -> Array | None:
        """The best image; None if there was none."""
        return self._images.get("best")

    def keep(self, crew: Crew, shape: tuple[int, ...]) -> None:
        """Keep a search as it is now, unless the disk is full; then the last one stays."""
        begun = time.monotonic()
        storage = Storage(self._folder, KINDS)
        try:
            found = {name: self._kept(crew, name, storage, shape) for name in crew.one(0, "names")}
        except OptionError:
            found = {}
        if found:
            self._numbers = crew.one(0, "numbers")
            self._images, self._storage = found, storage
        now = time.monotonic()
        self._due = now + max(LEAST, SELDOM * (now - begun))

    def restore(self, crew: Crew) -> None:
        """Let a crew, which has begun a search, go on from here."""
        if not self._numbers:
            return
        crew.all("resume", self._numbers)
        for name, image in self._images.items():
            crew.each("write", [(name, rows) for rows in crew.shared(image)])

    @staticmethod
    def _kept(crew: Crew, name: str, storage: Storage, shape: tuple[int, ...]) -> Array:
        image = storage.zeros("images", shape)
        for number, share in enumerate(crew.shares):
            image[:, :, share.rows] = crew.one(number, "read", name)
            storage.rest()
        return image
