"""The losses and their gradient for pictures of any size, a tile after the other.

The losses see a picture only through sums over positions: Gram matrices, and squared differences.
So each block of the network is computed in tiles, exactly, and between two blocks only the pooled
map is kept whole. Upwards the sums are gathered. From these follow the losses, and the gradients by
the sums. Downwards each tile's gradient is added to that by the map below.
"""

from collections.abc import Callable, Mapping
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from stylize.models.folder import ModelFolder
from stylize.models.layers import LayerSet
from stylize.models.manifest import Block
from stylize.runtime.engine.program import Program
from stylize.runtime.engine.tensors import Memory, Slot
from stylize.runtime.providers.hardware import give_back_freed_memory
from stylize.runtime.providers.table import Provider
from stylize.runtime.streaming.storage import AnyArray, Storage
from stylize.runtime.streaming.strips import Tile, tiles
from stylize.runtime.streaming.turns import add_slots, bound

Array = npt.NDArray[np.float32]


class StreamedLosses:
    """The losses at an image, and the gradient of their weighted sum, by tiles.

    Images, maps and sums lie in the CPU's memory, or on disk, whatever the provider.

    Attributes
    ----------
    shape : tuple of int
        Shape of the image.
    numbers : dict of str to float32 array
        ``total``, ``content_losses`` and ``style_losses`` at the last image.

    Parameters
    ----------
    folder : ModelFolder
        The model.
    layers : LayerSet
        The layers that have a loss; there are graphs for exactly these.
    size : tuple of int
        Height and width of the image.
    tile : tuple of int
        Rows and columns of a map that a tile has, about. In each block it holds about as much.
    provider : Provider
        The provider that computes the tiles.
    host : Provider
        The CPU's.
    storage : Storage
        Where maps are kept.
    """

    def __init__(
        self,
        folder: ModelFolder,
        layers: LayerSet,
        size: tuple[int, int],
        tile: tuple[int, int],
        provider: Provider,
        host: Provider,
        storage: Storage,
    ) -> None:
        self.shape = (1, 3, *size)
        self._layers = layers
        self._storage = storage
        graph = folder.sums_graph(layers)
        self._sums = Program(folder, graph, {"height": 0, "width": 0}, host)
        self._blocks = [
            _Tiles(folder, block, size, tile, provider, storage) for block in folder.blocks(layers)
        ]
        memory = Memory(host)
        shapes = {**self._sums.input_shapes, **self._sums.output_shapes}
        slots = {name: Slot(memory, shape) for name, shape in shapes.items()}
        self._values = {name: slot.array for name, slot in slots.items()}
        self._finish = self._sums.bind(
            {name: slots[name].tensor for name in self._sums.input_shapes},
            {name: slots[name].tensor for name in self._sums.output_shapes},
        )
        for block in self._blocks:
            for name, positions in block.positions.items():
                self._values[f"positions.{name}"][...] = positions
        names = ("total", "content_losses", "style_losses")
        self.numbers = {name: self._values[name] for name in names if name in self._values}

    def put(self, given: Mapping[str, Array]) -> None:
        """Set targets and weights."""
        for name in self._sums.input_shapes.keys() & given.keys():
            self._values[name][...] = given[name]
        for block in self._blocks:
            block.targets = {name: given[name] for name in block.target_names if name in given}
            for name in block.layers.content:
                index = self._layers.content.index(name)
                block.content_weights[name] = given["content_weights"][index]

    def content_targets(self, photo: Array) -> dict[str, Array]:
        """Return F of a photo at the content layers: ``content_target.L``.

        They lie where the storage has targets.
        """
        found = {
            f"content_target.{name}": self._storage.zeros("targets", shape)
            for block in self._blocks
            for name, shape in block.content_shapes.items()
        }
        for block in self._blocks:
            block.targets = {name: found[name] for name in block.target_names}
        # Its distance from nothing is the response itself.
        self._seen(photo, lambda block, number: block.copy_differences(number, found))
        return found

    def style_targets(self, painting: Array) -> dict[str, Array]:
        """Return F Fᵀ / M of a painting at the style layers: ``style_target.L``."""
        self._seen(painting, lambda block, number: None)
        self._finish()
        return {
            f"style_target.{name}": self._values[f"style.{name}"].copy()
            for name in self._layers.style
        }

    def evaluate(self, image: Array, gradient: Array) -> None:
        """Find the losses at an image, and write their gradient."""
        maps = self._upwards(image, _Tiles.keep)
        self._finish()
        self._downwards(maps, gradient)

    def _seen(self, image: Array, see: "Callable[[_Tiles, int], None]") -> None:
        """Go upwards, and not back."""
        _, *maps = self._upwards(image, see)
        for each in maps:
            self._storage.free(each)

    def _upwards(self, image: Array, see: "Callable[[_Tiles, int], None]") -> list[Array]:
        """Gather the sums, and let each tile be seen; return the map below each block."""
        maps = [image]
        for block in self._blocks:
            above, sums = block.upwards(maps[-1], see)
            for name, total in sums.items():
                kind, _, layer = name.partition(".")
                if kind == "gram":
                    self._values[name][...] = total
                else:
                    self._values["content_losses"][self._layers.content.index(layer)] = total
            if above is not None:
                maps.append(above)
            give_back_freed_memory()
        return maps

    def _downwards(self, maps: list[Array], gradient: Array) -> None:
        above: Array | None = None
        for block in reversed(self._blocks):
            for name in block.layers.style:
                block.set(f"gram_gradient.{name}", self._values[f"gram_gradient.{name}"])
            below = maps.pop()
            found = self._storage.zeros("maps", below.shape) if maps else gradient
            if not maps:
                self._storage.clear(gradient)
            block.downwards(below, above, found)
            if above is not None:
                self._storage.free(above)
            if maps:
                self._storage.free(below)
            above = found
            give_back_freed_memory()


