"""The embedded model is what `stylize.export.untrained` writes."""

import dataclasses
import runpy
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="exporting needs onnx")
pytest.importorskip("safetensors", reason="exporting needs safetensors")

from safetensors.numpy import load_file

from stylize.export.untrained import THRESHOLD, noise_images, untrained_network, untrained_weights
from stylize.models.catalog import embedded_folder
from stylize.models.folder import open_folder
from stylize.models.manifest import GraphFile, Manifest


def without_sums(manifest: Manifest) -> Manifest:
    """Blank what rounding on another machine may change."""

    def blank(graph: GraphFile) -> GraphFile:
        blocked = graph.blocked and dataclasses.replace(graph.blocked, sha256="")
        return dataclasses.replace(graph, sha256="", blocked=blocked)

    return dataclasses.replace(
        manifest,
        weights=dataclasses.replace(manifest.weights, sha256=""),
        features=blank(manifest.features),
        targets=tuple(map(blank, manifest.targets)),
        gradients=tuple(map(blank, manifest.gradients)),
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The untrained model, written as the module's docstring says."""
    folder = tmp_path_factory.mktemp("untrained") / "compact"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["untrained", str(folder)])
        patch.delitem(sys.modules, "stylize.export.untrained")
        runpy.run_module("stylize.export.untrained", run_name="__main__")
    return folder


def test_the_same_weights_are_written_again(written: Path) -> None:
    again = load_file(written / "weights.safetensors")
    embedded = load_file(embedded_folder() / "weights.safetensors")
    assert list(again) == list(embedded)
    for name, array in embedded.items():
        assert array.dtype == again[name].dtype == np.float16
        # One unit in the last place, for BLAS adds up in other orders on other machines.
        np.testing.assert_array_max_ulp(again[name], array, maxulp=1)


def test_the_same_manifest_is_written_again(written: Path) -> None:
    again, embedded = open_folder(written).manifest, open_folder(embedded_folder()).manifest
    assert without_sums(again) == without_sums(embedded)


def test_the_same_graphs_are_written_again(written: Path) -> None:
    for graph in sorted(embedded_folder().glob("*.onnx")):
        assert (written / graph.name).read_bytes() == graph.read_bytes(), graph.name


def test_the_embedded_folder_is_small_and_whole() -> None:
    files = list(embedded_folder().iterdir())
    manifest = open_folder(embedded_folder()).manifest
    listed = {file.file for file in manifest.files}
    assert {file.name for file in files} == {"model.json"} | listed
    assert (embedded_folder() / manifest.weights.file).stat().st_size < 2e6
    # The package carries it compressed; the graphs, which say much the same, shrink most.
    assert sum(len(zlib.compress(file.read_bytes())) for file in files) < 2e6


def test_another_seed_draws_other_weights() -> None:
    network = untrained_network().up_to("conv1_2")
    first, second = (untrained_weights(network, seed) for seed in (0, 1))
    assert first.source == "untrained, seed 0: stylize.export.untrained"
    assert second.source == "untrained, seed 1: stylize.export.untrained"
    embedded = load_file(embedded_folder() / "weights.safetensors")
    assert first.arrays.keys() == {n for n in embedded if n.startswith(("conv1_1.", "conv1_2."))}
    for name, array in first.arrays.items():
        np.testing.assert_array_max_ulp(array.astype(np.float16), embedded[name], maxulp=1)
        assert not np.array_equal(array, second.arrays[name])


def test_each_response_has_the_threshold_below_its_spread() -> None:
    """A response's sums have mean -threshold and deviation 1, over the images that fitted them."""
    network = untrained_network().up_to("conv1_1")
    arrays = untrained_weights(network).arrays
    images = noise_images(np.random.default_rng(0), count=4, side=128)
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    kernel, bias = arrays["conv1_1.weight"], arrays["conv1_1.bias"]
    sums = sum(
        np.einsum("nihw,oi->nohw", padded[:, :, row : row + 128, column : column + 128], weight)
        for row in range(3)
        for column in range(3)
        for weight in [kernel[:, :, row, column].astype(np.float64)]
    )
    sums = sums + bias.astype(np.float64)[:, None, None]
    np.testing.assert_allclose(sums.mean(axis=(0, 2, 3)), -THRESHOLD, atol=1e-6)
    np.testing.assert_allclose(sums.std(axis=(0, 2, 3)), 1, atol=1e-6)
