"""Gradient graphs with float16 responses, computed as a device does: summed in float32."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

onnx = pytest.importorskip("onnx", reason="exporting needs onnx")
pytest.importorskip("safetensors", reason="exporting needs safetensors")

from by_tiles_in_float64 import ByTiles
from onnx.reference import ReferenceEvaluator
from small import distilled_network, only, small_network, small_weights
from two_regions import two_regions

from stylize.export.network.architecture import Network
from stylize.export.writing import convolution
from stylize.export.writing.pooling import AveragePool
from stylize.export.writing.write import write_folder
from stylize.models.folder import ModelFolder, open_folder
from stylize.models.layers import LayerSet, paper_layer_sets
from stylize.models.manifest import GraphFile, OtherForm

Array = npt.NDArray[Any]

FIGURE_2 = paper_layer_sets()[0]


class Conv(convolution.Conv):
    """Rounds once, at the end."""

    def _run(self, image: Array, kernel: Array, bias: Array | None = None, **given: Any) -> Any:
        wide = [array.astype(np.float32) for array in (image, kernel)]
        (result,) = super()._run(*wide, None if bias is None else bias.astype(np.float32), **given)
        return (result.astype(image.dtype),)


def evaluate(
    folder: ModelFolder, graph: GraphFile | OtherForm, feeds: Mapping[str, Array]
) -> dict[str, Array]:
    evaluator = ReferenceEvaluator(onnx.load(folder.path / graph.file), new_ops=[AveragePool, Conv])
    used = {name: feeds[name] for name in evaluator.input_names}
    with np.errstate(over="ignore"):
        return dict(zip(evaluator.output_names, evaluator.run(None, used), strict=True))


def feeds_of(folder: ModelFolder, size: tuple[int, int], weight: float) -> dict[str, Array]:
    photo, painting, noise = np.random.default_rng(0).random((3, 1, 3, *size), np.float32)
    feeds = {"image": (photo + noise) / 2}
    for kind, picture in (("content", photo), ("style", painting)):
        layers = {"content": FIGURE_2.content, "style": FIGURE_2.style}[kind]
        for target in folder.manifest.targets:
            if target.layers in (type(FIGURE_2)(**{kind: layers}),):
                feeds |= evaluate(folder, target, {"image": picture})
        value = weight if kind == "content" else 2e3 * weight
        feeds[f"{kind}_weights"] = np.full(len(layers), value, np.float32)
    return feeds


NETWORKS = {
    "average": small_network("average"),
    "max": small_network("max"),
    "distilled": distilled_network(),
}


@pytest.fixture(scope="module", params=NETWORKS)
def small(request: pytest.FixtureRequest, small_model: Callable[..., Path]) -> ModelFolder:
    return open_folder(small_model(NETWORKS[request.param]))


def errors(
    folder: ModelFolder, size: tuple[int, int], weight: float, layers: LayerSet = FIGURE_2
) -> tuple[float, float]:
    """Return the total's relative difference from float32, and the gradient's in the L2 norm."""
    graph, feeds = folder.gradient_graph(layers), feeds_of(folder, size, weight)
    assert graph.float16
    if layers.guided:
        strides = {layer.name: layer.stride for layer in folder.manifest.layers}
        feeds |= two_regions(feeds, layers, size, strides)
    found, expected = (evaluate(folder, form, feeds) for form in (graph.float16, graph))
    assert {value.dtype for value in found.values()} == {np.dtype(np.float32)}
    return differences(found, expected)


def differences(found: Mapping[str, Array], expected: Mapping[str, Array]) -> tuple[float, float]:
    total = abs(found["total"] / expected["total"] - 1)
    truth = expected["gradient"].astype(np.float64)
    gradient = np.linalg.norm(found["gradient"] - truth) / np.linalg.norm(truth)
    print(f"total {total:.1e}, gradient {gradient:.1e}")
    return float(total), float(gradient)


@pytest.mark.parametrize(
    "layers",
    [FIGURE_2, replace(FIGURE_2, statistics="gram+moments"), replace(FIGURE_2, guided=True)],
    ids=str,
)
@pytest.mark.parametrize("weight", [1e-14, 1.0, 1e8])
def test_it_is_as_exact_at_any_scale_of_the_loss(
    small: ModelFolder, weight: float, layers: LayerSet
) -> None:
    total, gradient = errors(small, (41, 38), weight, layers)
    assert total <= 2e-3
    assert gradient <= 5e-2


def in_strips(
    folder: ModelFolder, network: Network, weight: float
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return what the whole float16 graph gives, and what strips do in float16."""
    graph, feeds = folder.gradient_graph(FIGURE_2), feeds_of(folder, (86, 38), weight)
    assert graph.float16
    streamed = ByTiles(
        folder.path, network, FIGURE_2, np.float32, operators=[Conv], convolved=np.float16
    )
    with np.errstate(over="ignore", invalid="ignore"):
        found = streamed.evaluate(feeds["image"], feeds, share=0.4)
    return evaluate(folder, graph.float16, feeds), found


