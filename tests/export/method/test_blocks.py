"""Losses and gradient of a picture by tiles are those of the picture as a whole, in float64."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnx", reason="exporting needs onnx")
pytest.importorskip("safetensors", reason="exporting needs safetensors")

from by_tiles_in_float64 import ByTiles, assert_equal, whole
from small import distilled_network, small_network

from stylize.export.network.architecture import Network
from stylize.models.layers import LayerSet, paper_layer_sets, richer_layer_sets
from stylize.runtime.streaming.strips import Tile, tiles

# High and narrow, so that even the fifth block's map has several tiles, which do not divide it.
EVEN, ODD = (144, 18), (147, 21)

FIGURE_2 = paper_layer_sets()[0]
MIXED = LayerSet(("conv2_2", "pool1", "conv4_3"), ("conv1_2", "pool2", "conv3_4", "pool4"))
OTHERS = (
    MIXED,
    LayerSet(("conv1_1",)),
    LayerSet(("pool1", "pool3")),
    LayerSet(style=("pool1",)),
    LayerSet(style=("conv5_4",)),
)

NETWORKS: dict[str, Network] = {
    "average": small_network("average"),
    "max": small_network("max"),
    "distilled": distilled_network(),
}


def assert_equals_whole(
    small_model: Callable[..., Path],
    kind: str,
    layers: LayerSet,
    size: tuple[int, int],
    *shares: float,
) -> None:
    network = NETWORKS[kind]
    folder = small_model(network)
    given, expected = whole(folder, network, layers, size)
    streamed = ByTiles(folder, network, layers)
    for share in shares:
        assert_equal(streamed.evaluate(given["image"], given, share), expected)


@pytest.mark.parametrize("layers", paper_layer_sets(), ids=str)
def test_each_layer_set_of_the_paper(small_model: Callable[..., Path], layers: LayerSet) -> None:
    assert_equals_whole(small_model, "average", layers, ODD, 0.4)


@pytest.mark.parametrize("layers", OTHERS, ids=str)
def test_other_layer_sets(small_model: Callable[..., Path], layers: LayerSet) -> None:
    """Poolings that have a loss, several layers of content, none, or of style none."""
    assert_equals_whole(small_model, "average", layers, EVEN, 0.4)


@pytest.mark.parametrize("size", [EVEN, ODD], ids=str)
@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("layers", [FIGURE_2, MIXED], ids=["figure 2", "mixed"])
def test_each_network_at_sizes_and_tiles_odd_and_even(
    small_model: Callable[..., Path], kind: str, layers: LayerSet, size: tuple[int, int]
) -> None:
    assert_equals_whole(small_model, kind, layers, size, 0.3, 0.6)


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("layers", richer_layer_sets()[::2], ids=str)
def test_other_statistics(small_model: Callable[..., Path], kind: str, layers: LayerSet) -> None:
    assert_equals_whole(small_model, kind, layers, ODD, 0.4)


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("layers", [FIGURE_2, MIXED], ids=["figure 2", "mixed"])
def test_regions(small_model: Callable[..., Path], kind: str, layers: LayerSet) -> None:
    assert_equals_whole(small_model, kind, replace(layers, guided=True), ODD, 0.4)


def test_one_tile_is_the_whole(small_model: Callable[..., Path]) -> None:
    assert_equals_whole(small_model, "average", FIGURE_2, ODD, 1)


def test_every_map_is_cut(
    small_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the tests above would not show much."""
    counts = []

    def counted(*given: Any) -> list[Tile]:
        found = tiles(*given)
        counts.append([len({getattr(tile, way) for tile in found}) for way in ("rows", "columns")])
        return found

    monkeypatch.setattr("by_tiles_in_float64.tiles", counted)
    assert_equals_whole(small_model, "average", FIGURE_2, ODD, 0.4)
    assert [rows > 1 for rows, _ in counts] == [True] * 5
    assert [columns > 1 for _, columns in counts] == [True, True, False, False, False]
