"""Losses of style beside Gram's: their formulas in numpy, in float64, and what is at the limits."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

onnx = pytest.importorskip("onnx", reason="exporting needs onnx")

from onnx.reference import ReferenceEvaluator

from stylize.export.calculus.autodiff import differentiate
from stylize.export.calculus.graph import Graph
from stylize.export.calculus.terms import Term
from stylize.export.method.moments import add_moments, target_shape
from stylize.export.method.roots import inverse, square_root
from stylize.export.method.statistics import FLOOR, LOSSES, StyleLayer, root_model
from stylize.models.layers import Statistics
from stylize.runtime.method.coefficients import STATISTICS

Array = npt.NDArray[Any]

N, HEIGHT, WIDTH = 5, 9, 11
M = HEIGHT * WIDTH
SCALE = 40.0
"""Of responses in the losses: then FLOOR is about as much as a response's square."""
LAYER = StyleLayer(channels=N, represented=3 * N, scale=SCALE)
RANDOM = np.random.default_rng(0)
FOUND, PAINTED = np.maximum(RANDOM.standard_normal((2, N, M)), -0.5)


def target_of(responses: Array) -> Array:
    """[A ν; νᵀ 1]: F and a channel that is 1 everywhere, times its transpose."""
    rows = np.vstack([responses, np.ones((1, responses.shape[1]), responses.dtype)])
    return rows @ rows.T / responses.shape[1]


def evaluate(statistics: Statistics, responses: Array, target: Array) -> tuple[float, Array]:
    """Return a loss, and its gradient by the responses."""
    dtype, (n, positions) = responses.dtype, responses.shape
    if statistics == "bures":
        (target,) = ReferenceEvaluator(root_model(SCALE, dtype)).run(None, {"style_target": target})
    graph = Graph(dtype)
    feature = graph.input("feature", (1, n, 1, positions))
    given = Term(graph, graph.input("target", target_shape(n)))
    layer = StyleLayer(n, 3 * n, SCALE)
    loss = LOSSES[statistics](add_moments(graph, feature, n), given, layer).name
    graph.output("loss", loss, ())
    graph.output("gradient", differentiate(graph, loss, feature), (1, n, 1, positions))
    feeds = {"feature": responses[None, :, None], "target": target}
    found, gradient = ReferenceEvaluator(graph.model("loss")).run(None, feeds)
    return float(found), gradient.reshape(responses.shape)


def gram(responses: Array, painted: Array) -> float:
    """1/(4 N²) |G/M - A/M_a|² (eq. 4)."""
    apart = responses @ responses.T / responses.shape[1] - painted @ painted.T / painted.shape[1]
    return float(SCALE**4 * (apart**2).sum() / (4 * LAYER.represented**2))


def moments(responses: Array, painted: Array) -> float:
    """E_l + 5/2 N (|μ - ν|² + |σ - τ|²)."""
    apart = responses.mean(1) - painted.mean(1)
    spread = responses.std(1) - painted.std(1)
    both = SCALE**2 * ((apart**2).sum() + (spread**2).sum())
    return float(gram(responses, painted) + 5 / 2 * LAYER.represented * both)


def root(matrix: Array) -> Array:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(values)) @ vectors.T)


def bures(responses: Array, painted: Array) -> float:
    """|μ - ν|² + tr C + tr D - 2 tr (D^½ C D^½)^½."""
    apart = responses.mean(1) - painted.mean(1)
    floor = FLOOR / SCALE**2 * np.eye(N)
    one, other = np.cov(responses, ddof=0) + floor, np.cov(painted, ddof=0) + floor
    overlap = root(root(other) @ one @ root(other))
    distance = (apart**2).sum() + np.trace(one + other - 2 * overlap)
    return float(SCALE**2 * distance)


FORMULAS: dict[Statistics, Callable[[Array, Array], float]] = {
    "gram": gram,
    "gram+moments": moments,
    "bures": bures,
}

CLOSE = {"gram": 1e-9, "gram+moments": 1e-4, "bures": 1e-9}
"""Standard deviations are of variances with a little added."""


@pytest.mark.parametrize("statistics", FORMULAS)
def test_a_loss_is_its_formula(statistics: Statistics) -> None:
    found, _ = evaluate(statistics, FOUND, target_of(PAINTED))
    expected = FORMULAS[statistics](FOUND, PAINTED)
    assert found == pytest.approx(expected, rel=CLOSE[statistics])


