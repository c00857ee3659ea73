"""Seconds of large pictures, told from small ones: the arithmetic, and that it times at all."""

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime", reason="times steps")

from stylize.models.catalog import embedded_folder
from stylize.models.folder import open_folder
from stylize.models.layers import LayerSet
from stylize.runtime.checks import pace
from stylize.runtime.checks.pace import Pace, Seconds, fastest, pieces, products
from stylize.runtime.method.model import Model
from stylize.runtime.method.options import Options
from stylize.runtime.streaming.pieces import RUN
from stylize.runtime.streaming.plan import Plan
from stylize.runtime.streaming.strips import tiles, whole

FOLDER = open_folder(embedded_folder())
LAYERS = FOLDER.gradient_graph(Options().layers).layers
WHOLE = Plan(None, "lbfgs", 10, (), 0, 0)
STREAMED = replace(WHOLE, tile=(64, 128))


def test_a_whole_picture_takes_as_long_as_it_has_pixels() -> None:
    small = Seconds((192, 256), evaluation=0.5, move=0.0)
    assert small.at((384, 512), LAYERS, WHOLE, FOLDER) == pytest.approx(2.0)


def test_in_one_tile_a_picture_takes_what_its_pixels_do() -> None:
    """Without surroundings, products are those of the layers at every position."""
    size, roomy = (64, 96), (1000, 1000)
    channels = {layer.name: layer.channels for layer in FOLDER.manifest.layers}
    expected, below, stride = 0, 3, 1
    for layer in FOLDER.manifest.layers:
        if layer.stride == stride and below:
            expected += below * layer.channels * (64 // stride) * (96 // stride)
        below, stride = channels[layer.name], layer.stride
        if layer.name == "conv4_2":
            break
    layers = LayerSet(content=("conv4_2",))
    graph = FOLDER.gradient_graph(layers).layers
    assert products(FOLDER, graph, size, roomy) == pytest.approx(expected)


def test_tiles_compute_their_surroundings_too() -> None:
    size = (512, 512)
    at_once = products(FOLDER, LAYERS, size, (1000, 1000))
    fine, coarse = (products(FOLDER, LAYERS, size, tile) for tile in ((32, 64), (128, 256)))
    assert fine > coarse > at_once
    block = FOLDER.blocks(LAYERS)[0]
    found = tiles(whole(size[0]), size[1], (32, 64), FOLDER.halo(block))
    computed = sum(
        (tile.rows.end - tile.rows.start) * (tile.columns.end - tile.columns.start)
        for tile in found
    )
    assert pace._computed(FOLDER, block, size, (32, 64)) == computed


def test_the_optimiser_takes_whole_pieces() -> None:
    assert [pieces((1, RUN // 3)), pieces((1, RUN // 3 + 1))] == [1, 2]
    small = Seconds((192, 256), evaluation=0.0, move=0.1)
    found = small.at((2 * RUN // 256, 256), LAYERS, STREAMED, FOLDER)
    assert found == pytest.approx(0.6), (
        "six pieces of numbers, where the small one is a part of one"
    )


def test_the_first_run_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 5.0, 8.0])
    monkeypatch.setattr(pace.time, "perf_counter", lambda: next(clock))
    runs: list[None] = []
    assert fastest(lambda: runs.append(None)) == 3.0
    assert len(runs) == 3


@pytest.mark.parametrize(
    "plan",
    [WHOLE, STREAMED, replace(STREAMED, optimizer="adam"), replace(WHOLE, regions=2)],
)
def test_what_is_timed_takes_time(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each manner once, on a picture that is no larger than the one in question."""
    monkeypatch.setattr(pace, "TIMED", ((64, 96), (300, 400)))
    measured: list[tuple[int, int]] = []
    timed = Pace._time

    def noted(self: Pace, plan: Plan, size: tuple[int, int]) -> Seconds:
        measured.append(size)
        return timed(self, plan, size)

    monkeypatch.setattr(Pace, "_time", noted)
    found = Pace(Model.open("compact", "cpu"), Options(size=64, margin=3))
    assert 0 < found.seconds(plan, (128, 192)) < found.seconds(plan, (1280, 1920))
    assert measured == [(64, 96)]
