"""Weights under every naming, from every kind of file; what does not fit is refused."""

import hashlib
import json
import os
import pickle
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Never

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("safetensors", reason="exporting needs safetensors")
torch = pytest.importorskip("torch", reason="these files are written by torch")
pytest.importorskip("onnx", reason="exporting needs onnx")

from mutations import mutants
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch_file
from small import small_network, small_weights

from stylize.export.network.architecture import Convolution, vgg19
from stylize.export.network.torch_peer import available
from stylize.export.sources.loading import load_weights
from stylize.export.sources.published import PUBLISHED, Publication
from stylize.models.errors import ExtraError, WeightsError
from stylize.models.preprocessing import CAFFE, TORCHVISION

Arrays = dict[str, npt.NDArray[Any]]

NETWORK = small_network()
OURS: Arrays = small_weights(NETWORK).arrays
# The convolutions' places in torchvision's VGG-19, counted in its printed description.
PLACES = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)
CONVOLUTIONS = [layer.name for layer in NETWORK.layers if isinstance(layer, Convolution)]
THEIRS: Arrays = {
    f"features.{place}.{kind}": OURS[f"{name}.{kind}"]
    for place, name in zip(PLACES, CONVOLUTIONS, strict=True)
    for kind in ("weight", "bias")
}
CLASSIFIER: Arrays = {
    f"classifier.{place}.{kind}": np.ones((2, 2) if kind == "weight" else 2, np.float32)
    for place in (0, 3, 6)
    for kind in ("weight", "bias")
}
TENSOR = "conv3_2.weight"


def save_pth(state: Any, path: Path) -> None:
    """Write what `state` holds with torch, arrays as tensors."""
    if isinstance(state, dict):
        state = {
            name: torch.from_numpy(value.copy()) if isinstance(value, np.ndarray) else value
            for name, value in state.items()
        }
    torch.save(state, path)


SAVERS = {".safetensors": save_file, ".pth": save_pth, ".pt": save_pth, ".bin": save_pth}


def saved(folder: Path, arrays: Arrays, ending: str = ".safetensors") -> str:
    path = folder / f"weights{ending}"
    SAVERS[ending](arrays, path)
    return str(path)


def changed(name: str, array: npt.NDArray[Any]) -> Arrays:
    return {**OURS, name: array}


def assert_ours(arrays: Arrays) -> None:
    assert list(arrays) == list(NETWORK.parameters)
    for name, array in arrays.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, OURS[name], strict=True)


@pytest.mark.parametrize("ending", SAVERS)
@pytest.mark.parametrize(
    "arrays", [OURS, THEIRS, {**THEIRS, **CLASSIFIER}], ids=["ours", "theirs", "classifier"]
)
def test_every_kind_of_file_gives_the_same_arrays(
    tmp_path: Path, arrays: Arrays, ending: str
) -> None:
    path = saved(tmp_path, arrays, ending)
    loaded = load_weights(path, NETWORK, "caffe")
    assert_ours(loaded.arrays)
    assert loaded.source == f"weights{ending}"
    assert loaded.source_sha256 == hashlib.sha256(Path(path).read_bytes()).hexdigest()
    assert loaded.licence.startswith("unknown")
    assert loaded.preprocessing is CAFFE


@pytest.mark.parametrize("ending", SAVERS)
@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_float_types_become_float32(
    tmp_path: Path, ending: str, dtype: npt.DTypeLike
) -> None:
    arrays = {name: array.astype(dtype) for name, array in OURS.items()}
    loaded = load_weights(saved(tmp_path, arrays, ending), NETWORK, "caffe")
    for name, array in loaded.arrays.items():
        expected = arrays[name].astype(np.float32)
        np.testing.assert_array_equal(array, expected, strict=True)


def test_bfloat16_becomes_float32(tmp_path: Path) -> None:
    state = {name: torch.from_numpy(array).bfloat16() for name, array in OURS.items()}
    save_torch_file(state, tmp_path / "weights.safetensors")
    torch.save(state, tmp_path / "weights.pth")
    for ending in (".safetensors", ".pth"):
        loaded = load_weights(str(tmp_path / f"weights{ending}"), NETWORK, "caffe")
        for name, array in loaded.arrays.items():
            np.testing.assert_array_equal(array, state[name].float().numpy(), strict=True)


