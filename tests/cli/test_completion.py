"""What shells are told of what may come next, asked as they ask."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stylize.cli.app import app
from stylize.models.catalog import known_names
from stylize.models.layers import VGG19_LAYERS
from stylize.models.settings import settings_of
from stylize.runtime.engine.machine import Machine
from stylize.runtime.plans.preset import PRESETS
from stylize.runtime.providers.table import AUTO, PROVIDERS

SCRIPTS = sysconfig.get_path("scripts")


def offered(line: str) -> list[str]:
    """Return what bash is offered at the end of a command line."""
    words = line.split(" ")
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    asked["_STYLIZE_COMPLETE"] = "complete_bash"
    result = CliRunner().invoke(app, env=asked, prog_name="stylize")
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("stylize re", ["resume", "rerun", "reconstruct"]),
        ("stylize run --prov", ["--provider", "--provider-option"]),
        ("stylize run --preset ", [*PRESETS]),
        ("stylize presets g", ["gatys-code"]),
        ("stylize run --provider ", [AUTO, *PROVIDERS]),
        ("stylize doctor --provider o", ["openvino"]),
        ("stylize compare --providers cu", ["cuda"]),
        ("stylize compare --providers cpu,cu", ["cpu,cuda"]),
        ("stylize compare --providers cpu:float32,openvino,web", ["cpu:float32,openvino,webgpu"]),
        ("stylize figure ", ["1", "2", "3"]),
        ("stylize run --losses m", ["mse", "mean"]),
        ("stylize run --init ", ["photo", "painting", "noise", "grey"]),
        ("stylize run --profile k", ["keep"]),
        ("stylize batch --style-layer conv5", ["conv5_1", "conv5_2", "conv5_3", "conv5_4"]),
        ("stylize export vgg19 --weights h", ["hub"]),
        ("stylize grid a.png b.png --up-to ", [*VGG19_LAYERS]),
        ("stylize run ph", []),
        ("stylize run photo.jpg pai", []),
        ("stylize sheet a.png -o sh", []),
    ],
)
def test_bash_is_offered(line: str, expected: list[str]) -> None:
    """Where nothing is offered, shells offer files."""
    assert offered(line) == expected


@pytest.mark.parametrize("command", ["run", "rerun", "judge", "compare"])
def test_models_are_those_that_are_found(command: str, tmp_path: Path) -> None:
    folder = tmp_path / "models" / "my-vgg"
    folder.mkdir(parents=True)
    (folder / "model.json").write_text('{"format": 5}')
    assert offered(f"stylize {command} --model ") == ["my-vgg", "compact"]
    assert offered(f"stylize {command} --model m") == ["my-vgg"]
    assert offered(f"stylize {command} --model ./m") == []


def test_a_model_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "mine, late"
    folder.mkdir(parents=True)
    (folder / "model.json").write_text('{"format": 5}')
    assert "mine, late" in known_names()
    suggested = settings_of(Machine)["model"][0].suggested
    assert suggested
    assert list(suggested()) == ["mine, late", "compact"]


@pytest.mark.parametrize(
    ("shell", "variables", "expected"),
    [
        ("zsh", {"_TYPER_COMPLETE_ARGS": "stylize run --preset ga"}, '(("gatys-code"))'),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "stylize run ph"}, "_files"),
        (
            "fish",
            {
                "_TYPER_COMPLETE_ARGS": "stylize run --preset ga",
                "_TYPER_COMPLETE_FISH_ACTION": "get-args",
            },
            "gatys-code",
        ),
        (
            "powershell",
            {
                "_TYPER_COMPLETE_ARGS": "stylize run --preset ga",
                "_TYPER_COMPLETE_WORD_TO_COMPLETE": "ga",
            },
            "gatys-code",
        ),
    ],
)
def test_other_shells_are_offered_the_same(
    shell: str, variables: dict[str, str], expected: str
) -> None:
    asked = {"_STYLIZE_COMPLETE": f"complete_{shell}", **variables}
    result = CliRunner().invoke(app, env=asked, prog_name="stylize")
    assert (result.exit_code, result.stderr) == (0, "")
    assert expected in result.stdout


def test_a_variable_that_is_bad_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STYLIZE_THREADS", "many")
    monkeypatch.setenv("STYLIZE_SIZE", "huge")
    assert offered("stylize run --preset j") == ["johnson"]


@pytest.mark.parametrize(("asked", "code"), [("", 0), ("nonsense", 1), ("complete_tcsh", 1)])
def test_what_no_shell_asks_prints_no_traceback(asked: str, code: int) -> None:
    result = CliRunner().invoke(app, ["--version"], env={"_STYLIZE_COMPLETE": asked})
    assert result.exit_code == code
    assert isinstance(result.exception, SystemExit | None)
    assert result.output.count("\n") == 1


def in_bash(script: str, home: Path) -> str:
    path = os.pathsep.join([SCRIPTS, os.environ["PATH"]])
    finished = subprocess.run(
        ["bash", "--norc", "-c", script],
        env={**os.environ, "PATH": path, "HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.mark.skipif(sys.platform == "win32" or not shutil.which("bash"), reason="needs bash")
def test_bash_completes_once_it_is_installed(tmp_path: Path, picture: Callable[..., Path]) -> None:
    install = "stylize --install-completion; exit $?"  # not in the place of bash
    assert "completion installed" in in_bash(install, tmp_path)
    asked = "COMP_WORDS=(stylize run --model com); COMP_CWORD=3; _stylize_completion stylize"
    told = in_bash(f'. ~/.bashrc; {asked}; printf "%s\\n" "${{COMPREPLY[@]}}"', tmp_path)
    assert told == "compact\n"
    assert "-F _stylize_completion stylize" in in_bash(". ~/.bashrc; complete -p stylize", tmp_path)
