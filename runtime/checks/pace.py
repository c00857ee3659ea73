"""How long a step takes, told from steps of a small picture."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod

import numpy as np

from stylize.models.folder import ModelFolder
from stylize.models.layers import LayerSet
from stylize.models.manifest import Block, blocks_of
from stylize.runtime.checks.specimens import drawn_painting, drawn_photo
from stylize.runtime.method.model import Model
from stylize.runtime.method.options import Options
from stylize.runtime.method.regions import Region
from stylize.runtime.method.scene import Scene
from stylize.runtime.method.streamed import StreamedSearch
from stylize.runtime.streaming.pieces import RUN
from stylize.runtime.streaming.plan import Plan
from stylize.runtime.streaming.shares import largest_share
from stylize.runtime.streaming.strips import tiles, whole

Size = tuple[int, int]
"""Height and width."""

TIMED: tuple[Size, ...] = ((192, 256), (288, 384), (576, 768))
"""Heights and widths of pictures that are timed, until one takes long enough."""
ENOUGH = 0.1
"""Seconds of a step that tell of more than its start."""
STEPS = 2
"""Steps that are timed after the first; the fastest counts."""


@dataclass(frozen=True)
class Seconds:
    """What a step took.

    Attributes
    ----------
    size : tuple of int
        Height and width of the picture.
    evaluation : float
        Seconds for the losses and their gradient; of a whole picture, of all of the step.
    move : float
        Seconds for the optimiser in pieces.
    """

    size: Size
    evaluation: float
    move: float

    @property
    def step(self) -> float:
        """Seconds of the step."""
        return self.evaluation + self.move

    def at(self, size: Size, layers: LayerSet, plan: Plan, folder: ModelFolder) -> float:
        """Return the seconds that a step of another size should take, which is an estimate.

        The convolutions take as long as they have products, and the optimiser as long as it has
        pixels. What an optimiser in pieces takes at a time is never less than a whole piece.
        """
        mine, its = (products(folder, layers, each, plan.tile) for each in (self.size, size))
        return self.evaluation * its / mine + self.move * pieces(size) / pieces(self.size)


class Pace:
    """How fast a provider computes pictures of a model.

    Parameters
    ----------
    model : Model
        The model on the provider.
    options : Options
        The settings of a picture; its size makes no difference.
    """

    def __init__(self, model: Model, options: Options) -> None:
        self._model, self._options = model, options
        self._layers = model.folder.gradient_graph(options.layers).layers
        self._timed: dict[tuple[object, ...], Seconds] = {}

    def seconds(self, plan: Plan, size: Size) -> float:
        """Return the seconds that a step should take, at a height and width.

        Several machines are taken to be like this one, and what they tell each other to take none.

        Raises
        ------
        ProviderError
            The provider cannot compute it.
        """
        height, width = size
        size = largest_share(height, plan.workers or 1), width
        plan = replace(plan, workers=0)
        manner = plan.tile, plan.optimizer, plan.history, plan.regions
        if manner not in self._timed:
            self._timed[manner] = self._measure(plan, size)
        return self._timed[manner].at(size, self._layers, plan, self._model.folder)

    def _measure(self, plan: Plan, size: Size) -> Seconds:
        """Time small pictures, none larger than the one in question, as a plan has it."""
        smaller = [each for each in TIMED if prod(each) < prod(size)] or [size]
        for each in smaller:
            found = self._time(replace(plan, on_disk=()), each)
            if found.step >= ENOUGH:
                break
        return found

    def _time(self, plan: Plan, size: Size) -> Seconds:
        photo, painting = drawn_photo(), drawn_painting()
        regions = [Region(photo, painting)] * plan.regions  # any picture is a mask
        scene = Scene(self._model, photo, None if regions else painting, regions)
        small = replace(
            self._options,
            size=size[::-1],
            painting_size=None,
            margin=0,
            scales=1,
            init="noise",
            iterations=max(plan.history, 1),  # a history is no longer than that
        )
        search = scene.search(small, plan)

        def step() -> None:
            search.step()
            _ = search.failed  # a device computes only when it is waited for

        if not isinstance(search, StreamedSearch):
            return Seconds(size, fastest(step), 0.0)
        image, gradient = scene.start(small), np.empty(search.objective.shape, np.float32)
        evaluation = fastest(lambda: search.objective.evaluate(image, gradient))
        return Seconds(size, evaluation, max(0.0, fastest(step) - evaluation))


def fastest(run: Callable[[], object]) -> float:
    """Return the seconds of the fastest of some runs, but for the first."""
    run()
    times = [time.perf_counter()]
    for _ in range(STEPS):
        run()
        times.append(time.perf_counter())
    return min(after - before for before, after in pairwise(times))


def products(folder: ModelFolder, layers: LayerSet, size: Size, tile: Size | None) -> float:
    """Return how many products a step takes, in a unit that depends on whether there are tiles.

    A whole picture takes as many for each pixel. Tiles compute their surroundings, too.
    """
    if tile is None:
        return float(prod(size))
    return float(
        sum(
            _of_a_position(folder, block) * _computed(folder, block, size, tile)
            for block in folder.blocks(layers)
        )
    )


def pieces(size: Size) -> int:
    """Return how many pieces of an image an optimiser takes."""
    return -(-3 * prod(size) // RUN)


def _of_a_position(folder: ModelFolder, block: Block) -> int:
    """Return the products of channels at each position of the block's maps."""
    blocks = blocks_of(folder.manifest.layers)
    below = blocks[block.number - 2][-1].channels if block.number > 1 else 3
    channels = [layer.channels for layer in blocks[block.number - 1][: folder.halo(block)]]
    return sum(into * out for into, out in pairwise([below, *channels]))


def _computed(folder: ModelFolder, block: Block, size: Size, tile: Size) -> int:
    """Return the positions of a block's maps that all tiles together compute."""
    stride = 2 ** (block.number - 1)
    found = tiles(whole(size[0] // stride), size[1] // stride, tile, folder.halo(block))
    return len(found) * found[0].rows.end * found[0].columns.end
