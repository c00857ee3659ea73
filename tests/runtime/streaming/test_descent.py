"""Optimisers in pieces step as those of whole images do, and hold the images that they should."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("onnxruntime", reason="runs the optimisers' graphs")

from field import Field, Formula, optimizer_of

from stylize.models.errors import ModelError, OptionError
from stylize.runtime import Model, Options
from stylize.runtime.engine.program import Program
from stylize.runtime.engine.tensors import read
from stylize.runtime.method.descent import Descent, given_by
from stylize.runtime.method.held import Borrowed
from stylize.runtime.method.options import OptimizerName, Pixels
from stylize.runtime.providers.table import configure
from stylize.runtime.streaming import pieces as module
from stylize.runtime.streaming.descent import LBFGS, Adam, StreamedDescent
from stylize.runtime.streaming.pieces import Pieces
from stylize.runtime.streaming.storage import KINDS, Storage

Array = npt.NDArray[np.float32]

SHAPE = (1, 3, 264, 261)
"""Tiles in the coordinates of L-BFGS see 127 rows and columns around them."""
HISTORY = 4
OPTIMIZERS: dict[OptimizerName, type[LBFGS] | type[Adam]] = {"lbfgs": LBFGS, "adam": Adam}
CURVATURES = np.random.default_rng(1).uniform(1, 20, SHAPE).astype(np.float32)
START = np.random.default_rng(0).random(SHAPE, np.float32)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let even a small image have four runs, and tiles of several rows and columns."""
    monkeypatch.setattr(module, "RUN", 2**16)
    monkeypatch.setattr(module, "SIDE", 260)
    monkeypatch.setattr(module, "STRIP", 12)


class Bowl:
    """A bowl with waves, whose evaluations can be told to go wrong."""

    def __init__(self, wrong: dict[int, float]) -> None:
        self.wrong = wrong
        self.count = 0

    def __call__(self, image: Array) -> tuple[float, Array]:
        self.count += 1
        away = image - np.float32(0.5)
        total = float((CURVATURES * away**2).sum()) / 2 + float(np.sin(2 * image).sum()) / 5
        worse = self.wrong.get(self.count, 1.0)
        gradient = CURVATURES * away + np.float32(0.4) * np.cos(2 * image)
        return (total + 1e4) * worse, np.float32(worse) * gradient


def pieces(storage: Storage | None = None, size: tuple[int, int] = SHAPE[2:]) -> Pieces:
    folder = Model.open("compact", "cpu").folder
    return Pieces(folder, size, HISTORY + 1, configure("cpu"), storage or Storage())


def whole(formula: Formula, name: OptimizerName, pixels: Pixels = "free") -> Descent:
    program = optimizer_of(SHAPE, name, HISTORY)
    return Descent(program, Field(formula, SHAPE), START, Options(pixels=pixels))  # type: ignore[arg-type]


def streamed(
    formula: Formula,
    name: OptimizerName,
    pixels: Pixels = "free",
    storage: Storage | None = None,
) -> StreamedDescent:
    def evaluate(image: Array, gradient: Array) -> np.float32:
        total, gradient[...] = formula(image)
        return np.float32(total)

    given = given_by(Options(pixels=pixels))
    return StreamedDescent(evaluate, pieces(storage), OPTIMIZERS[name], START, given)


def image_of(descent: StreamedDescent, iteration: int) -> Array:
    found = descent.image_of(iteration)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "pixels"), [("lbfgs", "free"), ("lbfgs", "bounded"), ("adam", "bounded")]
)
def test_steps_are_those_of_the_whole(name: OptimizerName, pixels: Pixels) -> None:
    """Through an explosion and a loss that is no number, too."""
    wrong = {5: 1e4, 8: math.nan}
    expected, found = whole(Bowl(wrong), name, pixels), streamed(Bowl(wrong), name, pixels)
    restarts = []
    for step in range(1, 11):
        expected.step()
        found.step()
        assert found.iteration == step
        assert found.best_iteration == expected.best_iteration
        assert found.best_total == pytest.approx(expected.best_total, rel=1e-6)
        assert (found.restarted, found.failed) == (expected.restarted, expected.failed)
        here, best = read(expected.image), read(expected.best_image)
        np.testing.assert_allclose(image_of(found, step), here, atol=1e-4)
        np.testing.assert_allclose(image_of(found, found.best_iteration), best, atol=1e-4)
        restarts += [step] if found.restarted else []
    assert restarts == [5, 8]
    assert found.best_iteration > 8


