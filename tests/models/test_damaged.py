"""Damaged manifests and graphs: they are read, or the error is ours."""

import json
import random
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from mutations import mutants

from stylize.models.catalog import embedded_folder
from stylize.models.errors import ModelError, StylizeError
from stylize.models.folder import ModelFolder
from stylize.models.layers import paper_layer_sets
from stylize.models.manifest import Manifest, read_manifest
from stylize.models.references import references

MANIFEST = (embedded_folder() / "model.json").read_bytes()
GRAPHS = ["variation.onnx", "lbfgs.onnx", "targets.1.onnx", "gradient.1.blocked.onnx"]

ODD = (
    *(None, True, 0, -1, 1, 2**16, 2**63, 10**40, 0.5, -0.0, 1e308),
    *("", "conv1_1", "height", "../x", "a\0b", "\x1b[0m", "x" * 10_000),
    *([], {}, [[]], {"": None}, ["conv1_1"], [1, 3, "height", "width"]),
)
"""What may stand where a manifest has something else."""


def changed(manifest: bytes, seed: int) -> bytes:
    """Return a manifest in which one to three values are others, repeated, or gone."""
    chance = random.Random(seed)
    content = json.loads(manifest)
    for _ in range(chance.choice((1, 1, 2, 3))):
        place: Any = content
        while True:
            key = chance.choice(list(place) if isinstance(place, dict) else range(len(place)))
            if not isinstance(place[key], dict | list) or not place[key] or chance.random() < 0.1:
                break
            place = place[key]
        change_one(place, key, chance)
    return json.dumps(content).encode()


def change_one(place: Any, key: Any, chance: random.Random) -> None:
    what = chance.choice(("odd", "odd", "gone", "repeated"))
    if what == "odd":
        place[key] = deepcopy(chance.choice(ODD))
    elif what == "gone":
        del place[key]
    elif isinstance(place, list):
        place.append(deepcopy(place[key]))
    else:
        place[f"{key}_"] = deepcopy(place[key])


def use(manifest: Manifest) -> None:
    """Ask a manifest for all that a run asks it for, before files are read."""
    folder = ModelFolder(Path("folder"), manifest)
    dimensions = folder.dimensions((32, 48)) | {"places": 2, "rows": 4, "elements": 8}
    dimensions |= {"above_height": 16, "above_width": 24, "channels": 17, "regions": 2}
    for graph in manifest.graphs:
        for value in (*graph.inputs, *graph.outputs):
            assert all(isinstance(size, int) or size in dimensions for size in value.shape)
    for layers in paper_layer_sets():
        try:
            graph = folder.gradient_graph(layers)
            folder.targets_graph(layers)
        except StylizeError:
            continue
        assert folder.least_side(graph.layers) >= 1
        try:
            blocks = folder.blocks(graph.layers)
            folder.sums_graph(graph.layers)
        except ModelError:
            continue
        assert all(folder.halo(block) >= 1 for block in blocks)


def test_damaged_manifests(tmp_path: Path, mutations: Callable[[int], int]) -> None:
    count = mutations(150)
    refused = 0
    structured = [changed(MANIFEST, seed) for seed in range(count)]
    for text in [*mutants(MANIFEST, count, seed=1), *structured]:
        (tmp_path / "model.json").write_bytes(text)
        try:
            use(read_manifest(tmp_path))
        except ModelError:
            refused += 1
    assert refused > count


@pytest.mark.parametrize("name", GRAPHS)
def test_damaged_graphs(name: str, mutations: Callable[[int], int]) -> None:
    """What is still read refers to nothing but the weights, as before."""
    data = (embedded_folder() / name).read_bytes()
    for graph in mutants(data, mutations(60), seed=2):
        try:
            found = references(graph)
        except ValueError:
            continue
        for reference in found:
            assert reference.offset >= 0
            assert reference.length > 0
