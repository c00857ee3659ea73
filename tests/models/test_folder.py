"""A folder of a stranger: its graphs refer to its weights and to nothing else, or are refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from messages import field, model, tensor

from stylize.models import files
from stylize.models.catalog import embedded_folder
from stylize.models.errors import ModelError
from stylize.models.files import sha256
from stylize.models.folder import open_folder
from stylize.models.manifest import OtherForm


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the embedded model."""
    return Path(shutil.copytree(embedded_folder(), tmp_path / "copy"))


@pytest.fixture
def hostile(folder: Path) -> Callable[[bytes], Path]:
    """Put another graph in the place of ``variation.onnx``, with its right sha256."""

    def replace(graph: bytes) -> Path:
        path = folder / "variation.onnx"
        path.write_bytes(graph)
        manifest = json.loads((folder / "model.json").read_bytes())
        manifest["variation"]["sha256"] = sha256(path)
        (folder / "model.json").write_text(json.dumps(manifest))
        return folder

    return replace


def test_a_graph_may_refer_to_the_weights(hostile: Callable[[bytes], Path]) -> None:
    graph = model(field(5, tensor()))
    opened = open_folder(hostile(graph))
    read = opened.read(opened.manifest.variation)
    assert (read.name, read.model) == ("variation.onnx", graph)
    assert [reference.name for reference in read.references] == ["kernel"]
    assert bytes(read.weights) == (opened.path / "weights.safetensors").read_bytes()


@pytest.mark.parametrize(
    "location",
    [
        "../secret.bin",
        "{folder}/secret.bin",
        "sub/../weights.safetensors",
        "./weights.safetensors",
        "{folder}/weights.safetensors",
        "weights.safetensors\0",
        "WEIGHTS.SAFETENSORS",
        "model.json",
        "link.bin",
        "*/_ORT_MEM_ADDR_/*",
        "",
        "file:weights.safetensors",
    ],
)
def test_a_graph_may_refer_to_nothing_else(
    hostile: Callable[[bytes], Path], folder: Path, location: str
) -> None:
    (folder.parent / "secret.bin").write_bytes(bytes(100))
    (folder / "link.bin").symlink_to(folder.parent / "secret.bin")
    opened = open_folder(hostile(model(field(5, tensor(location.format(folder=folder))))))
    with pytest.raises(ModelError, match="cannot be used: it refers to '") as caught:
        opened.read(opened.manifest.variation)
    assert "variation.onnx'" in str(caught.value)
    assert "Get the model again from somebody you trust" in str(caught.value)


def test_a_weight_beyond_the_end_is_refused(hostile: Callable[[bytes], Path]) -> None:
    size = (embedded_folder() / "weights.safetensors").stat().st_size
    opened = open_folder(hostile(model(field(5, tensor(offset=size // 4 * 4)))))
    with pytest.raises(ModelError, match=r"'kernel' lies beyond the end of weights\.safetensors"):
        opened.read(opened.manifest.variation)


@pytest.mark.parametrize("graph", [b"", b"text" * 100, model()[:-1]])
def test_what_is_no_graph_is_refused(hostile: Callable[[bytes], Path], graph: bytes) -> None:
    opened = open_folder(hostile(graph))
    if graph:
        with pytest.raises(ModelError, match="cannot be used"):
            opened.read(opened.manifest.variation)


def test_a_graph_that_was_changed_since_the_check_is_refused(folder: Path) -> None:
    opened = open_folder(folder)
    (folder / "variation.onnx").write_bytes(model(field(5, tensor("../secret"))))
    with pytest.raises(ModelError, match="is damaged or was changed"):
        opened.read(opened.manifest.variation)


def test_weights_that_were_replaced_since_the_check_are_not_read(folder: Path) -> None:
    opened = open_folder(folder)
    before = bytes(opened.weights)
    other = folder.parent / "other"
    other.write_bytes(bytes(len(before)))
    other.replace(folder / "weights.safetensors")
    assert bytes(opened.read(opened.manifest.features).weights) == before


@pytest.mark.parametrize("name", ["weights.safetensors", "variation.onnx"])
def test_a_file_that_cannot_be_read_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """As without the permission, which root always has."""
    real = Path.open

    def refuse(path: Path, *mode: str) -> object:
        if path.name == name:
            raise PermissionError(13, "Permission denied")
        return real(path, *mode)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ModelError, match=rf"{name}' cannot be read: Permission denied\. Check"):
        open_folder(folder)


def test_a_graph_that_is_too_large_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LARGEST_GRAPH", 1000)
    with pytest.raises(ModelError, match="MiB, which no graph needs"):
        open_folder(folder)


def test_empty_weights_are_no_place_for_a_weight(hostile: Callable[[bytes], Path]) -> None:
    folder = hostile(model(field(5, tensor())))
    weights = folder / "weights.safetensors"
    weights.write_bytes(b"")
    manifest = json.loads((folder / "model.json").read_bytes())
    manifest["weights"]["sha256"] = sha256(weights)
    (folder / "model.json").write_text(json.dumps(manifest))
    opened = open_folder(folder)
    with pytest.raises(ModelError, match="beyond the end"):
        opened.read(opened.manifest.variation)


def test_another_form_is_read_like_the_graph(folder: Path) -> None:
    opened = open_folder(folder)
    blocked = opened.manifest.gradients[0].blocked
    assert isinstance(blocked, OtherForm)
    assert len(opened.read(blocked).references) > 10
    opened.read(blocked).forget_pages()
    assert bytes(opened.weights) == (folder / "weights.safetensors").read_bytes()
