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
from stylize.models.interface import GUIDANCE, REGIONS
from stylize.models.layers import LayerSet
from stylize.models.manifest import Block
from stylize.runtime.engine.program import Program
from stylize.runtime.engine.tensors import Slot
from stylize.runtime.providers.hardware import give_back_freed_memory
from stylize.runtime.providers.table import Provider
from stylize.runtime.streaming.shares import ALONE, Others, Share, surrounded
from stylize.runtime.streaming.storage import AnyArray, Storage
from stylize.runtime.streaming.strips import Strip, Tile, tiles
from stylize.runtime.streaming.sums import SUMS, Sums
from stylize.runtime.streaming.turns import add_slots, bound

Array = npt.NDArray[np.float32]
AddedUp = dict[str, npt.NDArray[np.float64]]
"""Sums over all tiles by their names."""


def with_own_rows(
    given: Mapping[str, Array], share: Share, folder: ModelFolder
) -> dict[str, Array]:
    """Return what is given to all, but of weights of positions the rows of a share."""
    strides = {f"{GUIDANCE}{layer.name}": layer.stride for layer in folder.manifest.layers}

    def own(name: str, value: Array) -> Array:
        if name not in strides:
            return value
        return np.ascontiguousarray(value[:, share.of_map(strides[name], halo=0).owned])

    return {name: own(name, value) for name, value in given.items()}


