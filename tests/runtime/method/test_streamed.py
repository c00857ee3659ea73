"""Pictures by tiles are those that are computed whole."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

pytest.importorskip("onnxruntime", reason="makes pictures")

from stylize.models.errors import OptionError
from stylize.models.layers import Statistics
from stylize.runtime import RECONSTRUCTION, Iterate, Model, Options, Scene
from stylize.runtime.method import model as module
from stylize.runtime.method.coefficients import STATISTICS
from stylize.runtime.method.objective import Objective
from stylize.runtime.method.streamed import StreamedObjective
from stylize.runtime.streaming import pieces
from stylize.runtime.streaming.losses import StreamedLosses
from stylize.runtime.streaming.picture import StreamedPicture
from stylize.runtime.streaming.pieces import Pieces
from stylize.runtime.streaming.plan import Budget, Case, Plan
from stylize.runtime.streaming.storage import KINDS, Kind

Array = npt.NDArray[np.float32]

TILE = (24, 32)
SHORT = Options(size=64, iterations=6, margin=0, scales=1)
FINAL = 1e-3


class Tiles:
    """Switches plans with tiles on and off."""

    def __init__(self) -> None:
        self.on, self.on_disk = True, tuple[Kind, ...]()
        self.history: int | None = None
        self.make_plan, self.plan_targets = module.make_plan, module.plan_targets

    def plan(self, case: Case, *given: Any) -> Plan:
        if not self.on:
            return self.make_plan(case, *given)
        return Plan(TILE, case.optimizer, self.history or case.history, self.on_disk, 0, 0)

    def of_targets(self, case: Case, *given: Any) -> Plan:
        return self.plan(case) if self.on else self.plan_targets(case, *given)


@pytest.fixture(autouse=True)
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let small pictures have several, for the optimisers' sake and for time's."""
    monkeypatch.setattr(pieces, "RUN", 2**12)


@pytest.fixture
def tiles(monkeypatch: pytest.MonkeyPatch) -> Tiles:
    """Let small pictures be computed by tiles, too."""
    found = Tiles()
    monkeypatch.setattr(module, "make_plan", found.plan)
    monkeypatch.setattr(module, "plan_targets", found.of_targets)
    return found


@pytest.fixture
def photo(picture: Callable[..., Path]) -> Path:
    return picture("photo.png", (70, 51))


@pytest.fixture
def painting(picture: Callable[..., Path]) -> Path:
    return picture("painting.png", (90, 77), seed=1)


@pytest.fixture
def scene(photo: Path, painting: Path) -> Scene:
    return Scene(Model.open("compact", "cpu"), photo, painting)


def rendered(scene: Scene, options: Options) -> list[tuple[float, Array]]:
    """Return each total and image, read while it is there."""
    return [(each.total, each.pixels) for each in scene.render(options)]


def assert_alike(scene: Scene, options: Options, tiles: Tiles) -> None:
    tiles.on = False
    expected = rendered(scene, options)
    tiles.on = True
    scene._targets._known.clear()
    found = rendered(scene, options)
    assert len(found) == len(expected)
    np.testing.assert_allclose(found[0][1], expected[0][1], atol=1e-6)
    assert found[0][0] == pytest.approx(expected[0][0], rel=2e-4)
    best, other = (min(total for total, _ in each) for each in (found, expected))
    assert best == pytest.approx(other, rel=FINAL)
    assert best < found[0][0]
    assert np.abs(found[-1][1] - expected[-1][1]).mean() < 0.01


@pytest.mark.parametrize(
    "more",
    [
        {"margin": 9},
        {"optimizer": "adam", "init": "noise", "seed": 3},
        {"tv_weight": 1e-3, "size": (41, 58), "pixels": "free"},
        {"scales": (32,), "iterations": 8},
        {"painting_size": 90, "colors": "painting-matched", "losses": "paper"},
    ],
    ids=lambda more: " ".join(more),
)
def test_a_picture_by_tiles_is_that_of_the_whole(
    scene: Scene, tiles: Tiles, more: dict[str, Any]
) -> None:
    assert_alike(scene, replace(SHORT, **more), tiles)


def test_so_is_a_texture(painting: Path, tiles: Tiles) -> None:
    scene = Scene(Model.open("compact", "cpu"), painting=painting)
    assert_alike(scene, replace(SHORT, content_weight=0.0, init="noise"), tiles)


def test_so_is_a_reconstruction(photo: Path, tiles: Tiles) -> None:
    plain = replace(RECONSTRUCTION, size=64, iterations=6, margin=0)
    assert_alike(Scene(Model.open("compact", "cpu"), photo), plain, tiles)


