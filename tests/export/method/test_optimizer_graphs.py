"""The optimisers' graphs in float64 against their plain forms."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("onnx", reason="exporting needs onnx")
onnxruntime = pytest.importorskip("onnxruntime", reason="runs the graphs")

import onnx
from two_loops import TwoLoops

from stylize.export.method.adam import adam_model
from stylize.export.method.lbfgs import lbfgs_model
from stylize.export.method.safeguard import MAX_RESTARTS
from stylize.export.method.variation import variation_model
from stylize.runtime.method.descent import INITIAL, NEXT
from stylize.runtime.method.options import MAX_HISTORY

Array = npt.NDArray[np.float64]

SHAPE = (1, 3, 5, 7)
CURVATURES = np.geomspace(1, 300, 105).reshape(SHAPE)


def waves(image: Array) -> tuple[float, Array]:
    """A bowl with waves on it, some of negative curvature."""
    away = image - 0.5
    total = 1e4 + (CURVATURES * away**2).sum() / 2 + 0.2 * np.sin(3 * image).sum()
    return float(total), CURVATURES * away + 0.6 * np.cos(3 * image)


class Steps:
    """A graph that is run in float64, and what it remembers."""

    def __init__(self, model: onnx.ModelProto, history: int = 1, **given: float) -> None:
        places = history + 1
        dimensions = {"height": 5, "width": 7, "places": places, "rows": 2 * places}
        self.session = onnxruntime.InferenceSession(model.SerializeToString())
        self.state = {
            value.name: np.full(
                [dimensions.get(size, size) for size in value.shape],
                given.get(value.name, INITIAL.get(value.name, 0.0)),
            )
            for value in self.session.get_inputs()
        }
        self.state["image"] = np.random.default_rng(0).random(SHAPE)

    def step(self, total: float, gradient: Array) -> Array:
        """Return how far the image moves."""
        before = self.state["image"]
        self.state |= {"total": np.array(total), "gradient": gradient}
        names = [value.name for value in self.session.get_outputs()]
        outputs = dict(zip(names, self.session.run(names, self.state), strict=True))
        self.state |= {
            name.removeprefix(NEXT): value for name, value in outputs.items() if NEXT in name
        }
        self.flags = {name: bool(outputs[name]) for name in ("restarted", "failed")}
        return self.state["image"] - before


@pytest.mark.parametrize("history", [1, 2, 3, 7, 8, 100, MAX_HISTORY])
def test_lbfgs_steps_as_the_two_loops_do(history: int) -> None:
    steps, reference = Steps(lbfgs_model(np.float64), history), TwoLoops(history)
    for _ in range(60):
        image = steps.state["image"]
        total, gradient = waves(image)
        expected = reference.step(gradient)
        found = steps.step(total, gradient)
        assert steps.state["counts"].sum() == len(reference.pairs)
        assert np.linalg.norm(found - expected) <= 1e-6 * np.linalg.norm(expected)
    assert not steps.flags["restarted"]


def test_lbfgs_forgets_pairs_of_no_use() -> None:
    """Along a line of growing slope no curvature is known: steps double."""
    steps, reference = Steps(lbfgs_model(np.float64), 3), TwoLoops(3)
    sizes = []
    for turn in range(6):
        gradient = np.full(SHAPE, 1.0 + turn)
        expected = reference.step(gradient)
        found = steps.step(1.0, gradient)
        np.testing.assert_allclose(found, expected, rtol=1e-9)
        sizes.append(np.abs(found).sum())
    assert steps.state["counts"].sum() == 0
    np.testing.assert_allclose(sizes, 2.0 ** np.arange(6), rtol=1e-9)


def test_adam_steps_as_its_algorithm_says() -> None:
    steps = Steps(adam_model(np.float64), learning_rate=0.02)
    m, v = np.zeros(SHAPE), np.zeros(SHAPE)
    for t in range(1, 30):
        total, gradient = waves(steps.state["image"])
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        scale = np.sqrt(v / (1 - 0.999**t)) + 1e-8
        expected = -0.02 * m / (1 - 0.9**t) / scale
        np.testing.assert_allclose(steps.step(total, gradient), expected, rtol=1e-9, atol=1e-15)


MODELS: dict[str, Callable[..., onnx.ModelProto]] = {"adam": adam_model, "lbfgs": lbfgs_model}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_never_stays(name: str, wrong: float) -> None:
    steps = Steps(MODELS[name](np.float64), 4, learning_rate=0.02)
    for turn in range(8 + MAX_RESTARTS):
        total, gradient = waves(steps.state["image"])
        bad = turn >= 7
        steps.step(*((wrong, np.full(SHAPE, wrong)) if bad else (total, gradient)))
        numbers = {key: value for key, value in steps.state.items() if key not in steps_inputs()}
        assert all(np.isfinite(value).all() for value in numbers.values()), turn
        assert steps.flags == {"restarted": bad, "failed": turn == 7 + MAX_RESTARTS}


def steps_inputs() -> set[str]:
    return {"total", "gradient"}


@pytest.mark.parametrize("name", MODELS)
def test_a_first_loss_that_is_not_a_number_is_a_failure(name: str) -> None:
    steps = Steps(MODELS[name](np.float64), 4, learning_rate=0.02)
    steps.step(np.nan, np.full(SHAPE, np.nan))
    assert steps.flags == {"restarted": False, "failed": True}


@pytest.mark.parametrize("model", [adam_model, lbfgs_model, variation_model])
def test_there_is_no_control_flow(model: Callable[..., onnx.ModelProto]) -> None:
    """CUDA graphs cannot record it."""
    operators = {node.op_type for node in model().graph.node}
    assert not operators & {"If", "Loop", "Scan"}


def test_the_history_is_read_only_by_what_writes_into_it() -> None:
    """So that both may be the same memory."""
    nodes = lbfgs_model().graph.node
    assert [node.op_type for node in nodes if "history" in node.input] == ["ScatterND"]
