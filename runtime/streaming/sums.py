"""What follows from the sums over all tiles: the losses, and where the way back begins."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from stylize.models.folder import ModelFolder
from stylize.models.layers import LayerSet
from stylize.runtime.engine.program import Program
from stylize.runtime.engine.tensors import Memory, Slot
from stylize.runtime.providers.table import Provider
from stylize.runtime.streaming.storage import AnyArray

Array = npt.NDArray[np.float32]

SUMS = ("gram", "sum")
"""What is added up of responses, where there is a loss of style: Σ w F Fᵀ and Σ w F. Folders of
format 3 have the first alone."""


class Sums:
    """The graph of the losses, which is run for each region of the picture.

    Attributes
    ----------
    numbers : dict of str to float32 array
        ``total``, ``content_losses`` and ``style_losses``; the last has a row for each region.
    gradients : dict of str to float32 array
        ``gram_gradient.L`` and ``sum_gradient.L`` of all regions, which come first.
    moments : dict of str to float32 array
        ``style.L`` of all regions: what targets are made of.

    Parameters
    ----------
    folder : ModelFolder
        The model.
    layers : LayerSet
        The layers that have a loss.
    positions : mapping of str to int
        The positions of each layer of style.
    regions : int
        How many there are; 0 if the whole picture counts, with the same weight everywhere.
    host : Provider
        The CPU's.
    """

    def __init__(
        self,
        folder: ModelFolder,
        layers: LayerSet,
        positions: Mapping[str, int],
        regions: int,
        host: Provider,
    ) -> None:
        self._layers = layers
        self._regions = regions
        graph = Program(folder, folder.sums_graph(layers), {"height": 0, "width": 0}, host)
        memory = Memory(host)
        self._inputs, self._outputs = (
            {name: Slot(memory, shape) for name, shape in shapes.items()}
            for shapes in (graph.input_shapes, graph.output_shapes)
        )
        self._run = graph.bind(
            {name: slot.tensor for name, slot in self._inputs.items()},
            {name: slot.tensor for name, slot in self._outputs.items()},
        )
        for name, count in positions.items():
            self._set(f"positions.{name}", 1 if regions else count)  # of a region they are 1 in sum
        self._given: dict[str, Array] = {}
        self.numbers: dict[str, AnyArray] = {}
        self.gradients: dict[str, AnyArray] = {}
        self.moments: dict[str, AnyArray] = {}

    def put(self, given: Mapping[str, Array]) -> None:
        """Set targets and weights."""
        self._given |= {name: given[name] for name in self._inputs if name in given}

    def finish(self, sums: Mapping[str, npt.NDArray[np.float64]]) -> None:
        """Find the losses, given the sums over all tiles."""
        for number, layer in enumerate(self._layers.content):
            self._inputs["content_losses"].array[number] = sums[f"content_loss.{layer}"]
        found = [self._found(region, sums) for region in range(self._regions or 1)]
        joined = {name: np.stack([each[name] for each in found]) for name in self._outputs}
        self.gradients = {name: value for name, value in joined.items() if "_gradient." in name}
        self.moments = {name: value for name, value in joined.items() if name.startswith("style.")}
        self.numbers = {"total": joined["total"].sum(axis=0, dtype=np.float32)}
        if self._layers.content:
            self.numbers["content_losses"] = self._inputs["content_losses"].array.copy()
        if self._layers.style:
            losses = joined["style_losses"]
            self.numbers["style_losses"] = losses if self._regions else losses[0]

    def _found(
        self, region: int, sums: Mapping[str, npt.NDArray[np.float64]]
    ) -> dict[str, AnyArray]:
        """Return what comes out for one region."""
        for name, value in self._given.items():
            of_regions = self._regions and name.startswith("style_")
            self._set(name, value[region] if of_regions else value)
        for name, total in sums.items():
            if name.partition(".")[0] in SUMS:
                shape = self._inputs[name].array.shape
                self._set(name, total.reshape(-1, *shape)[region])
        if region and self._layers.content:  # the photo counts once
            self._set("content_weights", 0)
        self._run()
        return {name: slot.array.copy() for name, slot in self._outputs.items()}

    def _set(self, name: str, value: npt.ArrayLike) -> None:
        self._inputs[name].array[...] = value
