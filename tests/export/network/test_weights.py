"""Weights are stored as they are, or as float16."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="exporting needs safetensors")
pytest.importorskip("onnx", reason="exporting needs onnx")

from safetensors.numpy import load_file
from small import small_network, small_weights

from stylize.export.network.weights import store_weights
from stylize.models.errors import WeightsError

OURS = small_weights(small_network()).arrays


def test_stored_weights_are_float32_or_half(tmp_path: Path) -> None:
    for half, dtype in (False, np.float32), (True, np.float16):
        store_weights(tmp_path / "weights.safetensors", OURS, half=half)
        stored = load_file(tmp_path / "weights.safetensors")
        assert stored.keys() == OURS.keys()
        for name, array in stored.items():
            np.testing.assert_array_equal(array, OURS[name].astype(dtype), strict=True)


def test_what_half_cannot_hold_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    largest = {"conv1_1.bias": np.array([65504.0], np.float32)}
    store_weights(path, largest, half=True)
    path.unlink()
    with pytest.raises(WeightsError, match=r"'conv1_1.bias' .* Export without --half"):
        store_weights(path, {"conv1_1.bias": np.array([65520.0], np.float32)}, half=True)
    assert not path.exists()
