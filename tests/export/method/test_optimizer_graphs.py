"""The optimisers' graphs in float64 against their plain forms."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("onnx", reason="exporting needs onnx")
pytest.importorskip("onnxruntime", reason="runs the graphs")

import onnx
from steps import FREE, Steps
from two_loops import TwoLoops, by_coordinates, image_of

from stylize.export.method.adam import adam_model
from stylize.export.method.lbfgs import lbfgs_model
from stylize.export.method.safeguard import MAX_RESTARTS
from stylize.export.method.variation import variation_model
from stylize.runtime.method.options import MAX_HISTORY

Array = npt.NDArray[np.float64]

SHAPE = (1, 3, 5, 7)
CURVATURES = np.geomspace(1, 300, 105).reshape(SHAPE)

ADAM = {"learning_rate": 0.02, "beta2": 0.99}
GIVEN = {"total", "gradient", *FREE, *ADAM}


def waves(image: Array) -> tuple[float, Array]:
    """A bowl with waves on it, some of negative curvature."""
    away = image - 0.5
    total = 1e4 + (CURVATURES * away**2).sum() / 2 + 0.2 * np.sin(3 * image).sum()
    return float(total), CURVATURES * away + 0.6 * np.cos(3 * image)


def begin(model: onnx.ModelProto, history: int = 1, **given: float) -> Steps:
    return Steps(model, np.random.default_rng(0).random(SHAPE), history, **given)


@pytest.mark.parametrize("history", [1, 2, 3, 7, 8, 100, MAX_HISTORY])
def test_lbfgs_steps_as_the_two_loops_do(history: int) -> None:
    steps, reference = begin(lbfgs_model(np.float64), history), TwoLoops(history)
    for _ in range(60):
        total, gradient = waves(steps.state["image"])
        expected = image_of(reference.step(total, by_coordinates(gradient)))
        found = steps.step(total, gradient)
        assert steps.state["counts"].sum() == len(reference.pairs)
        assert np.linalg.norm(found - expected) <= 1e-9 * np.linalg.norm(expected)
    assert not steps.flags["restarted"]


@pytest.mark.parametrize("history", [1, 5, 100])
def test_the_two_loops_step_as_torch(history: int) -> None:
    """With torch's own first step and its γ, and steps of any length."""
    torch = pytest.importorskip("torch", reason="compares with torch.optim")
    image = torch.full((105,), 0.1, dtype=torch.float64)
    theirs = torch.optim.LBFGS(
        [image], history_size=history, max_iter=1, tolerance_grad=0, tolerance_change=0
    )
    ours = TwoLoops(
        history,
        first=lambda _, g: min(1.0, 1 / np.abs(g).sum()),
        growth=np.inf,
        stretching=lambda _: 1.0,
    )
    for _ in range(40):
        before = image.numpy().copy()
        total, gradient = waves(before.reshape(SHAPE))
        image.grad = torch.from_numpy(gradient.ravel())
        theirs.step(lambda total=total: total)
        step = image.numpy() - before
        expected = ours.step(total, gradient).ravel()
        assert np.linalg.norm(step - expected) <= 1e-6 * np.linalg.norm(expected)


def test_without_curvature_steps_go_down_the_gradient_by_so_many_grey_levels() -> None:
    """Along a line of growing slope no curvature is ever known."""
    steps, reference = begin(lbfgs_model(np.float64), 3), TwoLoops(3)
    for turn in range(6):
        gradient = np.full(SHAPE, 1.0 + turn)
        expected = image_of(reference.step(1e9, by_coordinates(gradient)))
        np.testing.assert_allclose(steps.step(1e9, gradient), expected, rtol=1e-9)
        length = np.sqrt((steps.state["step"] ** 2).mean())
        assert length == pytest.approx(16 / 255, rel=1e-6)
    assert steps.state["counts"].sum() == 0