def test_parameters_of_a_module_are_read_like_tensors(tmp_path: Path) -> None:
    state = {name: torch.nn.Parameter(torch.from_numpy(a.copy())) for name, a in OURS.items()}
    torch.save(state, tmp_path / "weights.pth")
    assert_ours(load_weights(str(tmp_path / "weights.pth"), NETWORK, "caffe").arrays)


def test_torchvisions_vgg19_fits_our_table() -> None:
    models = pytest.importorskip("torchvision.models", reason="compares with torchvision")
    with torch.device("meta"):
        state = models.vgg19(weights=None).state_dict()
    theirs = {
        name: tuple(value.shape) for name, value in state.items() if name.startswith("features.")
    }
    ours = vgg19().parameters
    names = [f"features.{place}.{kind}" for place in PLACES for kind in ("weight", "bias")]
    assert theirs == dict(zip(names, ours.values(), strict=True))
    assert [name.partition(".")[2] for name in ours] == ["weight", "bias"] * 16
    assert set(state) - set(theirs) == set(CLASSIFIER)


@pytest.mark.parametrize("ending", SAVERS)
@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            changed(TENSOR, np.zeros((16, 16, 3, 4), np.float32)),
            rf"'{TENSOR}' has shape \(16, 16, 3, 4\); VGG-19's is \(16, 16, 3, 3\)",
        ),
        (
            {name: array for name, array in OURS.items() if name != TENSOR},
            rf"has no tensor for '{TENSOR}', of shape \(16, 16, 3, 3\)",
        ),
        (changed("conv6_1.weight", OURS[TENSOR]), "unknown tensor 'conv6_1.weight'"),
        (changed("features.1.weight", OURS[TENSOR]), "unknown tensor 'features.1.weight'"),
        (changed(TENSOR, OURS[TENSOR] * np.float32(np.nan)), f"'{TENSOR}' .* NaN or infinite"),
        (
            changed("conv5_4.bias", np.full(32, -np.inf, np.float32)),
            "'conv5_4.bias' .* NaN or infinite",
        ),
    ],
    ids=["shape", "missing", "unknown", "not a convolution", "NaN", "Inf"],
)
def test_an_error_names_the_file_and_the_tensor(
    tmp_path: Path, arrays: Arrays, ending: str, message: str
) -> None:
    path = saved(tmp_path, arrays, ending)
    with pytest.raises(WeightsError, match=message) as caught:
        load_weights(path, NETWORK, "caffe")
    assert path in str(caught.value)


def test_one_value_that_is_not_a_number_is_found(tmp_path: Path) -> None:
    array = OURS[TENSOR].copy()
    array[15, 15, 2, 2] = np.nan
    with pytest.raises(WeightsError, match=TENSOR):
        load_weights(saved(tmp_path, changed(TENSOR, array)), NETWORK, "caffe")


