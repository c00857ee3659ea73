"""What the README tells its readers to do works as it is written."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import REPOSITORY
from PIL import Image
from typer.testing import CliRunner

from stylize.cli.app import app

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def shell_commands(beginning: str) -> list[str]:
    return [line for line in README.splitlines() if line.startswith(beginning)]


def code_blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.network
@pytest.mark.skipif(sys.platform == "win32", reason="the command is written for a POSIX shell")
def test_first_command_turns_the_examples_into_a_picture(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    unwanted = shutil.ignore_patterns(".git", ".venv*", "build", "dist", "*.egg-info", ".*_cache")
    shutil.copytree(REPOSITORY, clone, ignore=unwanted)
    first, _ = shell_commands("python3 -m venv")
    short = first.replace("--iterations 200", "--iterations 20")
    assert short != first
    finished = subprocess.run(short, shell=True, cwd=clone, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    with (
        Image.open(clone / "stylised.png") as picture,
        Image.open(REPOSITORY / "examples" / "photo.jpg") as photo,
    ):
        assert picture.size == (512, round(512 * photo.height / photo.width))
        assert len(picture.getcolors(maxcolors=512 * 512) or []) > 10_000
    installed = {path.name for path in clone.glob(".venv/lib/*/site-packages/*")}
    assert "onnxruntime" in installed
    assert not installed & {"torch", "torchvision", "onnx", "safetensors"}


def test_python_example_runs(tmp_path: Path, picture: Callable[..., Path]) -> None:
    picture("photo.jpg"), picture("painting.jpg", seed=1)
    (example,) = code_blocks("python")
    short = example.replace("size=384", "size=32, iterations=3")
    assert short != example
    exec(compile(short, "README.md", "exec"), {})
    with Image.open(tmp_path / "stylised.png") as stylised:
        assert max(stylised.size) == 32


def test_options_named_in_the_readme_exist() -> None:
    commands = ("run", "rerun", "reconstruct", "texture", "grid", "figure", "sheet", "export vgg19")
    commands += ("doctor", "compare")
    helps = "".join(
        CliRunner().invoke(app, [*command.split(), "--help"]).stdout for command in commands
    )
    named = set(re.findall(r"`(?:[^`\n]*\s)?(--[a-z-]+)", README)) - {"--config-settings"}
    assert {"--size", "--half", "--model", "--trace"} <= named
    assert {option for option in named if option not in helps} == set()
