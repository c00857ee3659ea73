"""The iteration where steps go wrong, and from white noise."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("onnxruntime", reason="runs the optimisers' graphs")

from field import Field, Formula, optimizer_of

from stylize.models.errors import DivergenceError
from stylize.runtime.method.descent import Descent
from stylize.runtime.method.iteration import Iterate, minimise
from stylize.runtime.method.objective import Objective
from stylize.runtime.method.options import OptimizerName, Options

Array = npt.NDArray[np.float32]

EXPLOSION, SLOWING, RECOVERY, MAX_RESTARTS = 10.0, 0.5, 1.2, 10
"""As models/README.md documents them."""

CURVATURES = np.geomspace(1, 300, 60, dtype=np.float32).reshape(1, 3, 4, 5)
START = np.random.default_rng(0).random((1, 3, 4, 5), np.float32)


class Bowl:
    """A quadratic whose evaluations can be told to go wrong."""

    def __init__(self, wrong: dict[int, float]) -> None:
        self.wrong = wrong
        self.count = 0

    def __call__(self, image: Array) -> tuple[float, Array]:
        self.count += 1
        away = image - np.float32(0.5)
        total = float((CURVATURES * away**2).sum()) / 2
        total *= self.wrong.get(self.count, 1.0)
        gradient = CURVATURES * away if math.isfinite(total) else np.full_like(away, np.nan)
        return total, gradient


def walk(
    wrong: dict[int, float],
    iterations: int = 12,
    optimizer: OptimizerName = "lbfgs",
    every: int = 1,
) -> Iterator[Iterate]:
    return follow(
        Bowl(wrong),
        Options(iterations=iterations, optimizer=optimizer, margin=0, pixels="free"),
        every,
    )


def follow(formula: Formula, options: Options, every: int = 1) -> Iterator[Iterate]:
    program = optimizer_of(START.shape, options.optimizer, options.history)
    objective = cast(Objective, Field(formula, START.shape))
    return minimise(Descent(program, objective, START, options), options, every)


def restarts(iterates: list[Iterate]) -> dict[int, int]:
    return {
        iterate.iteration: iterate.restarted_from
        for iterate in iterates
        if iterate.restarted_from is not None
    }


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("factor", [math.nan, math.inf, 1e6])
def test_after_an_explosion_the_search_goes_on_from_the_best(
    optimizer: OptimizerName, factor: float
) -> None:
    undisturbed = list(walk({}, 5, optimizer))
    iterates = list(walk({4: factor}, 60, optimizer))
    assert restarts(iterates) == {4: 3}
    np.testing.assert_array_equal(iterates[2].pixels, undisturbed[2].pixels)
    assert np.isfinite(iterates[4].pixels).all()
    step = np.abs(iterates[4].pixels - iterates[2].pixels).max()
    assert 0 < step <= np.abs(iterates[1].pixels - iterates[0].pixels).max() / 2 * 1.001
    assert iterates[-1].total < 0.1 * iterates[2].total


def test_an_overshoot_is_left_to_the_next_steps() -> None:
    iterates = list(walk({4: EXPLOSION / 2}))
    ratio = iterates[3].total / min(iterate.total for iterate in iterates[:3])
    assert ratio < EXPLOSION
    assert restarts(iterates) == {}


def test_each_restart_slows_the_steps_and_then_they_recover() -> None:
    first, second = (
        list(walk(wrong, 20, "adam")) for wrong in ({4: math.nan}, {4: math.nan, 5: math.nan})
    )
    assert restarts(second) == {4: 3, 5: 3}
    once = first[4].pixels - first[2].pixels
    twice = second[5].pixels - second[2].pixels
    np.testing.assert_allclose(twice, RECOVERY * SLOWING * once, rtol=1e-2)
    (*_, late, last) = walk({4: math.nan}, 20, "adam")
    (*_, usual_late, usual_last) = walk({}, 20, "adam")
    found, usual = last.pixels - late.pixels, usual_last.pixels - usual_late.pixels
    assert np.abs(found).max() > 0.5 * np.abs(usual).max()


def test_a_loss_that_stays_not_a_number_ends_the_search() -> None:
    search = walk(dict.fromkeys(range(4, 100), math.nan), 100)
    iterates = list(islice(search, 3 + MAX_RESTARTS))
    assert len(restarts(iterates)) == MAX_RESTARTS
    with pytest.raises(DivergenceError, match=f"At iteration {4 + MAX_RESTARTS} the loss is nan"):
        next(search)


def test_a_better_image_gives_ten_restarts_more() -> None:
    wrong = {n: math.nan for n in range(4, 80) if n % 2}
    assert len(restarts(list(walk(wrong, 80)))) > MAX_RESTARTS


def test_a_gradient_that_is_not_a_number_is_no_less_wrong() -> None:
    def bad(image: Array) -> tuple[float, Array]:
        return 1.0, np.full_like(image, np.nan)

    with pytest.raises(DivergenceError, match="its gradient of no use"):
        next(follow(bad, Options()))


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_reading_fewer_iterates_changes_none(optimizer: OptimizerName) -> None:
    wrong = {4: math.nan, 17: 1e6}
    each, some = (list(walk(wrong, 33, optimizer, every)) for every in (1, 10))
    assert [iterate.iteration for iterate in some] == [1, 10, 20, 30, 33]
    for iterate in some:
        same = each[iterate.iteration - 1]
        np.testing.assert_array_equal(iterate.pixels, same.pixels)
        np.testing.assert_array_equal(iterate.best.pixels, same.best.pixels)
        assert (iterate.total, iterate.best.iteration) == (same.total, same.best.iteration)
        assert iterate.best.total == same.best.total


def test_the_best_is_the_iterate_with_the_lowest_loss() -> None:
    iterates = list(walk({7: 3.0, 12: 5.0}))
    lowest = iterates[0]
    for iterate in iterates:
        lowest = iterate if iterate.total < lowest.total else lowest
        assert (iterate.best.iteration, iterate.best.total) == (lowest.iteration, lowest.total)
        np.testing.assert_array_equal(iterate.best.pixels, lowest.pixels)
    assert iterates[-1].best.iteration == 11


def test_an_iterate_keeps_its_image_while_the_search_goes_on() -> None:
    search = walk({})
    first = next(search)
    kept = first.pixels.copy()
    again = next(walk({}))
    list(search)
    np.testing.assert_array_equal(first.pixels, kept)
    list(islice(walk({}), 5))
    np.testing.assert_array_equal(again.pixels, kept)


def test_a_first_loss_that_is_not_a_number_ends_the_search() -> None:
    with pytest.raises(DivergenceError, match="At iteration 1 the loss is inf"):
        next(walk({1: math.inf}))


def test_a_finite_loss_that_stays_high_is_borne() -> None:
    iterates = list(islice(walk(dict.fromkeys(range(4, 100), 1e6), 40), 40))
    assert len(iterates) == 40
    assert len(restarts(iterates)) == MAX_RESTARTS


FROM_NOISE: dict[str, Options] = {
    "content, conv1_1": Options(style_weight=0, content_layers=("conv1_1",)),
    "content, conv5_1": Options(style_weight=0, content_layers=("conv5_1",)),
    "style, conv1_1": Options(content_weight=0, style_layers=("conv1_1",)),
    "both": Options(style_weight=1e3),
}
FALL = {
    "content, conv1_1": 1e-3,
    "content, conv5_1": 0.2,
    "style, conv1_1": 1e-3,
    "both": 0.1,
}
"""What is left of the first loss after 60 iterations, at most."""


@pytest.mark.real_weights
@pytest.mark.parametrize("what", FROM_NOISE)
def test_white_noise_becomes_a_picture(
    what: str, real_model: Callable[..., Path], real_pictures: Path
) -> None:
    from stylize.runtime import Model, Scene

    scene = Scene(
        Model.open(real_model()),
        real_pictures / "tuebingen_neckarfront.jpg",
        real_pictures / "starry_night.jpg",
    )
    options = replace(FROM_NOISE[what], init="noise", size=64, iterations=60)
    iterates = list(scene.render(options))
    best = min(iterates, key=lambda iterate: iterate.total)
    assert best.total < FALL[what] * iterates[0].total
    shown = np.asarray(best.image, float)
    assert shown.std() > 25  # not grey
    assert 40 < shown.mean() < 215  # neither black nor white
