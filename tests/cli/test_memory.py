"""``--memory`` and ``--scratch``: pictures by tiles from the command line."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from stylize.cli.app import app
from stylize.models.errors import OptionError
from stylize.runtime.engine.machine import Machine, parse_bytes
from stylize.runtime.pictures.reading import load_image
from stylize.runtime.plans.recipe import read_recipe
from stylize.runtime.streaming.picture import StreamedPicture

USAGE, INTERRUPTED = 2, 130
OUT = Path("out.png")
SIZE = ("--size", "320", "--iterations", "3", "--margin", "0", "--scales", "1")
"""Whole, such a picture takes 190 MB by the formula, and by tiles 120 MB or more."""


@pytest.fixture(autouse=True)
def pictures(picture: Callable[..., Path]) -> None:
    """A photo and a painting in the working folder."""
    picture("photo.png", seed=1)
    picture("painting.png", (32, 40), seed=2)
    Path("scratch").mkdir()


def run(*options: str) -> Result:
    command = ["run", "photo.png", "painting.png", "-o", str(OUT), "--model", "compact", *SIZE]
    return CliRunner().invoke(app, [*command, *options])


def said(*options: str) -> str:
    """Run it, and return all that it says."""
    result = run(*options)
    assert result.exit_code == 0, result.output
    return " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("4GB", 4 * 10**9),
        ("4G", 4 * 10**9),
        ("4gb", 4 * 10**9),
        ("500MB", 5 * 10**8),
        ("1.5 GiB", 3 * 2**29),
        (" .5TB ", 5 * 10**11),
        ("123456789", 123456789),
        ("200000kB", 2 * 10**8),
    ],
)
def test_amounts_are_read(text: str, count: int) -> None:
    assert parse_bytes(text) == count


@pytest.mark.parametrize(
    "text",
    ["", "lots", "4XB", "-4GB", "4GB!", "4 4GB", "nan", "infGB", "1e9", "٣GB", "GB", "9" * 5000],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match=r"is no amount of memory; write 4GB, or 500MB\.$"):
        parse_bytes(text)


@pytest.mark.parametrize("text", ["50MB", "0", "9" * 18 + "TB"])
def test_an_amount_must_make_sense(text: str) -> None:
    with pytest.raises(OptionError, match=r"^The limit of memory is \d+; it must be from 1e\+08"):
        Machine(memory=parse_bytes(text))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--memory", "lots"), "'lots' is no amount of memory; write 4GB, or 500MB."),
        (("--scratch", "gone"), "'gone' is no folder. Name one for --scratch that is there."),
        (("--scratch", "photo.png"), "'photo.png' is no folder. Name one for --scratch that is"),
        (("--memory", "101MB"), "of memory at least, and --memory allows 101 MB."),
    ],
)
def test_what_cannot_be_is_refused(options: tuple[str, ...], message: str) -> None:
    result = run(*options)
    assert result.exit_code == USAGE, result.output
    assert message in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    assert not OUT.exists()


def test_a_picture_by_tiles_is_the_same_and_is_told(tmp_path: Path) -> None:
    assert "By tiles" not in said()
    whole = np.asarray(load_image(OUT), np.float32)
    told = said("--memory", "120MB", "--scratch", "scratch")
    assert re.search(r"By tiles, in \d+ MB of memory and \d+ MB on the disk of scratch", told)
    assert "Adam" not in told
    assert "remembers" not in told
    assert np.abs(np.asarray(load_image(OUT), np.float32) - whole).mean() < 1
    assert os.listdir("scratch") == []


def test_what_tiles_change_is_told_and_stands_in_the_recipe() -> None:
    told = said("--memory", "117MB", "--average", "0.9")
    assert "Adam takes the place of L-BFGS, whose history does not fit" in told
    options = read_recipe(OUT).options
    assert (options.optimizer, options.average) == ("adam", 0.9)


def test_interrupted_by_tiles_the_best_is_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    said("--memory", "120MB", "--scratch", "scratch", "--iterations", "2")
    expected = load_image(OUT).tobytes()
    OUT.unlink()
    evaluate, count = StreamedPicture.evaluate, 0

    def interrupted(self: StreamedPicture, image: object, gradient: object) -> np.float32:
        nonlocal count
        count += 1
        found = evaluate(self, image, gradient)  # type: ignore[arg-type]
        if count == 3:
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(StreamedPicture, "evaluate", interrupted)
    result = run("--memory", "120MB", "--scratch", "scratch", "--iterations", "5")
    assert result.exit_code == INTERRUPTED
    told = "Interrupted. The picture so far is out.png: 320x213, iteration 2 "
    assert result.stderr.splitlines()[-1].startswith(told)
    assert load_image(OUT).tobytes() == expected


@pytest.mark.skipif(sys.platform != "linux", reason="looks for mapped files in /proc")
def test_killed_it_leaves_no_scratch_files() -> None:
    trace = Path("trace.jsonl")
    command = [sys.executable, "-m", "stylize", "run", "photo.png", "painting.png", *SIZE]
    given = ["--memory", "120MB", "--scratch", "scratch", "--trace", str(trace), "--quiet"]
    many = ["--model", "compact", "--iterations", "1000"]
    with subprocess.Popen([*command, *given, *many]) as process:
        while process.poll() is None and not (trace.exists() and trace.read_text()):
            time.sleep(0.01)
        mapped = Path(f"/proc/{process.pid}/maps").read_text()
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert str(Path("scratch").resolve()) in mapped, "no file was used"
    assert os.listdir("scratch") == []