def test_images_are_cut_into_runs_and_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the test above would not show much."""
    runs: dict[str, int] = {}
    bind = Program.bind

    def counted(self: Program, *given: object, **options: object) -> Callable[[], None]:
        run = bind(self, *given, **options)  # type: ignore[arg-type]

        def counting() -> None:
            runs[self.file] = runs.get(self.file, 0) + 1  # type: ignore[attr-defined]
            run()

        return counting

    monkeypatch.setattr(Program, "bind", counted)
    load = Program.__init__

    def named(self: Program, folder: object, graph: object, *rest: object) -> None:
        self.file = graph.file  # type: ignore[attr-defined]
        load(self, folder, graph, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Program, "__init__", named)
    streamed(Bowl({}), "lbfgs").step()
    assert runs["lbfgs.step.onnx"] == runs["lbfgs.products.onnx"] == runs["slope.onnx"] == 4
    assert runs["lbfgs.move.onnx"] == runs["coordinates.onnx"] == 4


def test_on_disk_they_are_the_same(tmp_path: Path) -> None:
    found, expected = (
        streamed(Bowl({4: 1e4}), "lbfgs", storage=storage)
        for storage in (Storage(tmp_path, KINDS), Storage())
    )
    for step in range(1, 6):
        found.step()
        expected.step()
        np.testing.assert_array_equal(image_of(found, step), image_of(expected, step))


def test_a_loss_that_stays_not_a_number_ends_the_search() -> None:
    expected, found = (
        make(Bowl(dict.fromkeys(range(3, 30), math.nan)), "adam") for make in (whole, streamed)
    )
    flags = []
    for _ in range(15):
        expected.step()
        found.step()
        assert found.failed == expected.failed
        flags.append(found.failed)
    assert flags[0] is False
    assert flags[-1] is True
    assert found.best_iteration == 2
    np.testing.assert_allclose(image_of(found, 2), read(expected.best_image), atol=1e-4)


def test_the_first_image_lies_within_the_bounds() -> None:
    beyond = 3 * START - 1
    given = given_by(Options(pixels="bounded"))
    descent = StreamedDescent(lambda *_: np.float32(1), pieces(), Adam, beyond, given)
    descent.step()
    np.testing.assert_array_equal(image_of(descent, 1), beyond.clip(0, 1))


class TestHeldImages:
    def held(self, descent: StreamedDescent, iteration: int, best: bool) -> Borrowed:
        return Borrowed(descent, iteration, SHAPE, best)

    def test_are_there_until_the_search_needs_their_place(self) -> None:
        descent = streamed(Bowl({2: 3.0}), "adam")
        descent.step()
        first = self.held(descent, 1, best=True)
        descent.step()
        worse = self.held(descent, 2, best=False)
        np.testing.assert_array_equal(first.read(), START)
        assert worse.read() is descent.image_of(2)
        for _ in range(2):
            descent.step()
        with pytest.raises(OptionError, match=r"This image is gone.*Read it before"):
            worse.read()

    def test_which_were_the_best_give_place_to_a_better(self) -> None:
        descent = streamed(Bowl({}), "adam")
        descent.step()
        held = self.held(descent, 1, best=True)
        for _ in range(3):
            descent.step()
        assert descent.image_of(1) is None
        assert held.read() is descent.image_of(4)

    def test_are_the_best_after_an_error_too(self) -> None:
        bowl = Bowl({})

        def formula(image: Array) -> tuple[float, Array]:
            if bowl.count == 3:
                raise ValueError("no memory")
            return bowl(image)

        descent = streamed(formula, "lbfgs")
        for _ in range(3):
            descent.step()
        held = self.held(descent, 3, best=True)
        expected = held.read().copy()
        with pytest.raises(ValueError, match="no memory"):
            descent.step()
        np.testing.assert_array_equal(held.read(), expected)


@pytest.mark.parametrize("size", [(41, 38), (7, 270), (24, 3)], ids=str)
def test_the_variation_is_that_of_the_whole(size: tuple[int, int]) -> None:
    image, other = np.random.default_rng(0).random((2, 1, 3, *size), np.float32)
    weight = np.array(0.3, np.float32)
    program = Model.open("compact", "cpu")._variation(size)
    expected = program(
        {
            "image": image,
            "other_gradient": other,
            "other_total": np.array(0, np.float32),
            "tv_weight": weight,
        }
    )
    found = np.zeros_like(image)
    images, numbers = {"image": image, "other_gradient": other}, {"tv_weight": weight}
    told = pieces(size=size).over_tiles("variation.strip", images, numbers, ("gradient", found))
    np.testing.assert_allclose(told["variation"], expected["variation"], rtol=1e-5)
    np.testing.assert_allclose(found, expected["gradient"], rtol=1e-4, atol=1e-3)


def test_a_folder_of_an_earlier_release_is_told() -> None:
    ours = pieces()
    folder = ours._folder
    ours._folder = replace(folder, manifest=replace(folder.manifest, pieces={}))
    with pytest.raises(ModelError, match=r"exported by an earlier release.*Export it again"):
        ours.decide("judge", {})
