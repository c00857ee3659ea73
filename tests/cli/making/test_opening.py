"""The warning before a picture that will not fit into memory."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from typer.testing import CliRunner

from stylize.cli.app import app
from stylize.cli.making.opening import check_memory
from stylize.models.catalog import embedded_folder, user_folder
from stylize.runtime import Model, Options, Scene
from stylize.runtime.engine import memory
from stylize.runtime.pictures.reading import Picture
from stylize.runtime.providers.table import configure
from stylize.runtime.streaming.plan import Budget

GIGABYTE = 10**9


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], None]:
    """Set how much memory there is."""

    def set_free(count: int | None) -> None:
        monkeypatch.setattr(memory, "memory_available", lambda: count)

    return set_free


def run(picture: Callable[..., Path], *options: str) -> str:
    """Run it for a few pixels more than the memory set is good for; return what it says."""
    arguments = ["run", str(picture("a.png")), str(picture("b.png", seed=1)), "--model", "compact"]
    result = CliRunner().invoke(app, [*arguments, "--iterations", "1", *options])
    assert result.exit_code == 0, result.output
    return " ".join(result.stderr.split())


def test_what_a_model_of_the_working_folder_hides_is_told(picture: Callable[..., Path]) -> None:
    here = Path("models", "compact")
    shutil.copytree(embedded_folder(), here)
    said = run(picture, "--size", "32")
    assert f"Using the model in {here}, not the embedded one." in said
    assert "Using the model in" not in run(picture, "--size", "32", "--quiet")
    users = user_folder()
    assert users
    shutil.copytree(embedded_folder(), users / "compact")
    said = run(picture, "--size", "32")
    assert f"Using the model in {here}, not that in {users / 'compact'}." in said
    shutil.rmtree(here)
    assert "Using the model in" not in run(picture, "--size", "32")


def test_a_warning_names_need_and_rest_and_a_size_that_fits(
    picture: Callable[..., Path], free: Callable[[int | None], None]
) -> None:
    free(12 * GIGABYTE // 100)
    said = run(picture, "--size", "480")
    assert "Warning: 480x320 needs about 0.1 GB of memory, and 0.1 GB are free." in said
    advised = said.partition("take very long. ")[2].split()[0]
    width, height = map(int, advised.split("x"))
    assert 16 < height < width < 480
    assert "Warning" not in run(picture, "--size", advised)


@pytest.mark.parametrize("count", [None, 64 * GIGABYTE])
def test_nothing_is_said_where_there_is_enough_or_nothing_known(
    picture: Callable[..., Path], free: Callable[[int | None], None], count: int | None
) -> None:
    free(count)
    assert "Warning" not in run(picture, "--size", "32")


def test_no_size_is_advised_where_none_would_fit(
    picture: Callable[..., Path], free: Callable[[int | None], None]
) -> None:
    free(1000)
    assert "Free some memory." in run(picture, "--size", "32")


def test_quiet_is_quiet(picture: Callable[..., Path], free: Callable[[int | None], None]) -> None:
    free(1000)
    assert run(picture, "--size", "32", "--quiet") == ""


def test_a_figure_warns_once_of_its_greediest_picture(
    picture: Callable[..., Path], free: Callable[[int | None], None]
) -> None:
    free(1000)
    options = ["--photo", str(picture("a.png")), "--painting", str(picture("b.png", seed=1))]
    machine = ["--model", "compact", "--size", "32", "--iterations", "1"]
    result = CliRunner().invoke(app, ["figure", "1", *options, *machine])
    assert result.exit_code == 0, result.output
    assert result.stderr.count("Warning: 32x21 needs") == 1


def test_nothing_is_said_of_this_memory_where_another_is_used(
    picture: Callable[..., Path], free: Callable[[int | None], None]
) -> None:
    free(1000)
    model = Model.open("compact", configure("cuda"))
    scene, options = Scene(model, picture("a.png")), Options(size=(32, 32), style_weight=0)
    assert check_memory(model, scene, options) == []
    model.provider = configure("cpu")
    (warning,) = check_memory(model, scene, options)
    assert warning.startswith("Warning: 32x32 needs")


@pytest.mark.parametrize(
    ("most", "advice"),
    [
        (GIGABYTE // 8, r"Use a smaller --size: \d+x\d+ would fit\.\n"),
        (1000, r"Use a smaller --size and --model compact\.\n"),
    ],
)
def test_what_all_memory_would_not_hold_is_refused(
    picture: Callable[..., Path],
    free: Callable[[int | None], None],
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    advice: str,
) -> None:
    """However much of it is free, the size that all of it would hold is told."""
    free(1000)
    monkeypatch.setattr(memory, "memory_of_machine", lambda: most)
    arguments = ["run", str(picture("a.png")), str(picture("b.png", seed=1)), "--size", "1000"]
    result = CliRunner().invoke(app, [*arguments, "-o", "out.png"])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: 1000x667 needs about 0.")
    assert f" GB of memory, and there are {most / 1e9:.1f} GB in all. " in result.stderr
    assert re.search(f"{advice}$", result.stderr)
    assert not Path("out.png").exists()


@pytest.mark.parametrize(
    ("command", "option"), [("run", "--size"), ("run", "--painting-size"), ("grid", "--size")]
)
def test_what_is_hopeless_is_refused_before_a_picture_is_scaled(
    picture: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, command: str, option: str
) -> None:
    def scale(*_: object) -> NoReturn:
        raise AssertionError("a picture is scaled")

    monkeypatch.setattr(Picture, "seen", scale)
    files = [str(picture("a.png")), str(picture("b.png", seed=1))]
    result = CliRunner().invoke(app, [command, *files, option, "100000"])
    assert result.exit_code == 2, result.stderr
    assert "100000x66667 needs about" in result.stderr
    assert f"Use a smaller {option}: " in result.stderr


def test_one_of_several_processes_tells_of_its_share(free: Callable[[int | None], None]) -> None:
    """What is free is enough for one of them, but not for each."""
    free(50 * GIGABYTE)
    model = Model.open("compact", configure("cpu"), Budget(spare=60 * 10**6))
    scene = Scene(model, *2 * [np.zeros((320, 480, 3), np.uint8)])
    (warning,) = check_memory(model, scene, Options(size=480))
    assert "and the share of each process is 0.1 GB. It may fail" in warning
    assert "are free" not in warning