@pytest.mark.parametrize("ending", [".safetensors", ".pth"])
@pytest.mark.parametrize("kept", ["nothing", "a byte", "the start", "half", "all but a byte"])
def test_a_truncated_file_is_an_error(tmp_path: Path, ending: str, kept: str) -> None:
    path = Path(saved(tmp_path, OURS, ending))
    size = path.stat().st_size
    sizes = {"nothing": 0, "a byte": 1, "the start": 10, "half": size // 2}
    os.truncate(path, sizes.get(kept, size - 1))
    with pytest.raises(WeightsError, match=r"weights\.(safetensors|pth)'"):
        load_weights(str(path), NETWORK, "caffe")


@pytest.mark.parametrize("kept", [1, 10, 2000])
def test_a_truncated_file_of_torchs_old_format_is_an_error(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "weights.pth"
    state = {name: torch.from_numpy(array) for name, array in OURS.items()}
    torch.save(state, path, _use_new_zipfile_serialization=False)
    os.truncate(path, kept)
    with pytest.raises(WeightsError, match=r"weights\.pth'"):
        load_weights(str(path), NETWORK, "caffe")


@pytest.mark.parametrize("ending", [".safetensors", ".pth"])
@pytest.mark.parametrize(
    "content",
    [b"hello world", b"<html><body>404</body></html>", b"PK\x03\x04 not a zip file", bytes(64)],
    ids=["text", "web page", "zip", "zeros"],
)
def test_a_file_of_something_else_is_an_error(tmp_path: Path, ending: str, content: bytes) -> None:
    path = tmp_path / f"weights{ending}"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"weights\.(safetensors|pth)'"):
        load_weights(str(path), NETWORK, "caffe")


def test_a_number_type_that_numpy_lacks_is_an_error(tmp_path: Path) -> None:
    header = json.dumps({TENSOR: {"dtype": "F8_E5M2", "shape": [4], "data_offsets": [0, 4]}})
    path = tmp_path / "weights.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode() + bytes(4))
    with pytest.raises(WeightsError, match=r"weights\.safetensors'"):
        load_weights(str(path), NETWORK, "caffe")


class Attack:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("form", ["bare pickle", "torch"])
def test_code_in_a_pth_file_is_refused_and_not_run(tmp_path: Path, form: str) -> None:
    path, target = tmp_path / "weights.pth", tmp_path / "attacked"
    write_attack(path, target, form)
    with pytest.raises(
        WeightsError, match="no file of tensors that stylize reads safely"
    ) as caught:
        load_weights(str(path), NETWORK, "caffe")
    assert "mkdir, which no tensor needs. It holds more than tensors" in str(caught.value)
    assert not target.exists()
    torch.load(path, weights_only=False) if form == "torch" else pickle.loads(path.read_bytes())
    assert target.exists(), "the attack is harmless, so that the test shows nothing"


def write_attack(path: Path, target: Path, form: str = "torch") -> None:
    state = {"conv1_1.weight": Attack(target)}
    if form == "torch":
        torch.save(state, path)
    else:
        path.write_bytes(pickle.dumps(state, protocol=2))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([torch.zeros(2)], "holds a list, not named tensors"),
        (torch.zeros(2), "holds a tensor, not named tensors"),
        ({"weights": {"conv1_1.weight": torch.zeros(2)}}, "'weights' is a dict"),
        ({"state_dict": {"model": {"x": torch.zeros(2)}}}, "'model' is a dict"),
        ({"state_dict": torch.zeros(2), "epoch": 3}, "'epoch' is a int, not a tensor"),
        ({**OURS, "epoch": 3}, "'epoch' is a int, not a tensor"),
    ],
    ids=["list", "tensor", "nested", "nested twice", "no state", "number"],
)
def test_a_pth_file_must_hold_named_tensors(tmp_path: Path, content: Any, message: str) -> None:
    save_pth(content, tmp_path / "weights.pth")
    with pytest.raises(WeightsError, match=message):
        load_weights(str(tmp_path / "weights.pth"), NETWORK, "caffe")


def renamed(arrays: Arrays, old: str, new: str) -> Arrays:
    return {new + name.removeprefix(old): array for name, array in arrays.items()}


PRE_LOGITS = {f"pre_logits.fc{n}.weight": np.ones((2, 2), np.float32) for n in (1, 2)}
TIMM = {**PRE_LOGITS, "head.fc.weight": PRE_LOGITS["pre_logits.fc1.weight"]}


@pytest.mark.parametrize("ending", [".safetensors", ".pth"])
@pytest.mark.parametrize(
    "arrays",
    [
        {**THEIRS, **TIMM},
        renamed(THEIRS, "features.", ""),
        renamed({**THEIRS, **CLASSIFIER}, "", "module."),
        {**renamed(THEIRS, "features.", "features.module."), **CLASSIFIER},
        renamed({**THEIRS, **CLASSIFIER}, "", "model."),
        renamed(OURS, "", "module."),
    ],
    ids=["timm", "features alone", "parallel", "parallel features", "wrapped", "ours, parallel"],
)
def test_the_names_of_other_programs_are_known(tmp_path: Path, arrays: Arrays, ending: str) -> None:
    assert_ours(load_weights(saved(tmp_path, arrays, ending), NETWORK, "caffe").arrays)


