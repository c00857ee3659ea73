"""``stylize models`` lists what there is, whole or not."""

import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stylize.cli.app import app
from stylize.models.catalog import embedded_folder, user_folder
from stylize.models.files import sha256


def listed() -> dict[str, tuple[str, str]]:
    """Run the command; return each model's description and place by its name."""
    result = CliRunner().invoke(app, ["models"])
    assert result.exit_code == 0
    assert result.stderr == ""
    models, _ = result.stdout.split("\n\n")
    lines = models.splitlines()
    pairs = zip(lines[::2], lines[1::2], strict=True)
    return {
        name: (description, place.strip())
        for name, description, place in ((*line.split(maxsplit=1), place) for line, place in pairs)
    }


def test_the_embedded_model_is_always_there() -> None:
    found = listed()
    assert list(found) == ["compact"]
    description, place = found["compact"]
    size = (embedded_folder() / "weights.safetensors").stat().st_size / 1e6
    assert description.startswith(
        f"compact vgg19, average pooling, float16 ({size:.1f} MB), weights: "
    )
    assert place == "embedded in stylize"


def test_models_are_found_in_every_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"a": tmp_path / "one", "b": tmp_path / "two", "c": Path("models"), "d": user_folder()}
    for name, folder in places.items():
        shutil.copytree(embedded_folder(), folder / name)
    monkeypatch.setenv("STYLIZE_MODELS", os.pathsep.join(map(str, (places["a"], places["b"]))))
    found = listed()
    assert list(found) == ["a", "b", "c", "d", "compact"]
    assert [found[name][1] for name in places] == [
        str(folder / name) for name, folder in places.items()
    ]
    assert len({description for description, _ in found.values()}) == 1


def test_a_damaged_model_is_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cut", "good", "lacking", "wrong"):
        shutil.copytree(embedded_folder(), tmp_path / "found" / name)
    found_in = tmp_path / "found"
    monkeypatch.setenv("STYLIZE_MODELS", str(found_in))
    (found_in / "cut" / "model.json").write_text('{"format": 2,')
    (found_in / "lacking" / "features.onnx").unlink()
    (found_in / "wrong" / "weights.safetensors").write_bytes(b"")
    found = {name: description for name, (description, _) in listed().items()}
    assert list(found) == ["cut", "good", "lacking", "wrong", "compact"]
    assert found["cut"].startswith("unusable: ")
    assert "is damaged" in found["cut"]
    assert found["lacking"].startswith("unusable: ")
    assert "features.onnx is missing" in found["lacking"]
    assert found["wrong"].startswith("unusable: ")
    assert "(0 bytes) is damaged" in found["wrong"]
    assert found["good"] == found["compact"]
    assert not found["good"].startswith("unusable")


def test_the_folders_that_were_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STYLIZE_MODELS", str(tmp_path / "mine"))
    result = CliRunner().invoke(app, ["models"])
    _, searched = result.stdout.split("\n\n")
    assert searched.splitlines()[1:] == [
        f"  {tmp_path / 'mine'}",
        "  models",
        f"  {user_folder()}",
    ]


def test_folders_that_hold_no_manifest_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "models" / "pictures").mkdir(parents=True)
    assert list(listed()) == ["compact"]


def test_another_programs_model_is_told_of_and_passed_over() -> None:
    path = Path("models", "vgg19")
    path.mkdir(parents=True)
    (path / "model.json").write_text('{"format": "layers-model"}')
    found = listed()
    assert list(found) == ["compact", "vgg19"]
    assert found["vgg19"] == ("passed over: its model.json is not one of stylize's", str(path))


def test_a_graph_that_refers_to_another_file_is_told_of() -> None:
    folder = Path(shutil.copytree(embedded_folder(), "models/hostile"))
    graph = folder / "features.onnx"
    before = sha256(graph)
    content = graph.read_bytes()
    graph.write_bytes(content.replace(b"weights.safetensors", b"../../etc/passwd.txt"[:19]))
    manifest = (folder / "model.json").read_text()
    (folder / "model.json").write_text(manifest.replace(before, sha256(graph)))
    description, _ = listed()["hostile"]
    assert description.startswith("unusable: ")
    assert "it refers to '../../etc/passwd" in description