@pytest.mark.parametrize("statistics", FORMULAS)
def test_a_gradient_is_the_slope_of_the_formula(statistics: Statistics) -> None:
    _, gradient = evaluate(statistics, FOUND, target_of(PAINTED))
    for step in 1e-5 * RANDOM.standard_normal((3, N, M)):
        ahead, behind = (FORMULAS[statistics](FOUND + way * step, PAINTED) for way in (1, -1))
        slope = 2 * (gradient * step).sum()
        assert ahead - behind == pytest.approx(slope, rel=max(CLOSE[statistics], 1e-6))


@pytest.mark.parametrize("statistics", FORMULAS)
def test_a_blend_of_targets_is_the_target_of_both_paintings_together(
    statistics: Statistics,
) -> None:
    other = np.maximum(RANDOM.standard_normal((N, 2 * M)), 0.1)
    blend = (target_of(PAINTED) + 2 * target_of(other)) / 3
    together = target_of(np.hstack([PAINTED, other]))
    found, expected = (evaluate(statistics, FOUND, each)[0] for each in (blend, together))
    assert found == pytest.approx(expected, rel=1e-9)


def test_newton_and_schulz_find_a_root_and_its_inverse() -> None:
    matrix = PAINTED @ PAINTED.T / M
    graph = Graph(np.float64)
    given = Term(graph, graph.input("matrix", (N, N)))
    found = square_root(given)
    graph.output("root", found.name, (N, N))
    graph.output("inverse", inverse(found).name, (N, N))
    one, other = ReferenceEvaluator(graph.model("root")).run(None, {"matrix": matrix})
    np.testing.assert_allclose(one @ one, matrix, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(one @ other, np.eye(N), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("statistics", FORMULAS)
def test_what_a_loss_is_without_any_response_is_known(statistics: Statistics) -> None:
    """As part of it are losses told that are relative to their targets."""
    painted = 1e3 * PAINTED
    target = target_of(painted)
    found, _ = evaluate(statistics, np.zeros((N, M)), target)
    expected = STATISTICS[statistics].at_rest(target[:-1, :-1], LAYER.represented, SCALE)
    assert expected == pytest.approx(found, rel=3e-3)  # but for the floor of variances


FLAT = np.full((40, 60), 7.0)
NOTHING = np.zeros((40, 60))
FEW = 30 * RANDOM.random((40, 3))
ALIKE = np.tile(30 * RANDOM.random((1, 60)), (40, 1))
"""Of one colour, black, at fewer positions than channels, and with channels that are all the same:
covariances of rank 0, 0, 2 and 1."""
BARELY = RANDOM.uniform(100, 900, (40, 1)) + 1e-3 * RANDOM.standard_normal((40, 600))
"""It varies by less than float32's rounding of its squares."""
DEGENERATE = {"barely": BARELY, "flat": FLAT, "nothing": NOTHING, "few": FEW, "alike": ALIKE}


@pytest.mark.parametrize("painted", DEGENERATE)
@pytest.mark.parametrize("found", DEGENERATE)
@pytest.mark.parametrize("statistics", ["gram+moments", "bures"])
def test_degenerate_responses_have_a_finite_loss_and_gradient_in_float32(
    statistics: Statistics, found: str, painted: str
) -> None:
    target = target_of(DEGENERATE[painted].astype(np.float32))
    with np.errstate(all="raise", under="ignore"):
        loss, gradient = evaluate(statistics, DEGENERATE[found].astype(np.float32), target)
    assert np.isfinite(loss)
    assert np.isfinite(gradient).all()
    if found == painted != "barely":
        power = SCALE**2 * np.trace(target)
        assert abs(loss) <= 2e-4 * power + SCALE**2 * 40 * FLOOR


def test_a_layer_without_a_target_sends_no_gradient_where_it_has_no_weight() -> None:
    """As it is where a graph looks at more layers than were asked for."""
    graph = Graph(np.float32)
    feature = graph.input("feature", (1, N, HEIGHT, WIDTH))
    given = Term(graph, graph.input("target", target_shape(N)))
    loss = LOSSES["bures"](add_moments(graph, feature, N), given, LAYER)
    total = graph.add("Mul", graph.constant(0), loss.name)
    graph.output("gradient", differentiate(graph, total, feature), (1, N, HEIGHT, WIDTH))
    feeds = {
        "feature": FOUND.reshape(1, N, HEIGHT, WIDTH).astype(np.float32),
        "target": np.zeros(target_shape(N), np.float32),
    }
    (gradient,) = ReferenceEvaluator(graph.model("loss")).run(None, feeds)
    assert not gradient.any()
