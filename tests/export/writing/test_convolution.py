"""Our Conv for the reference evaluator against the evaluator's own."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

onnx = pytest.importorskip("onnx", reason="exporting needs onnx")

from onnx.reference import ReferenceEvaluator

from stylize.export.calculus.graph import Graph
from stylize.export.writing.convolution import Conv
from stylize.models.errors import UnsupportedOperatorError

CHANNELS = 6


def graph_of(dtype: npt.DTypeLike, kernel: Any, bias: Any, **attributes: Any) -> onnx.ModelProto:
    graph = Graph(dtype)
    image = graph.input("image", (1, CHANNELS, "height", "width"))
    rest = [graph.constant(kernel)] + ([] if bias is None else [graph.constant(bias)])
    graph.output("result", graph.add("Conv", image, *rest, **attributes), (None,) * 4)
    return graph.model("test")


def run(model: onnx.ModelProto, image: Any, *operators: Any) -> Any:
    (result,) = ReferenceEvaluator(model, new_ops=list(operators)).run(None, {"image": image})
    return result


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("biased", [False, True], ids=["", "bias"])
@pytest.mark.parametrize("window", [(1, 1), (3, 3), (1, 2), (2, 1)], ids=str)
@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"pads": [1, 1, 1, 1]},
        {"pads": [0, 0, 1, 2], "strides": [2, 2]},
        {"pads": [1, 0, 0, 2], "strides": [1, 3]},
        {"group": CHANNELS},
        {"group": CHANNELS, "pads": [2, 1, 0, 1]},
        {"group": CHANNELS, "pads": [0, 0, 1, 1], "strides": [2, 2]},
    ],
    ids=str,
)
def test_it_computes_what_onnxs_own_does(
    attributes: dict[str, Any], window: tuple[int, int], biased: bool, dtype: npt.DTypeLike
) -> None:
    random = np.random.default_rng(0)
    grouped = "group" in attributes
    outputs, inputs = (CHANNELS, 1) if grouped else (4, CHANNELS)
    kernel = random.standard_normal((outputs, inputs, *window))
    bias = random.standard_normal(outputs) if biased else None
    model = graph_of(dtype, kernel, bias, kernel_shape=window, **attributes)
    for size in (7, 8), (8, 5):
        image = random.standard_normal((1, CHANNELS, *size)).astype(dtype)
        found, expected = run(model, image, Conv), run(model, image)
        assert found.dtype == expected.dtype == dtype
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=0, atol=50 * np.finfo(dtype).eps)


def test_the_evaluator_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own, which is the truth above, would go unnoticed in its place."""
    monkeypatch.setattr(Conv, "_run", lambda self, *_, **__: (np.zeros((1, 1, 1, 1)),))
    model = graph_of(np.float64, np.ones((1, CHANNELS, 1, 1)), None)
    assert not run(model, np.ones((1, CHANNELS, 1, 1)), Conv).any()
    assert run(model, np.ones((1, CHANNELS, 1, 1))).any()


@pytest.mark.parametrize(
    "attributes", [{"group": 2}, {"dilations": [2, 2]}, {"auto_pad": "SAME_UPPER"}], ids=str
)
def test_what_it_does_not_know_is_refused(attributes: Any) -> None:
    """Rather than computed as if it were not there: the exporter's checks rely on it."""
    inputs = CHANNELS // attributes.get("group", 1)
    model = graph_of(np.float64, np.ones((CHANNELS, inputs, 3, 3)), None, **attributes)
    with pytest.raises(UnsupportedOperatorError, match="explicit pads"):
        run(model, np.ones((1, CHANNELS, 8, 8)), Conv)
