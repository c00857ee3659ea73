"""The convolution on phases against the direct one, in float64."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

onnx = pytest.importorskip("onnx", reason="exporting needs onnx")

from onnx.reference import ReferenceEvaluator

from stylize.export.calculus.graph import Graph
from stylize.export.lowering.phases import PARITIES, Phases, join, split
from stylize.export.lowering.winograd import convolve
from stylize.export.writing.convolution import Conv

Array = npt.NDArray[np.float64]
Build = Callable[[Graph, str], list[str]]

SIZES = ((6, 8), (7, 8), (6, 9), (7, 9), (3, 2), (1, 1))
KERNEL = np.random.default_rng(1).standard_normal((5, 3, 3, 3))
BACK = np.random.default_rng(2).standard_normal((3, 5, 3, 3))
BIAS = np.random.default_rng(3).standard_normal(5)


def run(image: Array, build: Build) -> list[Array]:
    graph = Graph(np.float64)
    x = graph.input("x", (1, image.shape[1], "height", "width"))
    for index, value in enumerate(build(graph, x)):
        graph.output(f"y{index}", value, (None,) * 4)
    evaluator = ReferenceEvaluator(graph.model("test"), new_ops=[Conv])
    return list(evaluator.run(None, {"x": image}))


def random_map(height: int, width: int) -> Array:
    return np.random.default_rng(0).standard_normal((1, 3, height, width))


def direct(graph: Graph, x: str, kernel: Array, *bias: Array) -> str:
    values = [graph.constant(array) for array in (kernel, *bias)]
    return graph.add("Conv", x, *values, kernel_shape=[3, 3], pads=[1, 1, 1, 1])


def on_phases(
    graph: Graph, phases: Phases, kernel: Array, *bias: Array, shut: bool = False
) -> Phases:
    outputs, inputs = kernel.shape[:2]
    values = [graph.constant(array) for array in (kernel, *bias)]
    return convolve(graph, phases, values[0], (outputs, inputs), *values[1:], shut=shut)


def relu(graph: Graph, phases: Phases) -> Phases:
    return phases.with_parts([graph.add("Relu", part) for part in phases.parts])


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("shut", [False, True], ids=["", "shut"])
@pytest.mark.parametrize("bias", [(), (BIAS,)], ids=["", "bias"])
def test_it_equals_the_direct_convolution(
    size: tuple[int, int], bias: tuple[Array, ...], shut: bool
) -> None:
    def build(graph: Graph, x: str) -> list[str]:
        result = on_phases(graph, split(graph, x, 3), KERNEL, *bias, shut=shut)
        assert result.channels == 5
        return [join(graph, result), direct(graph, x, KERNEL, *bias)]

    found, expected = run(random_map(*size), build)
    assert found.shape == expected.shape == (1, 5, *size)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13 * np.abs(expected).max())


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_one_after_the_other_without_leaving_the_phases(size: tuple[int, int]) -> None:
    def build(graph: Graph, x: str) -> list[str]:
        inner = on_phases(graph, split(graph, x, 3), KERNEL, BIAS, shut=True)
        outer = on_phases(graph, relu(graph, inner), BACK)
        response = graph.add("Relu", direct(graph, x, KERNEL, BIAS))
        return [join(graph, outer), direct(graph, response, BACK)]

    found, expected = run(random_map(*size), build)
    assert found.shape == expected.shape == (1, 3, *size)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13 * np.abs(expected).max())


@pytest.mark.parametrize("shut", [False, True], ids=["open", "shut"])
@pytest.mark.parametrize("size", [size for size in SIZES if size != (6, 8)], ids=str)
def test_outside_holds_zeros_after_a_relu_if_shut(size: tuple[int, int], shut: bool) -> None:
    """And something else if not, or the next convolution would not need it."""
    bias = np.full(5, 100.0)  # positive everywhere, so that the ReLU alone shuts nothing

    def build(graph: Graph, x: str) -> list[str]:
        result = on_phases(graph, split(graph, x, 3), KERNEL, bias, shut=shut)
        return list(relu(graph, result).parts)

    outside = []
    for (row, column), part in zip(PARITIES, run(random_map(*size), build), strict=True):
        rows, columns = (size[0] + 1 - row) // 2, (size[1] + 1 - column) // 2
        assert (part[:, :, :rows, :columns] > 0).all()
        outside += [part[:, :, rows:].ravel(), part[:, :, :, columns:].ravel()]
    values = np.concatenate(outside)
    assert values.size
    assert not values.any() if shut else values.all()
