"""Folders that may not be entered, and no home: one message, or no difference."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

RUN = ("--size", "32", "--style-layer", "conv1_1", "--iterations", "1")

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or (os.geteuid() == 0 and not shutil.which("setpriv")),
    reason="this user may enter everything",
)
WITHOUT_RIGHTS = (
    ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
    if sys.platform != "win32" and os.geteuid() == 0
    else []
)
"""Before a command of root's: then folders can be locked for it, too."""


@pytest.fixture
def locked(tmp_path: Path, picture: Callable[..., Path]) -> Iterator[Path]:
    """A folder with a picture in it that may not be entered."""
    picture("photo.png", seed=1)
    picture("painting.png", seed=2)
    folder = tmp_path / "locked"
    folder.mkdir()
    shutil.copy(tmp_path / "photo.png", folder / "photo.png")
    folder.chmod(0)
    yield folder
    folder.chmod(0o700)


def stylize(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*WITHOUT_RIGHTS, sys.executable, "-m", "stylize", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize(
    "command",
    [
        ("run", "locked/photo.png", "painting.png", *RUN),
        ("run", "photo.png", "painting.png", *RUN, "-o", "locked/out.png"),
        ("run", "photo.png", "painting.png", *RUN, "--init", "locked/photo.png"),
        ("sheet", "locked/photo.png", "photo.png"),
        ("rerun", "locked/photo.png"),
        ("grid", "photo.png", "painting.png", "-o", "locked/grid", "--iterations", "1"),
    ],
    ids=" ".join,
)
def test_a_locked_folder_is_one_message(locked: Path, command: tuple[str, ...]) -> None:
    result = stylize(*command)
    assert result.returncode in (1, 2)
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert "bug" not in result.stderr
    assert "locked" in result.stderr