@pytest.mark.parametrize("key", ["state_dict", "model", "model_state_dict"])
def test_the_state_in_a_checkpoint_is_read(tmp_path: Path, key: str) -> None:
    state = {name: torch.from_numpy(array.copy()) for name, array in THEIRS.items()}
    checkpoint = {"epoch": 3, key: state, "optimizer": {"param_groups": [{"lr": 0.1}]}}
    torch.save(checkpoint, tmp_path / "weights.pth")
    assert_ours(load_weights(str(tmp_path / "weights.pth"), NETWORK, "caffe").arrays)


def test_two_tensors_for_one_parameter_are_an_error(tmp_path: Path) -> None:
    path = saved(tmp_path, {**OURS, "features.0.bias": OURS["conv1_1.bias"]})
    with pytest.raises(WeightsError, match=r"has two tensors for 'conv1_1\.bias'"):
        load_weights(path, NETWORK, "caffe")


KERNEL = torch.from_numpy(OURS[TENSOR].copy())

UNUSUAL: dict[str, tuple[Callable[[], Any], str]] = {
    "integers": (lambda: KERNEL.int(), "is torch.int32, not plain floating-point"),
    "booleans": (lambda: KERNEL > 0, "is torch.bool"),
    "complex": (lambda: KERNEL.cfloat(), "is torch.complex64"),
    "sparse": (lambda: KERNEL.to_sparse(), "is a sparse tensor, not a tensor of plain numbers"),
    "sparse rows": (lambda: KERNEL.reshape(16, -1).to_sparse_csr(), "is a sparse tensor"),
    "quantised": (
        lambda: torch.quantize_per_tensor(KERNEL, 0.1, 0, torch.qint8),
        "names torch.QInt8Storage",
    ),
    "expanded": (
        lambda: torch.zeros(1).expand(10**6, 10**6, 3, 3),
        r"has shape \(1000000, 1000000, 3, 3\)",
    ),
    "text": (lambda: "kernel", "is a str, not a tensor"),
    "nested": (lambda: {"kernel": KERNEL}, "is a dict, not a tensor"),
    "meta": (lambda: KERNEL.to("meta"), "is a tensor without numbers"),
}


@pytest.mark.filterwarnings("ignore")  # torch's: quantisation and sparse rows are about to change
@pytest.mark.parametrize("kind", UNUSUAL)
def test_what_is_no_array_of_numbers_is_an_error(tmp_path: Path, kind: str) -> None:
    value, message = UNUSUAL[kind]
    state = {name: torch.from_numpy(array.copy()) for name, array in OURS.items()}
    torch.save({**state, TENSOR: value()}, tmp_path / "weights.pth")
    with pytest.raises(WeightsError, match=message):
        load_weights(str(tmp_path / "weights.pth"), NETWORK, "caffe")


def test_a_whole_module_is_an_error(tmp_path: Path) -> None:
    torch.save(torch.nn.Conv2d(3, 4, 3), tmp_path / "weights.pth")
    with pytest.raises(WeightsError, match="no file of tensors that stylize reads safely"):
        load_weights(str(tmp_path / "weights.pth"), NETWORK, "caffe")


def test_a_compressed_pth_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/data/0", bytes(10**6))
    with pytest.raises(WeightsError, match=r"bomb\.pth' is compressed"):
        load_weights(str(path), NETWORK, "caffe")


def write_safetensors(path: Path, header: dict[str, Any], size: int, length: int = 0) -> str:
    text = json.dumps(header).encode()
    path.write_bytes((length or len(text)).to_bytes(8, "little") + text + bytes(size))
    return str(path)


@pytest.mark.parametrize(
    ("header", "size", "length"),
    [
        ({"a": ([2], [0, 8]), "b": ([2], [4, 12])}, 12, 0),
        ({"a": ([2], [0, 8]), "b": ([2], [0, 8])}, 8, 0),
        ({TENSOR: ([10**6, 10**6, 3, 3], [0, 36 * 10**12])}, 8, 0),
        ({TENSOR: ([2**32, 2**32], [0, 8])}, 8, 0),
        ({TENSOR: ([2], [0, 8])}, 8, 2**63),
        ({TENSOR: ([2], [0, 8])}, 8, 10**9),
        ({TENSOR: ([2], [8, 0])}, 8, 0),
        ({TENSOR: ([-2], [0, 8])}, 8, 0),
        ({TENSOR: ([2], [0, 8])}, 800, 0),
    ],
)
def test_a_safetensors_file_that_contradicts_itself_is_an_error(
    tmp_path: Path, header: dict[str, Any], size: int, length: int
) -> None:
    entries = {
        name: {"dtype": "F32", "shape": shape, "data_offsets": offsets}
        for name, (shape, offsets) in header.items()
    }
    path = write_safetensors(tmp_path / "weights.safetensors", entries, size, length)
    with pytest.raises(WeightsError, match=r"weights\.safetensors'"):
        load_weights(path, NETWORK, "caffe")


