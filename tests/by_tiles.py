"""Losses of the embedded model, by tiles and of the whole picture, in float32."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt
from two_regions import two_regions

from stylize.models.catalog import embedded_folder
from stylize.models.folder import ModelFolder, open_folder
from stylize.models.layers import LayerSet
from stylize.models.manifest import GraphFile
from stylize.runtime.checks.comparison import reference_provider
from stylize.runtime.engine.program import Program
from stylize.runtime.engine.tensors import read
from stylize.runtime.providers.table import Provider
from stylize.runtime.streaming.losses import StreamedLosses
from stylize.runtime.streaming.shares import ALONE, Others
from stylize.runtime.streaming.storage import Storage

Array = npt.NDArray[np.float32]
Size = tuple[int, int]

REFERENCE = reference_provider()
TILE = (20, 24)
"""Rows and columns, so that even the third block's map of small pictures is cut."""


@cache
def compact() -> ModelFolder:
    return open_folder(embedded_folder())


def pictures(size: Size) -> tuple[Array, Array, Array]:
    """Return a photo, a painting, and an image on the way between."""
    photo, painting, noise = np.random.default_rng(0).random((3, 1, 3, *size), np.float32)
    return photo, painting, (photo + noise) / 2


def targets(layers: LayerSet, size: Size) -> dict[str, Array]:
    """Return the targets of the pictures, each computed whole."""
    photo, painting, _ = pictures(size)
    found: dict[str, Array] = {}
    for half, image in ((LayerSet(layers.content), photo), (LayerSet((), layers.style), painting)):
        if half.content or half.style:
            found |= _run(compact().targets_graph(half), {"image": image})
    return found


@cache
def whole(layers: LayerSet, size: Size) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return targets and weights, and losses and gradient of the graph for the whole picture."""
    given = {
        **rooted(targets(layers, size), layers),
        "content_weights": np.full(len(layers.content), 1e-3, np.float32),
        "style_weights": np.ones(len(layers.style), np.float32),
    }
    if layers.guided:
        strides = {layer.name: layer.stride for layer in compact().manifest.layers}
        given |= two_regions(given, layers, size, strides)
    image = pictures(size)[2]
    return given, _run(compact().gradient_graph(layers), {**given, "image": image})


def rooted(targets: Mapping[str, Array], layers: LayerSet) -> dict[str, Array]:
    """Return targets as the losses take them."""
    names = [f"style_target.{layer}" for layer in layers.style]
    root, found = compact().manifest.root, dict(targets)
    assert root
    for name in names if layers.statistics == "bures" else ():
        sizes = {"height": 0, "width": 0, "channels": len(found[name])}
        program = Program(compact(), root, sizes, REFERENCE)
        found[name] = program({"style_target": found[name]})["rooted_target"]
    return found


def streamed(
    layers: LayerSet,
    size: Size,
    provider: Provider = REFERENCE,
    storage: Storage | None = None,
    tile: Size = TILE,
    others: Others = ALONE,
) -> StreamedLosses:
    regions = 2 if layers.guided else 0
    layers = replace(layers, guided=False)  # tiles have the same graphs for both
    storage = storage or Storage()
    return StreamedLosses(
        compact(), layers, size, tile, provider, REFERENCE, storage, regions, others
    )


def _run(graph: GraphFile, given: Mapping[str, Array]) -> dict[str, Array]:
    size = given["image"].shape[2], given["image"].shape[3]
    dimensions = compact().dimensions(size) | {"regions": 2}
    program = Program(compact(), graph, dimensions, REFERENCE)
    memory = program.memory
    outputs = {name: memory.empty(shape) for name, shape in program.output_shapes.items()}
    program.bind({name: memory.put(given[name]) for name in program.input_shapes}, outputs)()
    return {name: read(tensor) for name, tensor in outputs.items()}


def away(found: Array, expected: Array) -> float:
    """Return how far an array is from another, in the L2 norm."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))