def test_on_disk_it_is_the_same(
    photo: Path, painting: Path, tiles: Tiles, tmp_path: Path, scene: Scene
) -> None:
    tiles.on_disk = KINDS
    model = Model.open("compact", "cpu", Budget(scratch=tmp_path))
    options = replace(SHORT, scales=(32,), iterations=8)
    for (total, found), (expected, image) in zip(
        rendered(Scene(model, photo, painting), options), rendered(scene, options), strict=True
    ):
        assert total == expected
        np.testing.assert_array_equal(found, image)


def test_transparent_parts_come_back(painting: Path, tiles: Tiles, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (51, 70, 4), np.uint8)
    Image.fromarray(pixels, "RGBA").save(tmp_path / "seen.png")
    scene = Scene(Model.open("compact", "cpu"), tmp_path / "seen.png", painting)
    *_, last = scene.render(SHORT)
    found = last.best.image
    assert found.mode == "RGBA"
    tiles.on = False
    *_, expected = Scene(scene._model, tmp_path / "seen.png", painting).render(SHORT)
    assert found.getchannel("A").tobytes() == expected.best.image.getchannel("A").tobytes()


def test_an_iterate_is_there_until_the_next_and_the_best_for_good(
    scene: Scene, tiles: Tiles
) -> None:
    iterates: list[Iterate] = []
    seen: list[Array] = []
    for iterate in scene.render(replace(SHORT, optimizer="adam", learning_rate=2e-3)):
        iterates.append(iterate)
        seen.append(iterate.pixels)
    assert [iterate.best.iteration for iterate in iterates] == list(range(1, 7))
    np.testing.assert_array_equal(iterates[-1].best.pixels, seen[-1])
    assert iterates[0].size == (64, 47)


def test_after_an_error_the_best_picture_is_intact(
    scene: Scene, tiles: Tiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of the fifth evaluation."""
    undisturbed = rendered(scene, SHORT)
    iterates = scene.render(SHORT)
    for _ in range(4):
        last = next(iterates)

    def fail(self: StreamedLosses, maps: list[Array], gradient: Array) -> None:
        gradient[:, :, :20] = np.nan
        raise MemoryError

    monkeypatch.setattr(StreamedLosses, "_downwards", fail)
    with pytest.raises(MemoryError):
        next(iterates)
    best = last.best.iteration - 1
    assert last.best.total == undisturbed[best][0]
    np.testing.assert_array_equal(last.best.pixels, undisturbed[best][1])


def test_the_plan_that_is_told_is_the_one_that_is_used(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the process itself takes meanwhile does not change it."""
    used: list[Plan] = []
    init = StreamedPicture.__init__

    def seen(self: StreamedPicture, *given: Any) -> None:
        used.append(given[3])
        init(self, *given)

    spare = iter([3 * 10**8, 10**8, 10**7, 10**6])
    monkeypatch.setattr(module, "memory_to_spare", lambda _: next(spare))
    monkeypatch.setattr(StreamedPicture, "__init__", seen)
    monkeypatch.setattr("stylize.runtime.streaming.plan.UNSTREAMED", 1)
    plan = scene.plan(SHORT)
    assert plan.tile
    list(scene.render(SHORT))
    assert used == [plan]
    assert scene.plan(SHORT) == plan


def test_what_is_shortened_is_shortened(
    scene: Scene, tiles: Tiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    places: list[int] = []
    init = Pieces.__init__

    def seen(self: Pieces, *given: Any) -> None:
        places.append(given[2])
        init(self, *given)

    monkeypatch.setattr(Pieces, "__init__", seen)
    tiles.history = 2
    list(scene.render(SHORT))
    assert set(places) == {2 + 1}, "one is free for the next"


@pytest.mark.parametrize("statistics", STATISTICS)
def test_an_objective_by_tiles_is_that_of_the_whole(
    scene: Scene, tiles: Tiles, statistics: Statistics
) -> None:
    options = replace(SHORT, tv_weight=1e-3, style_statistics=statistics)
    by_tiles = scene.objective(options)
    tiles.on = False
    scene._plans.clear()
    whole = scene.objective(options)
    assert isinstance(by_tiles, StreamedObjective)
    assert isinstance(whole, Objective)
    image = np.random.default_rng(0).random(whole.shape, np.float32)
    found, expected = by_tiles(image), whole(image)
    assert found.total == pytest.approx(expected.total, rel=1e-4)
    assert found.variation == pytest.approx(expected.variation, rel=1e-5)
    assert found.style_losses == pytest.approx(expected.style_losses, rel=2e-4)
    away = np.linalg.norm(found.gradient - expected.gradient)
    assert away < 3e-3 * np.linalg.norm(expected.gradient)
    with pytest.raises(OptionError, match="The image's shape is"):
        by_tiles(image[..., 1:])


def test_neither_picture_is_looked_at_whole(
    scene: Scene, tiles: Tiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Model, "targets", None)
    monkeypatch.setattr(Model, "objective", None)
    list(scene.render(replace(SHORT, iterations=1, painting_size=90)))