def save_old_pth(state: Arrays, path: Path) -> None:
    """Write the format that torch had before it took zip files."""
    tensors = {name: torch.from_numpy(array.copy()) for name, array in state.items()}
    torch.save(tensors, path, _use_new_zipfile_serialization=False)


@pytest.mark.parametrize(
    ("save", "ending"),
    [(save_file, ".safetensors"), (save_pth, ".pth"), (save_old_pth, ".pth")],
    ids=["safetensors", "pth", "old pth"],
)
def test_damaged_files_are_read_or_are_an_error(
    tmp_path: Path, mutations: Callable[[int], int], save: Callable[..., None], ending: str
) -> None:
    path = tmp_path / f"weights{ending}"
    save(OURS, path)
    refused = 0
    for damaged in mutants(path.read_bytes(), mutations(40), seed=3):
        path.write_bytes(damaged)
        try:
            loaded = load_weights(str(path), NETWORK, "caffe")
        except WeightsError:
            refused += 1
        else:
            assert {
                name: array.shape for name, array in loaded.arrays.items()
            } == NETWORK.parameters
    assert refused > 10


@pytest.mark.parametrize("name", ["none.safetensors", "none.pth", "none.pt", "folder.pth"])
def test_a_missing_file_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.pth").mkdir()
    with pytest.raises(WeightsError, match=f"There is no weights file '.*{name}'"):
        load_weights(str(tmp_path / name), NETWORK, "caffe")


@pytest.mark.parametrize("name", ["weights.onnx", "weights", "weights.safetensors.part"])
def test_an_unknown_ending_is_an_error(tmp_path: Path, name: str) -> None:
    save_file(OURS, tmp_path / name)
    with pytest.raises(
        WeightsError, match=r"must end in \.safetensors, \.pth, \.pt, \.bin or \.whl"
    ):
        load_weights(str(tmp_path / name), NETWORK, "caffe")


@pytest.mark.parametrize("name", ["X.SAFETENSORS", "x.Safetensors"])
def test_the_case_of_an_ending_does_not_matter(tmp_path: Path, name: str) -> None:
    save_file(OURS, tmp_path / name)
    assert load_weights(str(tmp_path / name), NETWORK, "caffe").source == name


def test_a_files_name_is_told_as_far_as_it_can_be_shown(tmp_path: Path) -> None:
    path = tmp_path / "Gewichte\u3000für\x1b[2J\n\udcff.safetensors"
    save_file(OURS, tmp_path / "weights.safetensors")
    (tmp_path / "weights.safetensors").rename(path)
    loaded = load_weights(str(path), NETWORK, "caffe")
    assert loaded.source == "Gewichte\u3000für[2J.safetensors"


def test_an_unknown_file_needs_a_preprocessing(tmp_path: Path) -> None:
    path = saved(tmp_path, OURS)
    with pytest.raises(WeightsError, match=r"--preprocessing caffe .* --preprocessing torchvision"):
        load_weights(path, NETWORK)
    assert load_weights(path, NETWORK, "torchvision").preprocessing is TORCHVISION


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file that is known to be published."""
    path = saved(tmp_path, OURS)
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    monkeypatch.setitem(PUBLISHED, digest, Publication("A. Nonymous", "BSD", TORCHVISION))
    return path


@pytest.mark.parametrize("preprocessing", [None, "torchvision"])
def test_a_published_file_is_recognised(published: str, preprocessing: str | None) -> None:
    loaded = load_weights(published, NETWORK, preprocessing)
    assert loaded.preprocessing is TORCHVISION
    assert (loaded.source, loaded.licence) == ("A. Nonymous", "BSD")


def test_a_published_files_preprocessing_cannot_be_contradicted(published: str) -> None:
    message = "A. Nonymous, which needs --preprocessing torchvision, not caffe"
    with pytest.raises(WeightsError, match=message):
        load_weights(published, NETWORK, "caffe")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where torch keeps torchvision's weights, empty, without a network to fill it from."""
    pytest.importorskip("torchvision", reason="reads torchvision's weights")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("torch.hub.urlopen", unreachable)
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder / "vgg19-dcbb9e9d.pth"