class StreamedLosses:
    """The losses at an image, and the gradient of their weighted sum, by tiles.

    Images, maps and sums lie in the CPU's memory, or on disk, whatever the provider.

    Attributes
    ----------
    shape : tuple of int
        Shape of the image; of several machines, each has its own rows of it.

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
    regions : int
        Parts of the image that have losses of style of their own; 0: there is one, of all of it.
    others : Others
        Those who compute the rest of the image.
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
        regions: int = 0,
        others: Others = ALONE,
    ) -> None:
        height, width = size
        share = others.share(height)
        self.shape = (1, 3, share.last - share.first, width)
        self._others = others
        self._layers = layers
        self._storage = storage
        blocks = folder.blocks(layers)
        rows = [share.of_map(_stride(block), folder.halo(block)) for block in blocks]
        self._blocks = [
            _Tiles(folder, block, size, tile, provider, storage, regions, own, above)
            for block, own, above in zip(blocks, rows, [*rows[1:], None], strict=True)
        ]
        positions = {
            name: count for block in self._blocks for name, count in block.positions.items()
        }
        self._sums = Sums(folder, layers, positions, regions, host)

    @property
    def numbers(self) -> dict[str, AnyArray]:
        """``total``, ``content_losses`` and ``style_losses`` at the last image."""
        return self._sums.numbers

    def put(self, given: Mapping[str, Array]) -> None:
        """Set targets and weights, and ``guidance.L``: the weights of one's own positions."""
        self._sums.put(given)
        for block in self._blocks:
            block.guide(given)
            targets = {name: given[name] for name in block.target_names if name in given}
            block.targets = {**block.targets, **targets}
            if "content_weights" in given:
                weights = zip(self._layers.content, given["content_weights"], strict=True)
                mine = block.layers.content
                block.content_weights = {name: each for name, each in weights if name in mine}

    def content_targets(self, photo: Array) -> dict[str, Array]:
        """Set and return F of a photo at the content layers: ``content_target.L``.

        They lie where the storage has targets. Of several machines, each has its own rows of them.
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
        """Return the moments of a painting at the style layers: ``style_target.L``."""
        self._sums.finish(self._seen(painting, lambda block, number: None))
        return {
            name.replace("style.", "style_target."): moments[0]
            for name, moments in self._sums.moments.items()
        }

    def evaluate(self, image: Array, gradient: Array) -> None:
        """Find the losses at an image, and write their gradient."""
        self._storage.settle()  # what an evaluation has left that was cut short
        for block in self._blocks:
            block.forget()
        maps, sums = self._upwards(image, _Tiles.keep)
        self._sums.finish(sums)
        self._downwards(maps, gradient)

    def _seen(self, image: Array, see: "Callable[[_Tiles, int], None]") -> AddedUp:
        """Go upwards, and not back; return the sums over all tiles."""
        (_, *maps), sums = self._upwards(image, see)
        for each in maps:
            self._storage.free(each)
        return sums

    def _upwards(
        self, image: Array, see: "Callable[[_Tiles, int], None]"
    ) -> tuple[list[Array], AddedUp]:
        """Let each tile be seen; return the map below each block, and the sums over all tiles."""
        maps = [surrounded(image, self._blocks[0].rows, self._others)]
        gathered: AddedUp = {}
        for block in self._blocks:
            above, sums = block.upwards(maps[-1], see)
            gathered |= sums
            if above is not None:
                self._others.surround(above, block.rows_above)
                maps.append(above)
            give_back_freed_memory()
        return maps, self._others.total(gathered)

    def _downwards(self, maps: list[Array], gradient: Array) -> None:
        above: Array | None = None
        for block in reversed(self._blocks):
            for name, value in self._sums.gradients.items():
                if name.partition("_gradient.")[2] in block.layers.style:
                    block.set(name, value)
            below = maps.pop()
            is_gradient = below.shape == gradient.shape and not maps
            found = gradient if is_gradient else self._storage.zeros("maps", below.shape)
            if is_gradient:
                self._storage.clear(gradient)
            block.downwards(below, above, found)
            self._others.add_up(found, block.rows)
            if above is not None:
                self._storage.free(above)
            if maps:
                self._storage.free(below)
            above = found
            give_back_freed_memory()
        if above is not None and above is not gradient:
            gradient[...] = above[:, :, self._blocks[0].rows.own]
            self._storage.free(above)


class _Tiles:
    """A block's graphs, and the tensors of one tile.

    Maps below it have the rows `rows`, and those above it `rows_above`.
    """

    def __init__(
        self,
        folder: ModelFolder,
        block: Block,
        size: tuple[int, int],
        tile: tuple[int, int],
        provider: Provider,
        storage: Storage,
        regions: int,
        rows: Strip,
        rows_above: Strip | None,
    ) -> None:
        self.height, self.width = (side // _stride(block) for side in size)
        self.rows = rows
        self.rows_above = rows_above or rows.pooled
        self.layers = block.part.layers
        self.targets: Mapping[str, Array] = {}
        self._guidance: dict[str, Array] = {}
        # Without guidance all of a picture counts; of regions, layers that nobody asked for do not.
        self._everywhere = 0 if regions else 1
        self.content_weights: dict[str, float] = {}
        self._storage = storage
        self._tiles = tiles(rows, self.width, tile, folder.halo(block))
        height, width = self._tiles[0].rows.end, self._tiles[0].columns.end
        dimensions = {"height": height, "width": width, REGIONS: regions or 1}
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
        """The shape of each content target, of all rows that are looked at."""
        return {
            name: (1, self._slots[f"difference.{name}"].array.shape[1], *self._sizes[_own(name)])
            for name in self.layers.content
        }

    @property
    def _sizes(self) -> dict[str, tuple[int, int]]:
        """Rows that are looked at, and columns, of the block's maps and of the one above it."""
        above = self.rows.pooled
        return {
            "own": (self.rows.end - self.rows.start, self.width),
            "own_above": (above.end - above.start, self.width // 2),
        }

    @cached_property
    def positions(self) -> dict[str, int]:
        """The number of positions of each layer that has a style loss."""
        whole = {"own": self.height * self.width}
        whole["own_above"] = (self.height // 2) * (self.width // 2)
        return {name: whole[_own(name)] for name in self.layers.style}

    def guide(self, given: Mapping[str, Array]) -> None:
        """Keep the weights of one's own positions, where targets are kept."""
        for layer in self.layers.style:
            if (name := f"{GUIDANCE}{layer}") in given:
                own = _own(layer)
                rows = self.rows if own == "own" else self.rows.pooled
                shape = len(given[name]), *self._sizes[own]
                self._guidance[name] = self._storage.zeros("targets", shape)
                self._guidance[name][:, rows.own] = given[name]

    def set(self, name: str, value: npt.ArrayLike) -> None:
        """Set an input that is the same for all tiles."""
        self._slots[name].array[...] = value
        self._slots[name].send()

    def upwards(
        self, below: Array, see: "Callable[[_Tiles, int], None]"
    ) -> tuple[Array | None, AddedUp]:
        """Return the map above, if one is needed, and the sums over all tiles."""
        above: Array | None = None
        sums: AddedUp = {}
        for number, tile in enumerate(self._tiles):
            self._give(tile, below, self._forwards)
            self._run_forwards(tile is self._tiles[-1])
            for name in self._forwards.output_shapes:
                if name.partition(".")[0] in (*SUMS, "content_loss"):
                    part = self._slots[name].fetch().astype(np.float64)  # there may be many
                    sums[name] = sums[name] + part if name in sums else part
            see(self, number)
            if "above" in self._slots:
                part = self._slots["above"].fetch()
                if above is None:
                    size = (self.rows_above.end - self.rows_above.start, self.width // 2)
                    above = self._storage.zeros("maps", (1, part.shape[1], *size))
                where = slice(None), slice(None), *self._owned_above(tile)
                self._storage.add(above, where, part[:, :, *tile.pooled.own])
            self._storage.rest()
        self._storage.settle()
        return above, sums

    def downwards(self, below: Array, above: Array | None, found: Array) -> None:
        """Add the gradient by the map below to `found`, given that by the map above."""
        for name, weight in self.content_weights.items():
            self.set(f"content_weight.{name}", weight)
        for number, tile in reversed(list(enumerate(self._tiles))):
            self._give(tile, below, self._backwards)
            self._give_back(number)
            if above is not None:
                slot = self._slots["above_gradient"]
                slot.array[...] = 0
                slot.array[:, :, *tile.pooled.own] = above[:, :, *self._owned_above(tile)]
                slot.send()
            self._run_backwards(tile is self._tiles[0])
            where = slice(None), slice(None), *tile.computed
            self._storage.add(found, where, self._slots["below_gradient"].fetch())
            self._storage.rest()
        self._storage.settle()
        self.forget()

    def _owned_above(self, tile: Tile) -> tuple[slice, slice]:
        """Return what a tile answers for, in the map above."""
        rows, columns = tile.pooled.owned
        down = self.rows.start // 2 - self.rows_above.start  # that has other rows around its own
        return slice(rows.start + down, rows.stop + down), columns

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
                self._set_own(name, each, 1)
            elif name.startswith(GUIDANCE):
                each = tile.pooled if _own(name) == "own_above" else tile
                weights = self._guidance.get(name)
                self._set_own(
                    name, each, self._everywhere if weights is None else weights[:, *each.owned]
                )

    def _set_own(self, name: str, tile: Tile, value: npt.ArrayLike) -> None:
        """Set an input that is 0 beyond what a tile answers for."""
        self._slots[name].array[...] = 0
        self._slots[name].array[..., *tile.own] = value
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
            self._storage.add(self._kept[name], (number,), packed)

    def _give_back(self, number: int) -> None:
        for name, kept in self._kept.items():
            slot = self._slots[name]
            if slot.array.dtype == np.bool_:
                bits = np.unpackbits(kept[number], count=slot.array.size)
                slot.array[...] = bits.view(np.bool_).reshape(slot.array.shape)
            else:
                slot.array[...] = kept[number]
            slot.send()

    def forget(self) -> None:
        """Let go of what the way back needs."""
        while self._kept:
            self._storage.free(self._kept.popitem()[1])


def _stride(block: Block) -> int:
    """Return how many rows of the picture there are for each of a block's maps."""
    return 2 ** (block.part.number - 1)


def _own(name: str) -> str:
    """Return the name of the own rows of a layer, or of what is of a layer."""
    return "own_above" if name.rpartition(".")[2].startswith("pool") else "own"
