"""A picture by tiles: what it is compared with, what is minimised, and the search for it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stylize.models.folder import ModelFolder
from stylize.models.layers import LayerSet
from stylize.runtime.providers.table import Provider, configure
from stylize.runtime.streaming.descent import OPTIMIZERS, StreamedDescent
from stylize.runtime.streaming.losses import StreamedLosses
from stylize.runtime.streaming.pieces import Pieces
from stylize.runtime.streaming.plan import Plan
from stylize.runtime.streaming.shares import ALONE, Others
from stylize.runtime.streaming.storage import Storage

Array = npt.NDArray[np.float32]


class StreamedPicture:
    """A picture by tiles, or the rows of it that one of several machines has.

    Attributes
    ----------
    shape : tuple of int
        The shape of images here: (1, 3, own rows, width).
    found : dict of str to array
        The losses at the image that was evaluated last, as the graphs told of them.

    Parameters
    ----------
    folder : ModelFolder
        The model.
    layers : LayerSet
        The layers of its gradient graph.
    size : tuple of int
        Height and width of the whole of what is computed.
    plan : Plan
        A plan with tiles.
    provider : Provider
        The provider that computes the tiles.
    scratch : Path, optional
        The folder for what the plan has on disk.
    others : Others
        Those who compute the other rows.
    """

    def __init__(
        self,
        folder: ModelFolder,
        layers: LayerSet,
        size: tuple[int, int],
        plan: Plan,
        provider: Provider,
        scratch: Path | None,
        others: Others = ALONE,
    ) -> None:
        assert plan.tile
        self._storage = storage = Storage(scratch, plan.on_disk)
        host = configure("cpu", threads=provider.threads)
        places = plan.history + 1  # one is free for the next
        self._optimizer = OPTIMIZERS[plan.optimizer]
        self._pieces = Pieces(folder, size, places, host, storage, others)
        self._losses = StreamedLosses(
            folder, layers, size, plan.tile, provider, host, storage, plan.regions, others
        )
        self._others = others
        self._tv_weight = np.zeros((), np.float32)
        self.shape = self._losses.shape
        self.found: dict[str, Array] = {}

    def look_at(self, photo: Array) -> dict[str, float]:
        """Look at a photo of this size, whose responses are what images are compared with.

        Returns
        -------
        dict of str to float
            The sum of squares of each target, ``content_target.L``, of the whole photo.
        """
        targets = self._losses.content_targets(photo)
        sum_of_squares = self._storage.sum_of_squares
        squares = {name: np.array(sum_of_squares(target)) for name, target in targets.items()}
        return {name: float(total) for name, total in self._others.total(squares).items()}

    def style_targets(
        self, painting: Array, guidance: Mapping[str, Array] | None = None
    ) -> dict[str, Array]:
        """Return ``style_target.L`` of a painting of this size, or of a part of it."""
        self._losses.put(guidance or {})
        return self._losses.style_targets(painting)

    def put(self, given: Mapping[str, Array], tv_weight: float) -> None:
        """Set the targets of style, and the weights of the losses and of the variation."""
        self._losses.put(given)
        self._tv_weight = np.array(tv_weight, np.float32)

    def evaluate(self, image: Array, gradient: Array) -> np.float32:
        """Return the total loss at an image, in the unit of the graphs, and write its gradient."""
        self._losses.evaluate(image, gradient)
        self.found = {name: value.copy() for name, value in self._losses.numbers.items()}
        if self._tv_weight:
            images = {"image": image, "other_gradient": gradient}
            numbers = {"tv_weight": self._tv_weight}
            self.found |= self._pieces.over_tiles(
                "variation.strip", images, numbers, ("gradient", gradient)
            )
            self.found["total"] += self._tv_weight * self.found["variation"]
        return np.float32(self.found["total"])

    def descent(self, image: Array, given: Mapping[str, float]) -> StreamedDescent:
        """Return a search from an image; the optimiser is given numbers at each step."""
        return StreamedDescent(self.evaluate, self._pieces, self._optimizer, image, given)