class _Tiles:
    """A block's graphs, and the tensors of one tile."""

    def __init__(
        self,
        folder: ModelFolder,
        block: Block,
        size: tuple[int, int],
        tile: tuple[int, int],
        provider: Provider,
        storage: Storage,
    ) -> None:
        stride = 2 ** (block.part.number - 1)
        self.height, self.width = (side // stride for side in size)
        self.layers = block.part.layers
        self.targets: Mapping[str, Array] = {}
        self.content_weights: dict[str, float] = {}
        self._storage = storage
        self._tiles = tiles((self.height, self.width), tile, folder.halo(block))
        height, width = self._tiles[0].rows.end, self._tiles[0].columns.end
        dimensions = {"height": height, "width": width}
        dimensions |= {"above_height": height // 2, "above_width": width // 2}
        self._load = partial(Program, folder, dimensions=dimensions, provider=provider.in_turns)
        self._block = block
        self._forwards = self._load(graph=block.forwards)
        self._slots: dict[str, Slot] = {}
        add_slots(self._slots, self._forwards)
        self._run_forwards = bound(self._forwards, self._slots)
        self._kept: dict[str, AnyArray] = {}

    @cached_property
    def _backwards(self) -> Program:
        """The graph back, which targets do without."""
        program = self._load(graph=self._block.backwards)
        add_slots(self._slots, program)
        return program

    @cached_property
    def _run_backwards(self) -> Callable[[bool], None]:
        return bound(self._backwards, self._slots)

    @property
    def target_names(self) -> list[str]:
        """The names of the content targets."""
        return [f"content_target.{name}" for name in self.layers.content]

    @property
    def content_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each content target of the whole picture."""
        sizes = {"own": (self.height, self.width), "own_above": (self.height // 2, self.width // 2)}
        return {
            name: (1, self._slots[f"difference.{name}"].array.shape[1], *sizes[_own(name)])
            for name in self.layers.content
        }

    @cached_property
    def positions(self) -> dict[str, int]:
        """The number of positions of each layer that has a style loss."""
        whole = {"own": self.height * self.width}
        whole["own_above"] = (self.height // 2) * (self.width // 2)
        return {name: whole[_own(name)] for name in self.layers.style}

    def set(self, name: str, value: npt.ArrayLike) -> None:
        """Set an input that is the same for all tiles."""
        self._slots[name].array[...] = value
        self._slots[name].send()

    def upwards(
        self, below: Array, see: "Callable[[_Tiles, int], None]"
    ) -> tuple[Array | None, dict[str, npt.NDArray[np.float64]]]:
        """Return the map above, if one is needed, and the sums over all tiles."""
        above: Array | None = None
        sums: dict[str, npt.NDArray[np.float64]] = {}
        for number, tile in enumerate(self._tiles):
            self._give(tile, below, self._forwards)
            self._run_forwards(tile is self._tiles[-1])
            for name in self._forwards.output_shapes:
                if name.startswith(("gram.", "content_loss.")):
                    part = self._slots[name].fetch().astype(np.float64)  # there may be many
                    sums[name] = sums[name] + part if name in sums else part
            see(self, number)
            if "above" in self._slots:
                part, pooled = self._slots["above"].fetch(), tile.pooled
                if above is None:
                    size = (self.height // 2, self.width // 2)
                    above = self._storage.zeros("maps", (1, part.shape[1], *size))
                above[:, :, *pooled.owned] = part[:, :, *pooled.own]
            self._storage.rest()
        return above, sums

    def downwards(self, below: Array, above: Array | None, found: Array) -> None:
        """Add the gradient by the map below to `found`, given that by the map above."""
        for name, weight in self.content_weights.items():
            self.set(f"content_weight.{name}", weight)
        for number, tile in reversed(list(enumerate(self._tiles))):
            self._give(tile, below, self._backwards)
            self._give_back(number)
            if above is not None:
                slot, pooled = self._slots["above_gradient"], tile.pooled
                slot.array[...] = 0
                slot.array[:, :, *pooled.own] = above[:, :, *pooled.owned]
                slot.send()
            self._run_backwards(tile is self._tiles[0])
            found[:, :, *tile.computed] += self._slots["below_gradient"].fetch()
            self._storage.rest()
        self._forget()

    def _give(self, tile: Tile, below: Array, program: Program) -> None:
        """Set what a graph takes of a tile."""
        for name in program.input_shapes:
            if name == "below":
                self.set(name, below[:, :, *tile.computed])
            elif name in self.targets:
                each = tile.pooled if _own(name) == "own_above" else tile
                self.set(name, self.targets[name][:, :, *each.computed])
            elif name in ("own", "own_above"):
                each = tile if name == "own" else tile.pooled
                self._slots[name].array[...] = 0
                self._slots[name].array[*each.own] = 1
                self._slots[name].send()

    def copy_differences(self, number: int, found: Mapping[str, Array]) -> None:
        """Copy the differences in a tile's own part to where they are in the whole picture."""
        tile = self._tiles[number]
        for name in self.layers.content:
            each = tile.pooled if _own(name) == "own_above" else tile
            part = self._slots[f"difference.{name}"].fetch()
            found[f"content_target.{name}"][:, :, *each.owned] = part[:, :, *each.own]

    def keep(self, number: int) -> None:
        """Keep what the way back needs of a tile; of masks, eight in a byte."""
        for name in self._forwards.output_shapes.keys() & self._backwards.input_shapes.keys():
            value = self._slots[name].fetch()
            packed = np.packbits(value) if value.dtype == np.bool_ else value
            if name not in self._kept:
                shape = (len(self._tiles), *packed.shape)
                self._kept[name] = self._storage.zeros("maps", shape, packed.dtype)
            self._kept[name][number] = packed

    def _give_back(self, number: int) -> None:
        for name, kept in self._kept.items():
            slot = self._slots[name]
            if slot.array.dtype == np.bool_:
                bits = np.unpackbits(kept[number], count=slot.array.size)
                slot.array[...] = bits.view(np.bool_).reshape(slot.array.shape)
            else:
                slot.array[...] = kept[number]
            slot.send()

    def _forget(self) -> None:
        while self._kept:
            self._storage.free(self._kept.popitem()[1])


def _own(name: str) -> str:
    """Return the name of the own rows of a layer, or of what is of a layer."""
    return "own_above" if name.rpartition(".")[2].startswith("pool") else "own"
