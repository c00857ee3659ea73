"""What is imported when: nothing heavy for help, and no deep-learning framework ever."""

import json
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

HEAVY = {"numpy", "onnxruntime", "PIL", "onnx", "torch"}
FRAMEWORKS = {"torch", "torchvision", "onnx", "safetensors"}

COMMAND = """
from stylize.cli.app import app
try:
    app({arguments})
except SystemExit as end:
    assert not end.code, end.code
"""
COMPLETION = """
import os, sys
asked = {"COMP_WORDS": "stylize run --model c", "COMP_CWORD": "3"}
os.environ.update(asked, _STYLIZE_COMPLETE="complete_bash")
sys.argv = ["stylize"]
from stylize.cli.app import app
try:
    app()
except SystemExit as end:
    assert not end.code, end.code
"""
TRANSFER = """
from stylize.runtime import Model, Options, transfer
options = Options(size=32, iterations=2)
iterates = list(transfer(Model.open("compact"), "photo.png", "painting.png", options))
assert [iterate.iteration for iterate in iterates] == [1, 2]
assert iterates[-1].image.size == (32, 21)
"""


def imported_by(code: str) -> set[str]:
    """Run code in a new interpreter; return the packages that it has imported at the end."""
    code += "\nimport json, sys\nprint('\\n' + json.dumps(list(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return {name.partition(".")[0] for name in json.loads(result.stdout.splitlines()[-1])}


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]], ids=" ".join)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    imported = imported_by(COMMAND.format(arguments=arguments))
    assert "stylize" in imported
    assert imported & HEAVY == set()


def test_completion_imports_nothing_heavy() -> None:
    imported = imported_by(COMPLETION)
    assert {"stylize", "platformdirs"} <= imported  # it has looked for models
    assert imported & HEAVY == set()


def test_a_heavy_import_would_be_seen() -> None:
    assert imported_by("import numpy" + COMMAND.format(arguments=["--help"])) & HEAVY == {"numpy"}


def test_a_transfer_imports_no_framework(picture: Callable[..., Path]) -> None:
    picture("photo.png", seed=1)
    picture("painting.png", seed=2)
    imported = imported_by(TRANSFER)
    assert {"numpy", "onnxruntime", "PIL"} <= imported
    assert imported & FRAMEWORKS == set()


def test_nothing_about_the_user_is_collected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: Callable[..., Path]
) -> None:
    picture("photo.png", seed=1)
    picture("painting.png", seed=2)
    (tmp_path / "home").mkdir()
    for variable in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    imported_by(TRANSFER)
    assert list((tmp_path / "home").rglob("*")) == []


def test_a_framework_would_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: Callable[..., Path]
) -> None:
    picture("photo.png", seed=1)
    picture("painting.png", seed=2)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "stubs"))
    (tmp_path / "stubs").mkdir()
    for name in FRAMEWORKS:
        (tmp_path / "stubs" / f"{name}.py").touch()
    assert imported_by(f"import {', '.join(FRAMEWORKS)}" + TRANSFER) & FRAMEWORKS == FRAMEWORKS


@pytest.mark.parametrize(
    "command",
    [
        [str(Path(sysconfig.get_path("scripts"), "stylize"))],
        [sys.executable, "-m", "stylize"],
        [sys.executable, "-m", "stylize.cli"],
    ],
    ids=["script", "package", "module"],
)
def test_version(command: list[str]) -> None:
    result = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert result.stdout == f"stylize {version('stylize-onnx')}\n"
    assert result.stderr == ""