def unreachable(*_: Any, **__: Any) -> Never:
    raise urllib.error.URLError("no route to host")


def publish(cache: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the file in torch's cache pass for the one that torchvision publishes."""
    original = "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44"
    digest = hashlib.sha256(cache.read_bytes()).hexdigest()
    monkeypatch.setitem(PUBLISHED, digest, PUBLISHED[original])
    return digest


def test_torchvisions_weights_are_taken_from_its_cache(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_pth({**THEIRS, **CLASSIFIER}, cache)
    digest = publish(cache, monkeypatch)
    loaded = load_weights("torchvision", NETWORK)
    assert_ours(loaded.arrays)
    assert loaded.preprocessing is TORCHVISION
    assert loaded.source == "torchvision VGG19_Weights.IMAGENET1K_V1"
    assert loaded.licence == "BSD-3-Clause"
    assert loaded.source_sha256 == digest


def test_torchvisions_preprocessing_cannot_be_contradicted(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_pth(THEIRS, cache)
    publish(cache, monkeypatch)
    with pytest.raises(WeightsError, match="needs --preprocessing torchvision, not caffe"):
        load_weights("torchvision", NETWORK, "caffe")


def test_another_file_in_torchs_cache_is_not_taken_for_torchvisions(cache: Path) -> None:
    save_pth(THEIRS, cache)
    with pytest.raises(WeightsError, match="is not the file that torchvision publishes"):
        load_weights("torchvision", NETWORK)


def test_a_failed_download_says_what_to_do(cache: Path) -> None:
    with pytest.raises(WeightsError, match="no route to host") as caught:
        load_weights("torchvision", NETWORK)
    assert "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth" in str(caught.value)
    assert "--weights" in str(caught.value)
    assert not list(cache.parent.iterdir())


def test_a_download_of_other_bytes_is_refused(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    served = tmp_path / "served"
    save_pth(THEIRS, served)
    monkeypatch.setattr(
        "torch.hub.urlopen", lambda *_, **__: urllib.request.urlopen(served.as_uri())
    )
    with pytest.raises(WeightsError, match=r"invalid hash value .*--weights"):
        load_weights("torchvision", NETWORK)
    assert not list(cache.parent.iterdir())


@pytest.mark.parametrize("content", [b"", b"hello world", b"PK\x03\x04 not a zip file"])
def test_a_damaged_cache_is_an_error(cache: Path, content: bytes) -> None:
    cache.write_bytes(content)
    with pytest.raises(WeightsError, match=r"vgg19-dcbb9e9d\.pth"):
        load_weights("torchvision", NETWORK)


def test_code_in_the_cache_is_refused_and_not_run(cache: Path, tmp_path: Path) -> None:
    write_attack(cache, tmp_path / "attacked")
    with pytest.raises(WeightsError, match=r"vgg19-dcbb9e9d\.pth"):
        load_weights("torchvision", NETWORK)
    assert not (tmp_path / "attacked").exists()


@pytest.fixture
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let torch look as if it were not installed."""
    monkeypatch.setitem(sys.modules, "torch", None)


def test_without_torch_torchvisions_download_needs_its_extra(no_torch: None) -> None:
    with pytest.raises(ExtraError, match=r"need torch and torchvision.*pip install .*\[torch\]"):
        load_weights("torchvision", NETWORK, "caffe")


@pytest.mark.parametrize("ending", SAVERS)
def test_without_torch_files_are_read(
    tmp_path: Path, ending: str, request: pytest.FixtureRequest
) -> None:
    path = saved(tmp_path, OURS, ending)
    request.getfixturevalue("no_torch")
    assert not available()
    assert_ours(load_weights(path, NETWORK, "caffe").arrays)