@pytest.mark.parametrize("weight", [1e-14, 1.0, 1e8])
@pytest.mark.parametrize("kind", NETWORKS)
def test_strips_are_as_exact(small_model: Callable[..., Path], kind: str, weight: float) -> None:
    """They round responses as the whole does; their gradients have other scales."""
    network = NETWORKS[kind]
    whole, found = in_strips(open_folder(small_model(network)), network, weight)
    assert {value.dtype for value in found.values()} == {np.dtype(np.float32)}
    total, gradient = differences(found, whole)
    assert total <= 1e-6
    assert gradient <= 2e-3


@pytest.mark.parametrize("weight", [1e-14, 1e8])
def test_strips_need_the_scale_too(
    small_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, weight: float
) -> None:
    monkeypatch.setattr(
        "stylize.export.method.blocks.gradient_scale", lambda slopes: slopes[0].lift(1.0)
    )
    network = NETWORKS["average"]
    whole, found = in_strips(open_folder(small_model(network)), network, weight)
    assert not differences(found, whole)[1] <= 0.5


@pytest.mark.parametrize("weight", [1e-14, 1e8])
def test_without_the_scale_float16_does_not_reach(
    weight: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        "stylize.export.method.assemble.gradient_scale", lambda slopes: slopes[0].lift(1.0)
    )
    network = small_network()
    with only(FIGURE_2):
        write_folder(tmp_path / "unscaled", network, small_weights(network))
    folder = open_folder(tmp_path / "unscaled")
    with np.errstate(invalid="ignore"):
        _, gradient = errors(folder, (41, 38), weight)
    assert not gradient <= 0.5


def test_sums_are_not_in_float16(small: ModelFolder) -> None:
    form = small.gradient_graph(FIGURE_2).float16
    assert form
    model = onnx.shape_inference.infer_shapes(onnx.load(small.path / form.file))
    types = {
        value.name: value.type.tensor_type.elem_type
        for value in (*model.graph.value_info, *model.graph.output)
    }
    kinds: dict[str, set[int]] = {}
    for node in model.graph.node:
        kinds.setdefault(node.op_type, set()).add(types[node.output[0]])
    pool = {"average": "AveragePool", "max": "MaxPool"}[small.manifest.pooling]
    single, half = {onnx.TensorProto.FLOAT}, {onnx.TensorProto.FLOAT16}
    assert {name: kinds[name] for name in ("Gemm", "ReduceSum", "Relu", pool)} == {
        "Gemm": single,
        "ReduceSum": single,
        "Relu": half,
        pool: half if pool == "AveragePool" else single,
    }
    # Those of 1x1 are the preprocessing and the read-outs.
    wide = onnx.helper.make_attribute("kernel_shape", [3, 3])
    convolved = [node for node in model.graph.node if wide in node.attribute]
    assert len(convolved) == 2 * 13
    assert {types[node.output[0]] for node in convolved} == half


@pytest.mark.real_weights
def test_vgg19_fits_into_float16(real_model: Callable[..., Path]) -> None:
    total, gradient = errors(open_folder(real_model()), (33, 40), 1.0)
    assert total <= 1e-3
    assert gradient <= 3e-2
