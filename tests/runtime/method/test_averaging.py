"""The running mean of images, beside the mean as its source has it."""

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("onnxruntime", reason="runs the optimisers' graphs")

from stylize.models.errors import OptionError
from stylize.runtime import Model, Options, Scene
from stylize.runtime.method import averaging
from stylize.runtime.method.scene import planned
from stylize.runtime.pictures.arrays import add_enlarged, room_for
from stylize.runtime.streaming.plan import Case
from stylize.runtime.streaming.storage import KINDS

DECAY = 0.8
OPTIONS = Options(size=32, scales=1, iterations=6, optimizer="adam", margin=3)


class EMA:
    """style-transfer-pytorch: a bias-corrected exponential moving average, in float64."""

    def __init__(self, image: npt.NDArray[np.float32]) -> None:
        self.value = np.zeros(image.shape)
        self.accum = 1.0
        self.update(image)

    def get(self) -> npt.NDArray[np.float64]:
        return self.value / (1 - self.accum)

    def update(self, image: npt.NDArray[np.float32]) -> None:
        self.accum *= DECAY
        self.value *= DECAY
        self.value += (1 - DECAY) * image


@pytest.fixture
def scene(picture: Callable[..., Path]) -> Scene:
    return Scene(
        Model.open("compact", "cpu"), picture("photo.png"), picture("painting.png", seed=1)
    )


def test_the_picture_is_the_mean_of_all_images(scene: Scene) -> None:
    longer = replace(OPTIONS, iterations=OPTIONS.iterations + 1)
    first, *images = (iterate.pixels for iterate in scene.render(longer))
    mean = EMA(first)
    found = list(scene.render(replace(OPTIONS, average=DECAY)))
    for iterate, image in zip(found, images, strict=True):
        mean.update(image)
        np.testing.assert_allclose(iterate.pixels, mean.get(), atol=1e-6)
        assert iterate.best.iteration == iterate.iteration
    assert np.abs(found[-1].pixels - images[-1]).max() > 1e-3


def test_losses_are_those_of_the_images_themselves(scene: Scene) -> None:
    plain, averaged = (
        [iterate.losses for iterate in scene.render(replace(OPTIONS, average=decay))]
        for decay in (0, DECAY)
    )
    assert plain == averaged


def test_each_image_counts_where_few_are_told(scene: Scene) -> None:
    options = replace(OPTIONS, average=DECAY)
    *_, last = scene.render(options)
    *_, seldom = scene.render(options, every=4)
    np.testing.assert_array_equal(seldom.pixels, last.pixels)


def test_the_next_scale_begins_with_the_mean(scene: Scene) -> None:
    options = replace(OPTIONS, size=48, average=DECAY, init="painting", margin=0, scales=(24,))
    _, fine = scene.stages(options)
    *coarse, first, _, _ = scene.render(options)
    mean, _ = room_for(first.size, 0)
    add_enlarged(mean, coarse[-1].best.pixels)
    assert first.total == pytest.approx(scene.objective(fine)(mean.clip(0, 1)).total, rel=1e-5)


def test_workers_keep_none(scene: Scene) -> None:
    averaged, plan = replace(OPTIONS, average=DECAY), scene.plan(OPTIONS)
    assert planned(averaged, plan) == averaged
    assert planned(averaged, replace(plan, tile=(16, 16), workers=2)) == OPTIONS


@pytest.fixture
def by_tiles(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    plan = scene.plan(OPTIONS)
    tiled = replace(plan, tile=(16, 16), on_disk=())
    monkeypatch.setattr(Scene, "plan", lambda *_: tiled)
    monkeypatch.setattr(averaging, "ROWS", 5)
    return scene


def test_by_tiles_it_is_the_same_mean(scene: Scene, request: pytest.FixtureRequest) -> None:
    options = replace(OPTIONS, average=DECAY)
    expected = [iterate.pixels for iterate in scene.render(options)]
    tiled = request.getfixturevalue("by_tiles").render(options)
    for iterate, mean in zip(tiled, expected, strict=True):
        assert iterate.best.iteration == iterate.iteration
        np.testing.assert_allclose(iterate.pixels, mean, atol=2e-5)


def test_by_tiles_a_mean_is_gone_after_the_next_step(by_tiles: Scene) -> None:
    first, _ = islice(by_tiles.render(replace(OPTIONS, average=DECAY)), 2)
    with pytest.raises(OptionError, match="gone"):
        first.pixels  # noqa: B018


def test_a_plan_counts_it() -> None:
    folder = Model.open("compact", "cpu").folder
    case = Case(folder, Options().layers, (4000, 3000), "adam", 0)
    plain, averaged = (
        replace(case, averaged=each).streamed((64, 128), 0.0, KINDS).memory
        for each in (False, True)
    )
    assert averaged - plain == 12 * 4000 * 3000
