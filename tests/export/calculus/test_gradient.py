"""The graphs against torch autograd, both in float64, and against finite differences."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

onnx = pytest.importorskip("onnx", reason="exporting needs onnx")
pytest.importorskip("torch", reason="the truth is torch's autograd")

from peer import Bench, assert_close, assert_equals_torch, images
from small import distilled_network, small_network

from stylize.export.method.assemble import features_model
from stylize.models.layers import (
    LayerSet,
    PoolingKind,
    guided_layer_sets,
    paper_layer_sets,
    richer_layer_sets,
)
from stylize.models.preprocessing import CAFFE, TORCHVISION, Preprocessing

Array = npt.NDArray[np.float64]

SIZES = ((16, 16), (17, 31), (20, 24))
FIGURE_2 = paper_layer_sets()[0]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("pooling", ["average", "max"])
@pytest.mark.parametrize("preprocessing", [CAFFE, TORCHVISION], ids=lambda item: item.name)
def test_losses_and_gradient_equal_autograd(
    tmp_path: Path, size: tuple[int, int], pooling: PoolingKind, preprocessing: Preprocessing
) -> None:
    network = small_network(pooling, preprocessing)
    assert_equals_torch(Bench(tmp_path, network), FIGURE_2, size)


@pytest.mark.parametrize(
    "layers",
    [*paper_layer_sets()[1:], LayerSet(("conv2_2", "pool3"), ("pool1", "conv4_4"))],
    ids=str,
)
def test_every_layer_set_equals_autograd(tmp_path: Path, layers: LayerSet) -> None:
    assert_equals_torch(Bench(tmp_path, small_network()), layers, (17, 18))


@pytest.mark.parametrize("layers", richer_layer_sets()[::2], ids=str)
def test_other_statistics_equal_autograd(tmp_path: Path, layers: LayerSet) -> None:
    assert_equals_torch(Bench(tmp_path, distilled_network()), layers, (20, 24))
    bench = Bench(tmp_path, small_network("max", TORCHVISION))
    assert_equals_torch(bench, layers, (17, 31))


def test_regions_equal_autograd(tmp_path: Path) -> None:
    layers = guided_layer_sets()[0]
    assert_equals_torch(Bench(tmp_path, distilled_network()), layers, (20, 24))
    bench = Bench(tmp_path, small_network("max", TORCHVISION))
    assert_equals_torch(bench, layers, (17, 31))


@pytest.mark.parametrize("pooling", ["average", "max"])
def test_features_and_grams_equal_torch(tmp_path: Path, pooling: PoolingKind) -> None:
    bench = Bench(tmp_path, small_network(pooling))
    image = np.random.default_rng(0).random((1, 3, 33, 37))
    found = bench.run(features_model(bench.network, bench.stored, np.float64), image=image)
    expected = bench.torch.features(image)
    assert found.keys() == expected.keys()
    for name in expected:
        assert_close(found[name], expected[name])


def test_a_flat_image_gives_tied_maxima_their_gradient_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, small_network("max"))
    flat = np.full((1, 3, 18, 19), 0.7)
    targets = bench.targets(images(18, 19)[0], FIGURE_2)
    weights = {"content_weights": np.ones(1), "style_weights": np.ones(5)}
    found = bench.run(bench.gradient(FIGURE_2), image=flat, **targets, **weights)
    truth = bench.torch.evaluate(flat, FIGURE_2, targets, *weights.values())
    assert_close(found["gradient"], truth.gradient)


def test_poolings_give_a_dropped_row_no_gradient_of_their_own(tmp_path: Path) -> None:
    """Only the deeper convolutions' reach, not the pooling, touches the last odd row."""
    bench = Bench(tmp_path, small_network())
    layers = LayerSet(content=("pool1",))
    image, other = np.random.default_rng(0).random((2, 1, 3, 17, 16))
    targets = bench.targets(other, layers)
    model = bench.gradient(layers)
    pads = [node for node in model.graph.node if node.op_type == "Pad"]
    model.graph.output.append(
        onnx.helper.make_tensor_value_info(pads[0].output[0], onnx.TensorProto.DOUBLE, None)
    )
    found = bench.run(model, image=image, content_weights=np.ones(1), **targets)
    spread = found[pads[0].output[0]]
    assert not spread[:, :, 16].any()
    assert spread[:, :, 15].any()


@pytest.mark.parametrize("pooling", ["average", "max"])
def test_gradient_is_the_slope_of_the_total(tmp_path: Path, pooling: PoolingKind) -> None:
    bench = Bench(tmp_path, small_network(pooling))
    photo, painting, image = images(20, 24)
    feeds = {
        **bench.targets(photo, LayerSet(content=FIGURE_2.content)),
        **bench.targets(painting, LayerSet(style=FIGURE_2.style)),
        "content_weights": np.ones(1),
        "style_weights": np.full(5, 100.0),
    }
    model = bench.gradient(FIGURE_2)
    gradient = bench.run(model, image=image, **feeds)["gradient"]
    random = np.random.default_rng(1)
    for _ in range(3):
        step = 1e-7 * np.sign(gradient) * random.random(gradient.shape)
        ahead = bench.run(model, image=image + step, **feeds)["total"]
        behind = bench.run(model, image=image - step, **feeds)["total"]
        assert ahead - behind == pytest.approx(2 * (gradient * step).sum(), rel=1e-6)


def test_a_blend_of_targets_has_the_gradient_of_the_blended_losses(tmp_path: Path) -> None:
    """Several styles need no other graph: the mean of their Gram matrices will do."""
    bench = Bench(tmp_path, small_network())
    first, second, image = images(20, 24)
    layers = LayerSet(style=FIGURE_2.style)
    one, two = bench.targets(first, layers), bench.targets(second, layers)
    blend = {name: 0.3 * one[name] + 0.7 * two[name] for name in one}

    def gradient(targets: dict[str, Array]) -> Array:
        feeds = {"style_weights": np.ones(5), **targets}
        return bench.run(bench.gradient(layers), image=image, **feeds)["gradient"]

    assert_close(gradient(blend), 0.3 * gradient(one) + 0.7 * gradient(two))
