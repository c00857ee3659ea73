"""The rewritten graphs compute what the plain ones do, in float64, at any size."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="exporting needs onnx")
pytest.importorskip("torch", reason="the truth is torch's autograd")

from onnx.reference import ReferenceEvaluator
from peer import Bench, assert_close, assert_equals_torch, images
from small import small_network

from stylize.export.calculus.graph import Graph, attributes
from stylize.export.lowering.blocked import lower
from stylize.export.network.architecture import Network
from stylize.export.writing.convolution import Conv
from stylize.models.layers import (
    LayerSet,
    PoolingKind,
    guided_layer_sets,
    paper_layer_sets,
    richer_layer_sets,
)

# Odd in every combination of strides 1 to 16 and of height and width; the first is even in all.
SIZES = ((32, 32), (33, 35), (17, 18), (20, 27), (31, 47))

ALL, DEEP, LAST, NONE = 1, 8, 32, 10**9
"""Fewest channels of a convolution on phases, where layers have 4, 8, 16, 32 and 32."""
WHOLE_CONVOLUTIONS = {ALL: 0, DEEP: 2, LAST: 8, LAST + 1: 13, NONE: 13}
"""How many of the 13 up to conv5_1 are not on phases; forwards, and as many backwards."""

FIGURE_2 = paper_layer_sets()[0]
SETS = (
    FIGURE_2,
    LayerSet(FIGURE_2.content),
    LayerSet(style=FIGURE_2.style),
    LayerSet(style=("conv1_1",)),
    LayerSet(("conv1_1", "conv5_1"), ("conv5_1",)),
    LayerSet(("conv2_2", "pool3"), ("pool1", "conv4_4")),
    *richer_layer_sets()[::2],
    guided_layer_sets()[0],
)


class Lowered(Bench):
    """A bench whose gradient graphs are rewritten."""

    def __init__(self, folder: Path, network: Network, fewest_channels: int) -> None:
        super().__init__(folder, network, Conv)
        self.fewest_channels = fewest_channels

    def gradient(self, layers: LayerSet) -> onnx.ModelProto:
        return lower(super().gradient(layers), fewest_channels=self.fewest_channels)


def nodes_of(graph: Any) -> Iterator[Any]:
    """Yield all nodes, those of branches too."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            yield from nodes_of(attribute.g)


@pytest.mark.parametrize(
    ("pooling", "size"),
    [*[("average", size) for size in SIZES], *[("max", size) for size in SIZES[:2]]],
    ids=str,
)
@pytest.mark.parametrize("fewest_channels", [DEEP, NONE], ids=["phases", "whole"])
def test_losses_and_gradient_equal_autograd(
    tmp_path: Path, fewest_channels: int, pooling: PoolingKind, size: tuple[int, int]
) -> None:
    bench = Lowered(tmp_path, small_network(pooling), fewest_channels)
    assert_equals_torch(bench, FIGURE_2, size)


@pytest.mark.parametrize("fewest_channels", [ALL, LAST], ids=["all", "last"])
@pytest.mark.parametrize("size", SIZES[:2], ids=str)
def test_wherever_the_phases_begin(
    tmp_path: Path, fewest_channels: int, size: tuple[int, int]
) -> None:
    assert_equals_torch(Lowered(tmp_path, small_network(), fewest_channels), FIGURE_2, size)


@pytest.mark.parametrize("fewest_channels", [DEEP, NONE], ids=["phases", "whole"])
@pytest.mark.parametrize("layers", SETS[1:], ids=str)
def test_every_layer_set_equals_autograd(
    tmp_path: Path, layers: LayerSet, fewest_channels: int
) -> None:
    assert_equals_torch(Lowered(tmp_path, small_network(), fewest_channels), layers, (18, 23))


@pytest.mark.parametrize("fewest_channels", WHOLE_CONVOLUTIONS)
def test_convolutions_of_enough_channels_are_on_phases(
    tmp_path: Path, fewest_channels: int
) -> None:
    model = Lowered(tmp_path, small_network(), fewest_channels).gradient(FIGURE_2)
    windows = [attributes(n).get("kernel_shape") for n in model.graph.node if n.op_type == "Conv"]
    assert windows.count([3, 3]) == 2 * WHOLE_CONVOLUTIONS[fewest_channels]
    # 16 products of 1x1 for each of the others.
    assert windows.count(None) == 16 * 2 * (13 - WHOLE_CONVOLUTIONS[fewest_channels])


