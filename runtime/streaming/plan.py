"""A plan: what of a picture is streamed, and what lies where, within the memory that there is.

A whole picture is the fastest, and takes 2 to 3 KB of memory a pixel. By tiles it takes about
0.6 KB, most of it what L-BFGS remembers. That may lie on a disk, be shortened, or be left to Adam.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf, prod
from pathlib import Path
from typing import Literal

import numpy as np

from stylize.models.amounts import amount
from stylize.models.errors import OptionError, about
from stylize.models.folder import ModelFolder
from stylize.models.interface import REGIONS
from stylize.models.layers import LayerSet
from stylize.models.manifest import GraphFile, Value
from stylize.runtime.engine.memory import (
    IMAGE_BYTES,
    KERNELS_TURNS,
    fixed_bytes,
    memory_need,
    targets_need,
)
from stylize.runtime.streaming.pieces import SIDE
from stylize.runtime.streaming.storage import KEPT, KINDS, LARGE, WAITING, Kind
from stylize.runtime.streaming.strips import strips

OptimizerName = Literal["lbfgs", "adam"]
Size = tuple[int, int]
"""Height and width."""

TILES: tuple[Size, ...] = ((128, 256), (96, 192), (64, 128), (32, 64))
"""Rows and columns of a map in a tile, best first. Larger ones leave the CPU's caches, and smaller
ones compute more of their surroundings."""

LARGE_TILES: tuple[Size, ...] = ((2048, 2048), (1024, 1024), (512, 512), (256, 256), *TILES[2:])
"""The same on a device: there the largest are the best."""

MOST_ELEMENTS = 2**31 - 1
"""Elements of a map that a device's libraries can count. Of 64 maps of 8192×6144, which an H200 has
the memory for, a convolution failed."""

PLANES = {"lbfgs": 8, "adam": 7}
"""Images that an optimiser in pieces holds, without the history."""

NEIGHBOURS = {"lbfgs": 60, "adam": 0}
"""Bytes that an optimiser holds for each pixel of a tile, where it looks at neighbours."""

PICTURES = 11
"""Bytes a pixel of the photo and the painting as they were read, at all scales."""

STARTING = 24
"""Bytes a pixel of arrays at the start of a scale: the image, and what it is made of."""

GUIDING = 12
"""Bytes a pixel and region at the start of a scale: masks, and weights before they are stored."""

WORK = 7.0
"""Bytes that a tile's graph works with, for each byte of its largest map."""

LEAN = 3e9
"""Bytes that a picture takes, unless another limit is given, and if it can do with so few."""
UNSTREAMED = 3.5e9
"""Bytes up to which a picture is computed whole, unless another limit is given."""
UNSTREAMED_TARGETS = 1.5e9
"""The same of a painting, which is looked at once."""


@dataclass(frozen=True)
class Budget:
    """What pictures may take.

    Attributes
    ----------
    memory : int or None
        Bytes of the memory in which the provider computes; None for what can be spared.
    scratch : Path or None
        A folder for what does not fit.
    spare : int or None
        Bytes that can be spared, where others take a part of what is free; None for what is free
        when it is asked for.
    """

    memory: int | None = None
    scratch: Path | None = None
    spare: int | None = None


@dataclass(frozen=True)
class Plan:
    """How a picture is computed.

    Attributes
    ----------
    tile : tuple of int or None
        Rows and columns of the maps in a tile; None if the picture is computed whole.
    optimizer : {"lbfgs", "adam"}
        The optimiser.
    history : int
        Steps that L-BFGS remembers.
    on_disk : tuple of str
        What lies in the scratch folder.
    memory, disk : int
        Bytes that this takes: of the memory in which the provider computes, and in the scratch
        folder. What tiles leave behind on a device lies in the CPU's memory, and does not count.
    workers : int
        How many workers of a cluster share it; 0 if it is computed here. Else the bytes are those
        of each.
    regions : int
        Parts of it that have losses of style of their own; 0: there is one, of all of it.
    """

    tile: Size | None
    optimizer: OptimizerName
    history: int
    on_disk: tuple[Kind, ...]
    memory: int
    disk: int
    workers: int = 0
    regions: int = 0


