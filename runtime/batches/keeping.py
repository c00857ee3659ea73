"""A model and pictures that remember what was looked at, for many pictures of the same few."""

import os
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from stylize.models.folder import ModelFolder
from stylize.models.layers import LayerSet
from stylize.models.manifest import GraphFile
from stylize.runtime.engine.program import Program
from stylize.runtime.method.model import WHATEVER_FITS, Model
from stylize.runtime.pictures.colour import TO_SRGB, Conversion
from stylize.runtime.pictures.reading import Picture, open_picture
from stylize.runtime.pictures.transparency import Seen
from stylize.runtime.providers.table import Provider
from stylize.runtime.streaming.plan import Budget

if TYPE_CHECKING:
    from stylize.runtime.cluster.connection import Cluster

Array = npt.NDArray[np.float32]
Kept = TypeVar("Kept")

PICTURES = 64
"""Pictures that stay opened."""
VIEWS = 3
"""Sizes in which each is remembered: there is one for a scale."""
PAINTINGS = 64
"""Paintings whose targets are remembered; VGG-19's take 5 MB each."""
GRAPHS = 4
"""Graphs that stay loaded besides the gradient."""
SMALL = 512 * 512
"""Pixels up to which they do; for larger pictures, their memory may be needed."""


class KeepingModel(Model):
    """A model for many pictures: it looks at each painting once, and keeps small graphs loaded.

    Everything is computed as `Model` does, to the bit.
    """

    def __init__(
        self,
        folder: ModelFolder,
        provider: Provider,
        budget: Budget = WHATEVER_FITS,
        cluster: "Cluster | None" = None,
    ) -> None:
        super().__init__(folder, provider, budget, cluster)
        self._paintings = _Shelf[dict[str, Array]](PAINTINGS)
        self._graphs = _Shelf[Program](GRAPHS)

    def targets(self, image: Array, layers: LayerSet) -> dict[str, Array]:
        """Return what the losses compare with; see `Model.targets`."""
        if layers.content:  # a photo in the colours of a painting: no other pair has it
            return super().targets(image, layers)
        key = sha256(image.tobytes()).digest(), image.shape, layers
        return self._paintings.get(key, lambda: super(KeepingModel, self).targets(image, layers))

    def _program(self, graph: GraphFile, image: Array, provider: Provider) -> Program:
        def load() -> Program:
            return super(KeepingModel, self)._program(graph, image, provider)

        if prod(image.shape[2:]) > SMALL:
            return load()
        return self._graphs.get((graph.file, image.shape, provider.precision), load)


class KeptPictures:
    """The pictures that were opened last, of which each remembers how it was seen."""

    def __init__(self) -> None:
        self._opened = _Shelf[Picture](PICTURES)

    def open(self, path: Path, alpha: bool = False, conversion: Conversion = TO_SRGB) -> Picture:
        """Open a picture, unless it was opened before and its file has not changed; see
        `open_picture`.
        """

        def open_anew() -> Picture:
            found = open_picture(path, alpha, conversion)
            return _KeptPicture(found.source, found.name, found.size, alpha, conversion=conversion)

        with suppress(OSError, ValueError):
            status = os.stat(path)
            read = alpha, conversion.space.profile, conversion.range
            key = path, read, status.st_mtime_ns, status.st_size
            return self._opened.get(key, open_anew)
        return open_anew()


@dataclass(frozen=True, eq=False)
class _KeptPicture(Picture):
    """A picture that remembers its last small views."""

    views: "_Shelf[Seen]" = field(default_factory=lambda: _Shelf[Seen](VIEWS), init=False)

    def seen(self, size: tuple[int, int], cut: bool = False) -> Seen:
        def see() -> Seen:
            return super(_KeptPicture, self).seen(size, cut)

        return self.views.get((size, cut), see) if prod(size) <= SMALL else see()


class _Shelf(Generic[Kept]):
    """The things that were asked for last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[object, Kept] = OrderedDict()

    def get(self, key: object, make: Callable[[], Kept]) -> Kept:
        """Return what is kept, or make it."""
        if key not in self._kept:
            if len(self._kept) == self._most:
                self._kept.popitem(last=False)
            self._kept[key] = make()
        self._kept.move_to_end(key)
        return self._kept[key]
