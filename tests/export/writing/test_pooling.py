"""Our AveragePool for the reference evaluator against the evaluator's own."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

onnx = pytest.importorskip("onnx", reason="exporting needs onnx")

from onnx.reference import ReferenceEvaluator

from stylize.export.calculus.graph import Graph
from stylize.export.writing.pooling import AveragePool
from stylize.models.errors import UnsupportedOperatorError


def graph_of(dtype: npt.DTypeLike, **attributes: Any) -> onnx.ModelProto:
    graph = Graph(dtype)
    image = graph.input("image", (1, 3, "height", "width"))
    graph.output("result", graph.add("AveragePool", image, **attributes), (None,) * 4)
    return graph.model("test")


def run(model: onnx.ModelProto, image: Any, *operators: Any) -> Any:
    (result,) = ReferenceEvaluator(model, new_ops=list(operators)).run(None, {"image": image})
    return result


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("window", [(2, 2), (3, 2)], ids=str)
@pytest.mark.parametrize("size", [(6, 8), (7, 9), (8, 5)], ids=str)
def test_it_computes_what_onnxs_own_does(
    size: tuple[int, int], window: tuple[int, int], dtype: npt.DTypeLike
) -> None:
    model = graph_of(dtype, kernel_shape=window, strides=window)
    image = np.random.default_rng(0).standard_normal((1, 3, *size)).astype(dtype)
    found, expected = run(model, image, AveragePool), run(model, image)
    assert found.dtype == expected.dtype == dtype
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=5 * np.finfo(dtype).eps)


def test_the_evaluator_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own, which is the truth above, would go unnoticed in its place."""
    monkeypatch.setattr(AveragePool, "_run", lambda self, *_, **__: (np.zeros((1, 3, 1, 1)),))
    model = graph_of(np.float64, kernel_shape=[2, 2], strides=[2, 2])
    assert not run(model, np.ones((1, 3, 4, 4)), AveragePool).any()
    assert run(model, np.ones((1, 3, 4, 4))).any()


@pytest.mark.parametrize(
    "attributes",
    [
        {"strides": [1, 1]},
        {"strides": [2, 2], "pads": [0, 0, 1, 1]},
        {"strides": [2, 2], "ceil_mode": 1},
        {"strides": [2, 2], "auto_pad": "SAME_UPPER"},
    ],
    ids=str,
)
def test_what_it_does_not_know_is_refused(attributes: Any) -> None:
    """Rather than computed as if it were not there: the exporter's checks rely on it."""
    model = graph_of(np.float64, kernel_shape=[2, 2], **attributes)
    with pytest.raises(UnsupportedOperatorError, match="side by side"):
        run(model, np.ones((1, 3, 7, 8)), AveragePool)