@pytest.mark.parametrize("fewest_channels", [DEEP, NONE], ids=["phases", "whole"])
@pytest.mark.parametrize("pooling", ["average", "max"])
@pytest.mark.parametrize("layers", [SETS[0], SETS[5]], ids=str)
def test_inputs_outputs_and_weights_are_the_plain_graphs(
    tmp_path: Path, layers: LayerSet, pooling: PoolingKind, fewest_channels: int
) -> None:
    bench = Bench(tmp_path, small_network(pooling))
    plain = bench.gradient(layers)
    before = plain.SerializeToString()
    lowered = lower(plain, fewest_channels)
    assert plain.SerializeToString() == before
    assert list(lowered.graph.input) == list(plain.graph.input)
    assert list(lowered.graph.output) == list(plain.graph.output)
    assert (lowered.opset_import, lowered.ir_version) == (plain.opset_import, plain.ir_version)
    onnx.save(lowered, tmp_path / "lowered.onnx")
    onnx.checker.check_model(tmp_path / "lowered.onnx", full_check=True)

    stored, constants = weights_and_constants(lowered)
    assert stored == weights_and_constants(plain)[0]
    for tensor in constants:
        # A window of a depthwise convolution at most, nothing as large as a feature map.
        assert all(side <= 2 for side in tensor.dims[2:]), tensor.name
        assert np.prod(tensor.dims) <= 16 * 32, tensor.name
    assert lowered.ByteSize() < 2**18


def weights_and_constants(model: Any) -> tuple[dict[str, Any], list[Any]]:
    """Return the tensors of the weights file, by name, and those inside the graph."""
    tensors = model.graph.initializer
    stored = {tensor.name: tensor for tensor in tensors if tensor.external_data}
    assert not any(tensor.raw_data for tensor in stored.values())
    return stored, [tensor for tensor in tensors if not tensor.external_data]


def test_the_maps_stay_in_operators_that_know_the_layout(tmp_path: Path) -> None:
    """In the branches for even sizes; those for odd ones crop and pad."""
    bench = Bench(tmp_path, small_network())
    for fewest_channels in DEEP, NONE:
        lowered = lower(bench.gradient(FIGURE_2), fewest_channels)
        operators = Counter(node.op_type for node in lowered.graph.node)
        assert not operators.keys() & {"Where", "Pad"}
        assert operators["Clip"] == (2 + 11 * 4 if fewest_channels == DEEP else 13)
        inside = {node.op_type for node in nodes_of(lowered.graph)}
        assert "Pad" in inside


def test_an_unknown_operator_is_left_as_it_is(tmp_path: Path) -> None:
    """It takes whole maps, and what follows takes its output apart again."""
    graph = Graph(np.float64)
    random = np.random.default_rng(0)
    first, second = (
        graph.constant(random.standard_normal(shape)) for shape in ((9, 3, 3, 3), (4, 9, 3, 3))
    )
    window = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    image = graph.input("image", (1, 3, "height", "width"))
    inner = graph.add("HardSigmoid", graph.add("Conv", image, first, **window), alpha=0.1)
    outer = graph.add("Relu", graph.add("Conv", inner, second, **window))
    graph.output("result", outer, (1, 4, "height", "width"))
    plain = graph.model("test")
    lowered = lower(plain, fewest_channels=8)
    (node,) = [node for node in lowered.graph.node if node.op_type == "HardSigmoid"]
    assert attributes(node) == {"alpha": pytest.approx(0.1)}
    picture = images(9, 12)[0]
    found, expected = (
        ReferenceEvaluator(model, new_ops=[Conv]).run(None, {"image": picture})[0]
        for model in (lowered, plain)
    )
    assert_close(found, expected)


def test_the_mask_of_a_relu_is_0_or_1_for_every_float32() -> None:
    graph = Graph()
    image = graph.input("image", (1, 2, "height", "width"))
    gradient = graph.input("gradient", (1, 2, "height", "width"))
    zero = graph.constant(0)
    positive = graph.add("Greater", graph.add("Relu", image), zero)
    masked = graph.add("Where", positive, gradient, zero)
    graph.output("masked", masked, (1, 2, "height", "width"))
    info = np.finfo(np.float32)
    values = [-info.max, -1, -info.tiny, -0.0, 0, info.tiny, 1e-20, 1, 2, 1e20, info.max, np.inf]
    array = np.array(values, np.float32).reshape(1, 2, 2, 3)
    evaluator = ReferenceEvaluator(lower(graph.model("test")), new_ops=[Conv])
    with np.errstate(over="ignore"):
        (masked,) = evaluator.run(None, {"image": array, "gradient": np.full_like(array, 3)})
    np.testing.assert_array_equal(masked, 3 * (array > 0))
