"""The embedded model is what `stylize.export.writing.compact` writes of its own weights."""

import runpy
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="exporting needs onnx")
pytest.importorskip("safetensors", reason="exporting needs safetensors")

from safetensors.numpy import load_file

from stylize.export.writing.compact import compact_network
from stylize.models.catalog import embedded_folder
from stylize.models.folder import open_folder

WEIGHTS = "weights.safetensors"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded model, written as the module's docstring says."""
    folder = tmp_path_factory.mktemp("again") / "compact"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["compact", str(embedded_folder() / WEIGHTS), str(folder)])
        patch.delitem(sys.modules, "stylize.export.writing.compact")
        runpy.run_module("stylize.export.writing.compact", run_name="__main__")
    return folder


def test_the_same_folder_is_written_again(written: Path) -> None:
    files = {file.name: file.read_bytes() for file in embedded_folder().iterdir()}
    again = {file.name: file.read_bytes() for file in written.iterdir()}
    assert again.keys() == files.keys()
    assert [name for name, content in files.items() if again[name] != content] == []


def test_the_embedded_folder_is_small_and_whole() -> None:
    files = list(embedded_folder().iterdir())
    manifest = open_folder(embedded_folder()).manifest
    listed = {file.file for file in manifest.files}
    assert {file.name for file in files} == {"model.json"} | listed
    assert (embedded_folder() / manifest.weights.file).stat().st_size < 2e6
    # The package carries it compressed; the graphs, which say much the same, shrink most.
    assert sum(len(zlib.compress(file.read_bytes())) for file in files) < 2.1e6


def test_every_weight_is_of_use_in_float16() -> None:
    """No layer is lost in rounding: what is too small for float16's full precision is rare."""
    weights = load_file(embedded_folder() / WEIGHTS)
    assert {name: array.shape for name, array in weights.items()} == compact_network().parameters
    for name, array in weights.items():
        assert array.dtype == np.float16
        if name.endswith("weight"):
            tiny = np.abs(array.astype(np.float64)) < np.finfo(np.float16).smallest_normal
            assert tiny.mean() < 0.01, name


def test_layers_represent_vgg19s() -> None:
    manifest = open_folder(embedded_folder()).manifest
    widths = {
        layer.name: layer.represented_channels for layer in manifest.layers if "conv" in layer.name
    }
    assert {name: widths[name] for name in ("conv1_1", "conv2_1", "conv3_1", "conv4_2")} == {
        "conv1_1": 64,
        "conv2_1": 128,
        "conv3_1": 256,
        "conv4_2": 512,
    }
