"""Distilled layers: losses and gradients of what is read out of them, in every form of graph."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="exporting needs onnx")
pytest.importorskip("safetensors", reason="exporting needs safetensors")

from small import distilled_network, only, small_network, small_weights

from stylize.export.network.readout import square_readout
from stylize.export.writing.verify import verify_folder
from stylize.export.writing.write import write_folder
from stylize.models.layers import LayerSet
from stylize.models.manifest import read_manifest
from stylize.runtime import Model


def test_every_form_agrees_with_torch_in_float64(small_model: Callable[..., Path]) -> None:
    pytest.importorskip("torch", reason="compares with torch")
    network = distilled_network()
    folder = small_model(network)
    manifest = read_manifest(folder)
    few = replace(manifest, gradients=manifest.gradients[:1])
    checks = list(verify_folder(folder, network, few))
    assert {check.subject.split(",")[0] for check in checks} >= {"features", "losses", "gradient"}
    assert all(check.passed for check in checks), checks


def test_losses_are_those_of_the_layers_that_are_represented(
    small_model: Callable[..., Path], tmp_path: Path
) -> None:
    """E_l = 1/(4 N²) |R (G - A) Rᵀ|² and L_c = ½ |R (F - P)|², N four times the channels."""
    weights = small_weights(distilled_network())
    kernels = {name: weights.arrays[name] for name in small_network().parameters}
    with only():  # of this one, features are enough
        write_folder(tmp_path / "small", small_network(), replace(weights, arrays=kernels))
    image, other = np.random.default_rng(0).random((2, 1, 3, 32, 32), np.float32)
    model = Model.open(small_model(distilled_network()), "cpu")
    plain = Model.open(tmp_path / "small", "cpu")
    targets = model.targets(other, LayerSet(content=("conv4_2",)))
    targets |= model.targets(other, LayerSet(style=("conv1_1",)))
    found = model.objective((32, 32), targets, {"conv4_2": 1.0}, {"conv1_1": 1.0})(image)
    here, there = (plain.features(pixels) for pixels in (image, other))
    style, content = (weights.arrays[f"{layer}.readout"] for layer in ("conv1_1", "conv4_2"))
    gram = style @ (here["gram.conv1_1"] - there["gram.conv1_1"]) @ style.T
    expected = (gram**2).sum() / (4 * (4 * len(style)) ** 2)
    assert found.style_losses["conv1_1"] == pytest.approx(expected, rel=1e-3)
    response = np.einsum("ij,bjhw->bihw", content, here["conv4_2"] - there["conv4_2"])
    assert found.content_losses["conv4_2"] == pytest.approx((response**2).sum() / 2, rel=1e-3)


def test_readouts_are_stored_with_the_weights() -> None:
    added = distilled_network().parameters.keys() - small_network().parameters.keys()
    assert len(added) == 16
    assert distilled_network().parameters["conv2_1.readout"] == (8, 8)


def test_square_readout_keeps_distances() -> None:
    random = np.random.default_rng(0)
    wide = random.standard_normal((40, 10))
    square = square_readout(wide)
    assert square.shape == (10, 10)
    responses = random.standard_normal((10, 50))
    gram = responses @ responses.T
    assert np.linalg.norm(square @ responses) == pytest.approx(np.linalg.norm(wide @ responses))
    wide_gram, square_gram = (matrix @ gram @ matrix.T for matrix in (wide, square))
    assert np.linalg.norm(square_gram) == pytest.approx(np.linalg.norm(wide_gram))
