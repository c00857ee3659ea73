"""Every rule of the differentiator alone, and what it refuses."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

onnx = pytest.importorskip("onnx", reason="exporting needs onnx")

from onnx.reference import ReferenceEvaluator

from stylize.export.calculus.autodiff import differentiate, pull_back_to
from stylize.export.calculus.graph import Graph
from stylize.export.calculus.rules import RULES
from stylize.export.calculus.terms import Term
from stylize.export.writing.widen import widen
from stylize.models.errors import UnsupportedOperatorError

Array = npt.NDArray[np.float64]
Build = Callable[[Graph, str], str]

RANDOM = np.random.default_rng(0)
KERNEL = RANDOM.standard_normal((5, 4, 3, 3))
COLOURS = RANDOM.standard_normal((5, 4, 1, 1))
WIDE = RANDOM.standard_normal((5, 4, 5, 5))
OTHER = RANDOM.standard_normal((1, 4, 6, 7))
FACTORS = RANDOM.standard_normal((42, 3)), RANDOM.standard_normal((3, 4))


def conv(graph: Graph, x: str, kernel: Array, **attributes: Any) -> str:
    shape = list(kernel.shape[2:])
    return graph.add("Conv", x, graph.constant(kernel), kernel_shape=shape, **attributes)


def matrix(graph: Graph, x: str) -> str:
    return graph.add("Reshape", x, graph.integers(4, -1))


def gram(graph: Graph, x: str) -> str:
    rows = matrix(graph, x)
    return graph.add("Gemm", rows, rows, transB=1)


def sum_of_rows(graph: Graph, rows: str) -> str:
    return graph.add("ReduceSum", rows, graph.integers(1), keepdims=1)


def gram_and_sum(graph: Graph, x: str) -> str:
    """Both of the same rows, on whose way back a product takes in a column."""
    rows = matrix(graph, x)
    product = graph.add("Gemm", rows, rows, transB=1)
    return graph.add("MatMul", product, sum_of_rows(graph, rows))


def trace(graph: Graph, x: str) -> str:
    square = gram(graph, x)
    product = graph.add("Mul", square, graph.add("EyeLike", square))
    return graph.add("ReduceSum", product, keepdims=0)


def product(graph: Graph, x: str, *, left: bool) -> str:
    rows = graph.add("Reshape", x, graph.integers(4, -1))
    if left:
        return graph.add("MatMul", rows, graph.constant(FACTORS[0]))
    return graph.add("MatMul", graph.constant(FACTORS[1]), rows)


def there_and_back(graph: Graph, x: str) -> str:
    """Through float32, as the maps of a float16 graph go through float16; coarse, but linear."""
    graph.gradient_scale = graph.constant(8)
    narrow = graph.cast(graph.add("Mul", x, graph.constant(OTHER)), np.float32)
    return graph.cast(graph.add("Relu", narrow), np.float64)


CASES: dict[str, Build] = {
    "Conv": lambda graph, x: conv(graph, x, KERNEL, pads=[1, 1, 1, 1]),
    "Conv, no padding": lambda graph, x: conv(graph, x, KERNEL),
    "Conv, uneven padding": lambda graph, x: conv(graph, x, WIDE, pads=[0, 1, 2, 3]),
    "Conv, 1x1": lambda graph, x: conv(graph, x, COLOURS),
    "Relu": lambda graph, x: graph.add("Relu", x),
    "AveragePool": lambda graph, x: graph.add(
        "AveragePool", x, kernel_shape=[2, 2], strides=[2, 2]
    ),
    "AveragePool, 3x2": lambda graph, x: graph.add(
        "AveragePool", x, kernel_shape=[3, 2], strides=[3, 2]
    ),
    "MaxPool": lambda graph, x: graph.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]),
    "Gemm": gram,
    "Gemm, by a constant": lambda graph, x: graph.add(
        "Gemm", graph.constant(FACTORS[0].T), matrix(graph, x), transB=1
    ),
    "MatMul, left": lambda graph, x: product(graph, x, left=True),
    "MatMul, right": lambda graph, x: product(graph, x, left=False),
    "Reshape": lambda graph, x: graph.add("Reshape", x, graph.integers(2, -1)),
    "Add": lambda graph, x: graph.add("Add", x, graph.constant(OTHER)),
    "Add, twice the same": lambda graph, x: graph.add("Add", x, x),
    "Sub, left": lambda graph, x: graph.add("Sub", x, graph.constant(OTHER)),
    "Sub, right": lambda graph, x: graph.add("Sub", graph.constant(OTHER), x),
    "Mul": lambda graph, x: graph.add("Mul", x, graph.constant(OTHER)),
    "Mul, the square": lambda graph, x: graph.add("Mul", x, x),
    "Mul, by a scalar": lambda graph, x: graph.add("Mul", graph.constant(3), x),
    "ReduceSum": lambda graph, x: graph.add("ReduceSum", graph.add("Mul", x, x), keepdims=0),
    "ReduceSum, of a product": lambda graph, x: graph.add(
        "ReduceSum", graph.add("Mul", x, graph.constant(OTHER)), keepdims=0
    ),
    "ReduceSum, along rows": lambda graph, x: sum_of_rows(graph, matrix(graph, x)),
    "Gram matrix and sum": gram_and_sum,
    "Sqrt": lambda graph, x: graph.add(
        "Sqrt", graph.add("Add", graph.add("Mul", x, x), graph.constant(1))
    ),
    "EyeLike, which leads no gradient": trace,
    "Squeeze": lambda graph, x: sum_of_squares(graph, x),
    "Cast": there_and_back,
    "Shape, which leads no gradient": lambda graph, x: graph.add(
        "Mul", x, graph.add("Cast", graph.add("Shape", x, start=3), to=graph.element_type)
    ),
    "used twice": lambda graph, x: graph.add(
        "Add", graph.add("Relu", x), graph.add("Mul", x, graph.constant(OTHER))
    ),
}


def sum_of_squares(graph: Graph, value: str) -> str:
    total = graph.add("ReduceSum", graph.add("Mul", value, value), keepdims=1)
    return graph.add("Squeeze", total)


def evaluate(graph: Graph, image: Array) -> list[Array]:
    return list(ReferenceEvaluator(widen(graph.model("test"))).run(None, {"x": image}))


def loss_and_gradient(build: Build) -> Graph:
    graph = Graph(np.float64)
    x = graph.input("x", (1, 4, 6, 7))
    loss = sum_of_squares(graph, build(graph, x))
    graph.output("loss", loss, ())
    graph.output("gradient", differentiate(graph, loss, x), (1, 4, 6, 7))
    return graph


@pytest.mark.parametrize("name", CASES)
def test_rule_equals_finite_differences_in_every_element(name: str) -> None:
    graph = loss_and_gradient(CASES[name])
    image = np.random.default_rng(1).standard_normal((1, 4, 6, 7))
    _, gradient = evaluate(graph, image)
    expected = np.zeros_like(image)
    for index in np.ndindex(image.shape):
        step = np.zeros_like(image)
        step[index] = 1e-5
        expected[index] = (evaluate(graph, image + step)[0] - evaluate(graph, image - step)[0]) / (
            2e-5
        )
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-6)


def test_every_rule_has_a_case() -> None:
    assert {name.partition(",")[0] for name in CASES} >= set(RULES)


def test_a_product_takes_in_what_is_the_same_in_every_column() -> None:
    operators = [node.op_type for node in loss_and_gradient(gram_and_sum).model("test").graph.node]
    assert operators.count("Gemm") == 2
    assert "Expand" not in operators


def test_no_gradient_is_led_through_what_is_held() -> None:
    def product(graph: Graph, x: str) -> str:
        value = Term(graph, x)
        return (value * (value + 1).held()).name

    image = np.random.default_rng(1).standard_normal((1, 4, 6, 7))
    _, gradient = evaluate(loss_and_gradient(product), image)
    np.testing.assert_allclose(gradient, 2 * image * (image + 1) ** 2, rtol=1e-12)


def test_what_nothing_depends_on_has_the_gradient_zero() -> None:
    graph = Graph(np.float64)
    x, other = (graph.input(name, (1, 4, 6, 7)) for name in ("x", "other"))
    loss = sum_of_squares(graph, x)
    gradients = pull_back_to(graph, {loss: graph.constant(1)}, [x, other])
    for name, value in zip(("by_x", "by_other"), gradients.values(), strict=True):
        graph.output(name, value, (1, 4, 6, 7))
    by_x, by_other = ReferenceEvaluator(graph.model("test")).run(None, {"x": OTHER, "other": OTHER})
    np.testing.assert_allclose(by_x, 2 * OTHER)
    assert not by_other.any()


def test_relu_passes_nothing_at_zero() -> None:
    def shifted(graph: Graph, x: str) -> str:
        return graph.add("Add", graph.add("Relu", x), graph.constant(1))

    graph = loss_and_gradient(shifted)
    image = np.zeros((1, 4, 6, 7))
    image[0, 0, 0, 0] = 1e-3
    _, gradient = evaluate(graph, image)
    assert gradient[0, 0, 0, 0] == pytest.approx(2 * 1.001)
    assert np.count_nonzero(gradient) == 1


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda graph, x: graph.add("Sigmoid", x), "operator Sigmoid"),
        (lambda graph, x: conv(graph, x, KERNEL, strides=[2, 2]), "strides"),
        (lambda graph, x: conv(graph, x, KERNEL, dilations=[2, 2]), "dilations"),
        (lambda graph, x: conv(graph, x, KERNEL[:, :2], group=2), "group"),
        (lambda graph, x: conv(graph, x, KERNEL, auto_pad="SAME_UPPER"), "auto_pad"),
        (
            lambda graph, x: graph.add("AveragePool", x, kernel_shape=[3, 3], strides=[2, 2]),
            "AveragePool",
        ),
        (
            lambda graph, x: graph.add(
                "MaxPool", x, kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 1, 1]
            ),
            "MaxPool",
        ),
        (
            lambda graph, x: graph.add(
                "Gemm",
                graph.add("Reshape", x, graph.integers(4, -1)),
                graph.constant(np.ones((42, 2))),
            ),
            "Gram",
        ),
        (lambda graph, x: graph.add("Squeeze", x), "Squeeze"),
        (lambda graph, x: graph.add("ReduceSum", graph.add("Relu", x), keepdims=0), "product"),
    ],
)
def test_what_has_no_rule_is_refused_by_name(build: Build, message: str) -> None:
    with pytest.raises(UnsupportedOperatorError, match=message):
        loss_and_gradient(build)


def test_a_loss_that_does_not_depend_on_the_image_is_refused() -> None:
    graph = Graph()
    x = graph.input("x", (1, 4, 6, 7))
    loss = sum_of_squares(graph, graph.constant(OTHER))
    with pytest.raises(UnsupportedOperatorError, match="does not depend"):
        differentiate(graph, loss, x)
