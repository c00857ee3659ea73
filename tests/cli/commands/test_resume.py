"""``stylize resume``: a run that was ended goes on, and ends with the same file.

``STYLIZE_KILLS=50 pytest tests/cli/commands/test_resume.py`` kills so many runs.
"""

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from stylize.cli.app import app
from stylize.cli.making import keeping
from stylize.models.catalog import embedded_folder
from stylize.runtime.plans import checkpoint
from stylize.runtime.plans.recipe import read_recipe

FAILURE, USAGE, INTERRUPTED = 1, 2, 130
ITERATIONS = 24
RUN = (
    *("run", "photo.png", "painting.png", "-o", "out.png", "--size", "32"),
    *("--provider", "cpu", "--model", "compact"),
    *("--content-weight", "0", "--style-layer", "conv1_1", "--iterations", str(ITERATIONS)),
)
OUT, FILE, TRACE = Path("out.png"), Path("out.png.checkpoint"), Path("trace.jsonl")
KILLS = int(os.environ.get("STYLIZE_KILLS", "1"))


@pytest.fixture(autouse=True)
def pictures(picture: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A photo and a painting, in the working folder."""
    monkeypatch.delenv("STYLIZE_TRACEBACK", raising=False)
    picture("photo.png", seed=1)
    picture("painting.png", (32, 40), seed=2)


def stylize(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def succeed(*arguments: str) -> Result:
    result = stylize(*arguments)
    assert result.exit_code == 0, result.output
    return result


def refusal(*arguments: str, code: int = FAILURE) -> str:
    result = stylize(*arguments)
    assert result.exit_code == code, result.output
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    return last


def expected(*more: str) -> bytes:
    """The file of a run that nothing ends."""
    succeed(*RUN, *more, "-q")
    found = OUT.read_bytes()
    OUT.unlink()
    return found


@pytest.fixture
def unfinished(interrupted_at: Callable[[int], None]) -> Callable[..., Result]:
    """Let a run be ended by Ctrl-C at an evaluation, after some in the runs before it."""

    def run(at: int, *more: str) -> Result:
        interrupted_at(at)
        result = stylize(*RUN, *more)
        assert result.exit_code == INTERRUPTED, result.output
        return result

    return run


def test_after_ctrl_c(unfinished: Callable[..., Result]) -> None:
    """The end is that of a run that nothing ended, whatever was saved in between."""
    whole = expected()
    result = unfinished(9, "--checkpoint", "1h")
    told = result.stderr.splitlines()[-1]
    assert told.endswith("To go on: stylize resume out.png.checkpoint --model compact")
    assert read_recipe(OUT).evaluations == 8
    result = succeed("resume", str(FILE))
    assert f"Going on after 8 of {ITERATIONS} iterations" in result.stderr
    assert OUT.read_bytes() == whole
    assert not FILE.exists()


def lines() -> list[dict[str, Any]]:
    """What the trace tells, but for the time."""
    found = [json.loads(line) for line in TRACE.read_text().splitlines()]
    return [{name: value for name, value in each.items() if name != "seconds"} for each in found]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="only POSIX has SIGKILL")
@pytest.mark.parametrize("number", range(KILLS))
def test_after_sigkill_at_any_moment(number: int) -> None:
    """From coarse to fine; the trace goes on where it was, too."""
    more = ("--scales", "24,32", "--trace", str(TRACE))
    whole, losses = expected(*more), lines()
    TRACE.unlink()
    awaited = random.Random(number).randint(2, ITERATIONS - 1)
    command = [sys.executable, "-m", "stylize", *RUN, *more, "--checkpoint", "1", "-q"]
    with subprocess.Popen(command) as process:
        while process.poll() is None and not (TRACE.exists() and len(lines()) >= awaited):
            time.sleep(0.001)
        process.kill()
    assert FILE.exists()
    assert not OUT.exists()
    succeed("resume", str(FILE), "--trace", str(TRACE), "-q")
    assert OUT.read_bytes() == whole
    assert lines() == losses
    assert not FILE.exists()


def test_from_elsewhere(unfinished: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are found where the checkpoint says; -o names another file to write."""
    photo = str(Path("photo.png").absolute())
    unfinished(5, "--checkpoint", "2")
    Path("elsewhere").mkdir()
    shutil.move(FILE, "elsewhere/moved")
    monkeypatch.chdir("elsewhere")
    assert "--photo" in refusal("resume", "moved", "--painting", "../painting.png", "--photo", "no")
    succeed("resume", "moved", "--photo", photo, "-o", "b.png", "-q")
    assert os.listdir() == ["b.png"]


def test_short_runs_leave_none_unasked(unfinished: Callable[..., Result]) -> None:
    assert "resume" not in unfinished(5).stderr
    assert not FILE.exists()


def test_long_runs_leave_one_unasked(
    unfinished: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "LONG", 1e-3)
    assert "stylize resume" in unfinished(5).stderr
    assert FILE.exists()


def test_off_is_off(unfinished: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "LONG", 1e-3)
    unfinished(5, "--checkpoint", "off")
    assert not FILE.exists()


def test_a_second_run_leaves_that_of_the_first(unfinished: Callable[..., Result]) -> None:
    unfinished(5, "--checkpoint", "1")
    first = FILE.read_bytes()
    result = unfinished(7, "--checkpoint", "1")
    assert f"'{FILE}' is of a run that is not finished. To go on with that: " in result.stderr
    assert FILE.read_bytes() == first
    assert "To go on: stylize resume out.png-2.checkpoint" in result.stderr.splitlines()[-1]
    succeed("resume", "out.png-2.checkpoint", "-q")
    assert FILE.read_bytes() == first


def test_a_full_disk_does_not_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(checkpoint, "write_checkpoint", full)
    result = succeed(*RUN, "--checkpoint", "1")
    told = f"The checkpoint '{FILE}' cannot be written: No space left on device. An earlier one"
    assert result.stderr.count(told) == 1
    assert read_recipe(OUT).finished


def test_another_model(unfinished: Callable[..., Result]) -> None:
    unfinished(3, "--checkpoint", "1")
    shutil.copytree(embedded_folder(), "other")
    manifest = Path("other/model.json")
    manifest.write_text(manifest.read_text() + "\n")
    assert "was written with another model than that in 'other'" in refusal(
        "resume", str(FILE), "--model", "other"
    )
    assert FILE.exists()


def test_on_a_cluster_none_is_promised() -> None:
    told = refusal(*RUN, "--checkpoint", "5", "--cluster", "2", code=USAGE)
    assert "On a cluster no checkpoint is written" in told


@pytest.mark.parametrize("text", ["0", "-1", "1.5m", "10 m", "5d", "", "on"])
def test_what_is_no_interval(text: str) -> None:
    assert "write a number of iterations" in refusal(*RUN, f"--checkpoint={text}", code=USAGE)
