"""Maps in phases against the same slices, sums and paddings in numpy."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

onnx = pytest.importorskip("onnx", reason="exporting needs onnx")

from onnx.reference import ReferenceEvaluator

from stylize.export.calculus.graph import Graph
from stylize.export.lowering.phases import (
    PARITIES,
    average,
    closed,
    join,
    pad,
    split,
    spread,
    subtract,
)
from stylize.export.writing.convolution import Conv

Array = npt.NDArray[np.float64]

CHANNELS = 5
SIZES = ((6, 8), (7, 8), (6, 9), (7, 9), (3, 2), (1, 1))

pytestmark = pytest.mark.parametrize("size", SIZES, ids=str)


def run(build: Callable[..., list[str]], *maps: Array) -> list[Array]:
    """Return the values that `build` names, given a graph and one input for each map."""
    graph = Graph(np.float64)
    inputs = [
        graph.input(f"x{index}", (1, array.shape[1], f"height{index}", f"width{index}"))
        for index, array in enumerate(maps)
    ]
    for index, value in enumerate(build(graph, *inputs)):
        graph.output(f"y{index}", value, (None,) * 4)
    evaluator = ReferenceEvaluator(graph.model("test"), new_ops=[Conv])
    return list(evaluator.run(None, {f"x{index}": array for index, array in enumerate(maps)}))


def random_map(height: int, width: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal((1, CHANNELS, height, width))


def padded(array: Array, rows: int, columns: int) -> Array:
    """Zeros below and to the right, up to a size."""
    missing = rows - array.shape[2], columns - array.shape[3]
    return np.pad(array, ((0, 0), (0, 0), (0, missing[0]), (0, missing[1])))


def halved(size: tuple[int, int]) -> tuple[int, int]:
    """Of a phase: half, rounded up."""
    return (size[0] + 1) // 2, (size[1] + 1) // 2


@pytest.mark.parametrize("factor", [1, -1])
def test_a_map_is_taken_apart_by_parity(size: tuple[int, int], factor: int) -> None:
    image = random_map(*size)
    parts = run(lambda graph, x: list(split(graph, x, CHANNELS, factor).parts), image)
    for (row, column), part in zip(PARITIES, parts, strict=True):
        slices = factor * image[:, :, row::2, column::2]
        np.testing.assert_array_equal(part, padded(slices, *halved(size)))


def test_join_is_the_inverse_of_split(size: tuple[int, int]) -> None:
    image = random_map(*size)
    (again,) = run(lambda graph, x: [join(graph, split(graph, x, CHANNELS))], image)
    np.testing.assert_array_equal(again, image)


def test_join_leaves_out_what_lies_outside(size: tuple[int, int]) -> None:
    image = random_map(*size)

    def build(graph: Graph, x: str) -> list[str]:
        phases = split(graph, x, CHANNELS)
        one = graph.constant(1)
        return [join(graph, phases.with_parts([graph.add("Add", p, one) for p in phases.parts]))]

    (again,) = run(build, image)
    np.testing.assert_array_equal(again, image + 1)


def test_the_average_drops_an_odd_last_row_or_column(size: tuple[int, int]) -> None:
    image = random_map(*size)
    (found,) = run(lambda graph, x: [average(graph, split(graph, x, CHANNELS))], image)
    rows, columns = size[0] // 2, size[1] // 2
    windows = image[:, :, : 2 * rows, : 2 * columns].reshape(1, CHANNELS, rows, 2, columns, 2)
    np.testing.assert_allclose(found, windows.mean(axis=(3, 5)), rtol=0, atol=1e-15)


def test_spread_gives_a_value_to_all_of_its_window(size: tuple[int, int]) -> None:
    image, value = random_map(*size), random_map(size[0] // 2, size[1] // 2, seed=1)

    def build(graph: Graph, x: str, y: str) -> list[str]:
        phases = split(graph, x, CHANNELS)
        return [join(graph, spread(graph, y, phases)), average(graph, phases)]

    found, mean = run(build, image, value)
    np.testing.assert_array_equal(found, padded(value.repeat(2, 2).repeat(2, 3), *size))
    # The adjoint of the sum over windows, four times the average.
    assert (found * image).sum() == pytest.approx(4 * (value * mean).sum(), abs=1e-12)


def test_a_closed_phase_is_open_inside_and_shut_outside(size: tuple[int, int]) -> None:
    whole = np.random.default_rng(1).standard_normal((1, 3, *size))  # another number of channels
    value = random_map(*halved(size))

    def build(graph: Graph, x: str, y: str) -> list[str]:
        like = split(graph, x, whole.shape[1])
        shut = [closed(graph, y, index, CHANNELS, like) for index in range(4)]
        return [*shut, *(graph.add("Relu", part) for part in shut)]

    found = run(build, whole, value)
    for (row, column), part, rectified in zip(PARITIES, found[:4], found[4:], strict=True):
        inside = padded(np.ones((1, 1, *size))[:, :, row::2, column::2], *halved(size)) == 1
        inside = np.broadcast_to(inside, part.shape)
        np.testing.assert_array_equal(part[inside], value[inside])
        assert (part[~inside] < -1e38).all()
        assert not rectified[~inside].any()


def test_difference_and_padding(size: tuple[int, int]) -> None:
    one, other = random_map(*size), random_map(*size, seed=1)
    small = random_map(size[0] // 2, size[1] // 2)

    def build(graph: Graph, x: str, y: str, z: str) -> list[str]:
        return [subtract(graph, x, y, CHANNELS), pad(graph, z, x)]

    difference, larger = run(build, one, other, small)
    np.testing.assert_array_equal(difference, one - other)
    np.testing.assert_array_equal(larger, padded(small, *size))