def test_the_first_step_goes_half_the_way_where_the_loss_is_a_square() -> None:
    steps = begin(lbfgs_model(np.float64), 3)
    gradient = np.zeros(SHAPE)
    gradient[..., 2, 3] = 1.0
    by_z = by_coordinates(gradient)
    steps.step(0.01, gradient)
    np.testing.assert_allclose(steps.state["step"], -0.01 * by_z / (by_z**2).sum(), rtol=1e-9)


def test_adam_steps_as_its_algorithm_says() -> None:
    steps = begin(adam_model(np.float64), **ADAM)
    m, v = np.zeros(SHAPE), np.zeros(SHAPE)
    for t in range(1, 30):
        total, gradient = waves(steps.state["image"])
        m, v = 0.9 * m + 0.1 * gradient, 0.99 * v + 0.01 * gradient**2
        scale = np.sqrt(v / (1 - 0.99**t)) + 1e-8
        expected = -0.02 * m / (1 - 0.9**t) / scale
        np.testing.assert_allclose(steps.step(total, gradient), expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("make", [adam_model, lbfgs_model])
def test_pixels_are_held_between_bounds(make: Callable[..., onnx.ModelProto]) -> None:
    steps = begin(make(np.float64), 3, **ADAM, least=0.45, most=0.5)
    for _ in range(15):
        steps.step(*waves(steps.state["image"]))
    found = steps.state["image"]
    assert (found.min(), found.max()) == (0.45, 0.5)
    assert not np.isin(found, (0.45, 0.5)).all()


MODELS: dict[str, Callable[..., onnx.ModelProto]] = {"adam": adam_model, "lbfgs": lbfgs_model}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_never_stays(name: str, wrong: float) -> None:
    steps = begin(MODELS[name](np.float64), 4, **ADAM)
    for turn in range(8 + MAX_RESTARTS):
        total, gradient = waves(steps.state["image"])
        bad = turn >= 7
        steps.step(*((wrong, np.full(SHAPE, wrong)) if bad else (total, gradient)))
        numbers = {key: value for key, value in steps.state.items() if key not in GIVEN}
        assert all(np.isfinite(value).all() for value in numbers.values()), turn
        assert steps.flags == {"restarted": bad, "failed": turn == 7 + MAX_RESTARTS}


@pytest.mark.parametrize("name", MODELS)
def test_a_first_loss_that_is_not_a_number_is_a_failure(name: str) -> None:
    steps = begin(MODELS[name](np.float64), 4, **ADAM)
    steps.step(np.nan, np.full(SHAPE, np.nan))
    assert steps.flags == {"restarted": False, "failed": True}


@pytest.mark.parametrize("model", [adam_model, lbfgs_model, variation_model])
def test_there_is_no_control_flow(model: Callable[..., onnx.ModelProto]) -> None:
    """CUDA graphs cannot record it."""
    operators = {node.op_type for node in model().graph.node}
    assert not operators & {"If", "Loop", "Scan"}


@pytest.mark.parametrize("model", [adam_model, lbfgs_model, variation_model])
def test_there_is_no_operator_that_webgpu_lacks(model: Callable[..., onnx.ModelProto]) -> None:
    operators = {node.op_type for node in model().graph.node}
    assert not operators & {"And", "Or", "Xor", "Min", "Max"}


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-np.inf, 1.0), (0.0, np.inf)])
def test_pixels_are_held_between_the_bounds_exactly(bounds: tuple[float, float]) -> None:
    least, most = bounds
    gradient = np.linspace(-1, 1, 105).reshape(SHAPE)
    free = begin(adam_model(np.float64), learning_rate=1.5, beta2=0.99)
    bounded = begin(adam_model(np.float64), learning_rate=1.5, beta2=0.99, least=least, most=most)
    for steps in (free, bounded):
        steps.step(1.0, gradient)
    assert np.array_equal(bounded.state["image"], np.clip(free.state["image"], least, most))
    assert free.state["image"].min() < 0
    assert free.state["image"].max() > 1


def test_the_history_is_read_only_by_what_writes_into_it() -> None:
    """So that both may be the same memory."""
    nodes = lbfgs_model().graph.node
    assert [node.op_type for node in nodes if "history" in node.input] == ["ScatterND"]