@dataclass(frozen=True)
class Case:
    """A picture to be planned.

    Attributes
    ----------
    folder : ModelFolder
        The model.
    layers : LayerSet
        The layers of its gradient graph.
    size : tuple of int
        Height and width of what is computed: the picture with its margin.
    optimizer : {"lbfgs", "adam"}
        The optimiser that is wanted.
    history : int
        Steps that L-BFGS is to remember.
    on_device : bool
        Whether it is computed in another memory than the CPU's: whatever is streamed lies in the
        CPU's all the same, and only tiles count.
    regions : int
        Parts of it that have losses of style of their own; 0: there is one, of all of it.
    guided : LayerSet, optional
        The layers of the graph that compares regions without tiles, if there is one.
    averaged : bool
        Whether the running mean of images is kept, which lies in memory.
    """

    folder: ModelFolder
    layers: LayerSet
    size: Size
    optimizer: OptimizerName
    history: int
    on_device: bool = False
    regions: int = 0
    guided: LayerSet | None = None
    averaged: bool = False

    @property
    def needs_tiles(self) -> bool:
        """Whether only the graphs for tiles compute these losses."""
        return bool(self.regions) and self.guided is None

    @property
    def countable(self) -> bool:
        """Whether no map of the whole picture has too many elements for where it is computed."""
        largest = max(layer.channels / layer.stride**2 for layer in self.folder.manifest.layers)
        return not self.on_device or largest * prod(self.size) <= MOST_ELEMENTS

    @property
    def whole(self) -> Plan:
        """The plan without tiles."""
        steps = self.history if self.optimizer == "lbfgs" else 1
        layers = self.guided or self.layers
        need = memory_need(self.folder, layers, steps, self.regions)
        height, width = self.size
        memory = need.bytes((width, height))
        return Plan(None, self.optimizer, self.history, (), memory, 0, regions=self.regions)

    @property
    def has_tiles(self) -> bool:
        """Whether the model has graphs for tiles; those of earlier releases have none."""
        return bool(self.folder.manifest.blocks)

    @property
    def whole_targets(self) -> Plan:
        """The plan for a painting's targets without tiles."""
        graph = self.folder.targets_graph(LayerSet(style=self.layers.style))
        height, width = self.size
        memory = targets_need(self.folder, graph.layers).bytes((width, height))
        return Plan(None, self.optimizer, self.history, (), memory, 0)

    @property
    def tile_sizes(self) -> tuple[Size, ...]:
        """The sizes of tiles, best first."""
        return LARGE_TILES if self.on_device else TILES

    def streamed(self, tile: Size, held: float, on_disk: tuple[Kind, ...] = ()) -> Plan:
        """Return the plan with tiles of a size, for which so many bytes are held."""
        pixels = prod(self.size)
        arrays = {kind: round(pixels * each) for kind, each in self._bytes_of_a_pixel().items()}
        memory = round(self._fixed + held)
        if not self.on_device:
            memory += NEIGHBOURS[self.optimizer] * min(pixels, SIDE**2)
            stays = {kind: size for kind, size in arrays.items() if kind not in on_disk}
            starting = stays.get("targets", 0) + pixels * (STARTING + GUIDING * self.regions)
            memory += pixels * PICTURES + max(sum(stays.values()), starting)
            memory += pixels * IMAGE_BYTES * self.averaged
        disk = sum(arrays[kind] for kind in on_disk)
        memory += _mapped(disk)
        kept = self.optimizer, self.history, on_disk
        return Plan(tile, *kept, memory, disk, regions=self.regions)

    def looking(self, tile: Size, on_disk: tuple[Kind, ...] = ()) -> Plan:
        """Return the plan for the way upwards alone, as for a painting's targets."""
        pixels = prod(self.size)
        maps = round(pixels * self._bytes_of_a_pixel()["maps"])
        memory, disk = round(self._fixed + self.of_a_tile(tile)), 0
        if not self.on_device:
            memory += pixels * (IMAGE_BYTES + PICTURES)
            memory, disk = (memory, maps) if "maps" in on_disk else (memory + maps, 0)
            memory += _mapped(disk)
        kept = self.optimizer, self.history, on_disk
        return Plan(tile, *kept, memory, disk, regions=self.regions)

    @property
    def _fixed(self) -> float:
        return fixed_bytes(self.folder, KERNELS_TURNS)

    def _bytes_of_a_pixel(self) -> dict[Kind, float]:
        history = 2 * (self.history + 1) if self.optimizer == "lbfgs" else 0
        known = {layer.name: layer for layer in self.folder.manifest.layers}
        # F of the photo, and for each region and layer of style a map of weights.
        targets = [(known[name], known[name].channels) for name in self.layers.content]
        targets += [(known[name], self.regions) for name in self.layers.style]
        return {
            "history": IMAGE_BYTES * history,
            "targets": sum(4 * maps / layer.stride**2 for layer, maps in targets),
            "images": IMAGE_BYTES * PLANES[self.optimizer],
            "maps": self._maps,
        }

    @property
    def _maps(self) -> float:
        """Bytes a pixel of all maps, masks and differences at the worst moment."""
        below: list[float] = []  # the map below each block but the first
        kept: list[float] = []
        for graph, area in self._forwards():
            sizes = {value.name: _packed(value, area) for value in graph.outputs}
            below.append(sizes.get("above", 0.0))
            kept.append(
                sum(
                    size
                    for name, size in sizes.items()
                    if name.startswith(("positive.", "first.", "difference."))
                )
            )
        count = len(below)
        upwards = sum(below) + sum(kept)
        downwards = (
            sum(below[:block])
            + sum(kept[: block + 1])
            + below[block]
            + (below[block - 1] if block else 0)
            for block in range(count)
        )
        return max(upwards, *downwards)

    def _forwards(self) -> Iterator[tuple[GraphFile, float]]:
        """Yield the graph upwards of each block, and its positions for each pixel."""
        for block in self.folder.blocks(self.layers):
            yield block.forwards, 1 / 4 ** (block.number - 1)

    def of_a_tile(self, tile: Size) -> float:
        """Return the bytes of what goes in and out of tiles, and of the largest one's work."""
        held, work = 0.0, 0.0
        for block in self.folder.blocks(self.layers):
            stride = 2 ** (block.number - 1)
            height, width = (
                strips(whole // stride, part, self.folder.halo(block))[0].end
                for whole, part in zip(self.size, tile, strict=True)
            )
            values = {
                value.name: value
                for graph in (block.forwards, block.backwards)
                for value in (*graph.inputs, *graph.outputs)
            }
            area = height * width
            held += sum(_bytes(value, area, self.regions or 1) for value in values.values())
            channels = max(
                layer.channels for layer in self.folder.manifest.layers if layer.stride == stride
            )
            more = max(self.regions - 1, 0)  # of each, the responses times its weights
            work = max(work, (WORK + more) * 4 * channels * area)
        return held + work


def make_plan(case: Case, budget: Budget, spare: int | None, workers: int = 0) -> Plan:
    """Return the plan of a picture.

    Parameters
    ----------
    case : Case
        The picture; of several workers, the largest share of it.
    budget : Budget
        What it may take.
    spare : int or None
        Bytes of memory that are free; None if that is not known.
    workers : int
        How many share it; 0 if it is computed here.

    Raises
    ------
    OptionError
        It does not fit into the memory that was given, or what is to lie on the disk not there.
    ModelError
        It needs tiles, and the model has no graphs for these.
    """
    if workers:
        return replace(_by_tiles(case, budget, spare, []), workers=workers)
    if case.needs_tiles:
        return _by_tiles(case, budget, spare, [])
    whole = case.whole
    limit = _limit(case, budget, spare, UNSTREAMED)
    fits = whole.memory <= limit and case.countable
    if fits or (budget.memory is None and not case.has_tiles):
        return whole
    return _by_tiles(case, budget, spare, [whole])  # small ones need no tiles


def _by_tiles(case: Case, budget: Budget, spare: int | None, others: list[Plan]) -> Plan:
    """Return the first plan with tiles that fits; else the least of all, if there is no limit."""
    unlimited = budget.memory is None
    limit: float = budget.memory or 0
    if unlimited:
        leanest = case.streamed(case.tile_sizes[0], case.of_a_tile(case.tile_sizes[0]))
        limit = min(max(LEAN, leanest.memory), inf if spare is None else spare)
    room = _room(budget.scratch)
    candidates = list(_candidates(case, budget))
    fitting = [plan for plan in candidates if plan.memory <= limit]
    for plan in fitting:
        if plan.disk <= room:
            return plan
    if fitting:
        with about("scratch"):
            raise OptionError(_disk_too_small(min(plan.disk for plan in fitting), budget, room))
    least = min([*others, *candidates], key=lambda plan: plan.memory)
    if unlimited:
        return least  # it may still fit, or there may be memory to swap to
    with about("memory"):
        raise OptionError(_too_small(budget, least))


def plan_targets(
    case: Case, budget: Budget, spare: int | None, tile: Size | None, workers: int = 0
) -> Plan:
    """Return how a painting of a size is looked at.

    The parameters are those of `make_plan`, and the tile of the picture: one of another size would
    leave behind memory that is of no use to it.
    """
    limit = _limit(case, budget, spare, UNSTREAMED_TARGETS)
    fits = case.whole_targets.memory <= limit and case.countable
    if (fits or not (budget.memory or case.has_tiles)) and not (workers or case.needs_tiles):
        return case.whole_targets
    on_disk: tuple[Kind, ...] = ("maps",) if budget.scratch else ()
    sizes = case.tile_sizes[case.tile_sizes.index(tile) if tile in case.tile_sizes else 0 :]
    plans = [replace(case.looking(each, on_disk), workers=workers) for each in sizes]
    found = next((plan for plan in plans if plan.memory <= limit), None)
    if found is None and budget.memory:
        with about("memory"):
            raise OptionError(_too_small(budget, plans[-1], "The painting", "--painting-size"))
    return found or plans[-1]


def _limit(case: Case, budget: Budget, spare: int | None, usual: float) -> float:
    """Return how many bytes a picture may take that is computed whole."""
    most = inf if spare is None else spare
    # What is left of a device's memory is of no use to others.
    return budget.memory or (most if case.on_device else min(usual, most))


def _candidates(case: Case, budget: Budget) -> Iterator[Plan]:
    """Yield plans with tiles, from the one that is liked best."""
    on_disk = [KINDS[:count] for count in range(len(KINDS) + 1 if budget.scratch else 1)]
    held = {tile: case.of_a_tile(tile) for tile in case.tile_sizes}
    *usual, smallest = case.tile_sizes  # smallest tiles are slower than a disk
    for tiles in (usual, [smallest]):
        for kinds in on_disk:
            for tile in tiles:
                yield case.streamed(tile, held[tile], kinds)
    for other in _shortened(case):
        for tile in case.tile_sizes:
            yield other.streamed(tile, held[tile], on_disk[-1])


def _shortened(case: Case) -> Iterator[Case]:
    """Yield the same with less of a history, and without one."""
    if case.optimizer == "lbfgs":
        for history in range(case.history - 1, 0, -1):
            yield replace(case, history=history)
        yield replace(case, optimizer="adam")


def _too_small(
    budget: Budget, least: Plan, what: str = "The picture", option: str = "--size"
) -> str:
    assert budget.memory
    advice = "Allow more" if budget.scratch else "Allow more, name a folder with --scratch"
    return (
        f"{what} needs {amount(least.memory)} of memory at least, and --memory allows "
        f"{amount(budget.memory)}. {advice}, or use a smaller {option}."
    )


@about("scratch")
def _room(scratch: Path | None) -> float:
    """Return how many bytes are free on the disk of a folder."""
    if scratch is None:
        return 0
    try:
        return shutil.disk_usage(scratch).free
    except OSError as error:
        raise OptionError(
            f"Cannot use '{scratch}' for --scratch: {error.strerror or error}. Name a folder."
        ) from error


def _disk_too_small(needed: int, budget: Budget, room: float) -> str:
    return (
        f"'{budget.scratch}' has {amount(room)} free, and {amount(needed)} are to lie "
        "there. Name another folder with --scratch, allow more --memory, or use a smaller --size."
    )


def _mapped(disk: int) -> int:
    """Return the bytes of memory that go with so many on disk."""
    return KEPT + WAITING if disk > LARGE else 0


def _bytes(value: Value, area: float, regions: int = 1) -> float:
    """Return the bytes of a value for so many positions of the block's maps."""
    positions = {"height": area, "width": 1, "above_height": area / 4, "above_width": 1}
    positions[REGIONS] = regions
    numbers = prod(positions[n] if isinstance(n, str) else n for n in value.shape)
    return numbers * np.dtype(value.dtype).itemsize


def _packed(value: Value, area: float) -> float:
    """Return the same where masks are packed, eight in a byte."""
    return _bytes(value, area) / (8 if value.dtype == "bool" else 1)
