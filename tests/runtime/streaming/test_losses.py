"""Losses, gradients and targets by tiles are those of the whole, for each layer set."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="loads graphs")

from by_tiles import Array, away, compact, pictures, streamed, targets, whole

from stylize.models.layers import LayerSet, paper_layer_sets
from stylize.runtime.checks.comparison import FLOAT32
from stylize.runtime.streaming import losses as module
from stylize.runtime.streaming.shares import ALONE, Alone, Others, Share
from stylize.runtime.streaming.storage import KINDS, Storage
from stylize.runtime.streaming.strips import Strip, Tile, tiles

LAYER_SETS = [graph.layers for graph in compact().manifest.gradients]
FIGURE_2 = paper_layer_sets()[0]
EVEN, ODD = (64, 48), (75, 53)


class UpperHalf(Alone):
    """Has the first 32 rows, and sees zeros below them."""

    def share(self, height: int) -> Share:
        return Share(0, 32, height)


def assert_alike(layers: LayerSet, size: tuple[int, int]) -> None:
    given, expected = whole(layers, size)
    losses = streamed(layers, size)
    losses.put(given)
    gradient = np.full(losses.shape, np.nan, np.float32)
    losses.evaluate(pictures(size)[2], gradient)
    assert losses.numbers.keys() == expected.keys() - {"gradient"}
    for name, value in losses.numbers.items():
        np.testing.assert_allclose(value, expected[name], rtol=FLOAT32.losses, err_msg=name)
    assert away(gradient, expected["gradient"]) <= FLOAT32.gradient


@pytest.mark.parametrize("layers", LAYER_SETS, ids=str)
def test_each_layer_set_of_the_embedded_model(layers: LayerSet) -> None:
    assert_alike(layers, ODD)


@pytest.mark.parametrize("size", [EVEN, (64, 53), (75, 48), (32, 90), (16, 16)], ids=str)
def test_sizes_even_and_odd(size: tuple[int, int]) -> None:
    assert_alike(FIGURE_2, size)


def test_the_maps_are_cut_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the tests above would not show much."""
    cut: list[tuple[int, int]] = []

    def counted(rows: Strip, width: int, tile: tuple[int, int], halo: int) -> list[Tile]:
        found = tiles(rows, width, tile, halo)
        cut.append((len({each.rows for each in found}), len({each.columns for each in found})))
        return found

    monkeypatch.setattr(module, "tiles", counted)
    streamed(FIGURE_2, ODD)
    assert len(cut) == 5
    assert min(min(each) for each in cut[:2]) >= 2


@pytest.mark.parametrize("layers", [FIGURE_2, LAYER_SETS[3], LayerSet(("conv1_1",))], ids=str)
def test_targets_by_tiles_are_those_of_the_whole(layers: LayerSet) -> None:
    """The embedded model reads out its responses before they are compared."""
    photo, painting, _ = pictures(ODD)
    losses, expected = streamed(layers, ODD), targets(layers, ODD)
    found = losses.content_targets(photo)
    if layers.style:
        found |= losses.style_targets(painting)
    assert found.keys() == expected.keys()
    for name, target in found.items():
        assert target.shape == expected[name].shape
        assert away(target, expected[name]) <= FLOAT32.losses, name


def evaluated(storage: Storage, *images: Array) -> list[Array]:
    """Return the numbers and the gradient at each image."""
    given, _ = whole(FIGURE_2, ODD)
    losses = streamed(FIGURE_2, ODD, storage=storage)
    losses.put(given)
    gradient, found = np.zeros(losses.shape, np.float32), []
    for image in images:
        losses.evaluate(image, gradient)
        found += [gradient.copy(), *(value.copy() for value in losses.numbers.values())]
    return found


def test_nothing_of_an_image_is_left_for_the_next(tmp_path: Path) -> None:
    photo, painting, image = pictures(ODD)
    alone = evaluated(Storage(), image)
    for storage in (Storage(), Storage(tmp_path, KINDS)):
        *_, gradient, total, content, style = evaluated(storage, photo, painting, image)
        for found, expected in zip((gradient, total, content, style), alone, strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files in /proc")
@pytest.mark.parametrize("others", [ALONE, UpperHalf()], ids=["alone", "a share of it"])
def test_after_an_image_nothing_is_left_on_disk(tmp_path: Path, others: Others) -> None:
    def files() -> int:
        return len(os.listdir("/proc/self/fd"))

    given, _ = whole(FIGURE_2, ODD)
    losses = streamed(FIGURE_2, ODD, storage=Storage(tmp_path, KINDS), others=others)
    losses.put(given)
    gradient, image = np.zeros(losses.shape, np.float32), pictures(ODD)[2]
    image = image[:, :, : losses.shape[2]]
    losses.evaluate(image, gradient)  # what is loaded late opens files of its own
    before = files()
    for _ in range(2):
        losses.evaluate(image, gradient)
        assert files() == before
