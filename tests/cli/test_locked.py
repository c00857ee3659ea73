"""Folders that may not be entered, and no home: one message, or no difference."""

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stylize.models.catalog import embedded_folder

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


COMMANDS = [
    ["run", "locked/photo.png", "painting.png", *RUN],
    ["run", "photo.png", "painting.png", *RUN, "-o", "locked/out.png"],
    ["run", "photo.png", "painting.png", *RUN, "--init", "locked/photo.png"],
    ["run", "photo.png", "painting.png", *RUN, "--trace", "locked/trace.jsonl"],
    ["sheet", "locked/photo.png", "photo.png"],
    ["rerun", "locked/photo.png"],
    ["grid", "photo.png", "painting.png", "-o", "locked/grid", "--iterations", "1"],
]

CODE = """
import json, sys
from typer.testing import CliRunner
from stylize.cli.app import app
results = [CliRunner().invoke(app, command) for command in json.loads(sys.argv[1])]
print(json.dumps([(result.exit_code, result.stderr) for result in results]))
"""


def test_a_locked_file_hides_no_model(locked: Path) -> None:
    graph = shutil.copytree(embedded_folder(), Path("models/mm")) / "variation.onnx"
    graph.unlink()
    graph.symlink_to(locked / "variation.onnx")
    command = [*WITHOUT_RIGHTS, sys.executable, "-m", "stylize", "models"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert f"unusable: '{graph}' cannot be read: {os.strerror(errno.EACCES)}." in result.stdout
    assert "compact" in result.stdout


def test_a_locked_folder_is_one_message(locked: Path) -> None:
    command = [*WITHOUT_RIGHTS, sys.executable, "-c", CODE, json.dumps(COMMANDS)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    for code, message in json.loads(result.stdout):
        assert code in (1, 2)
        assert message.startswith("Error: ")
        assert message.count("\n") == 1
        assert "bug" not in message
        assert "locked" in message
