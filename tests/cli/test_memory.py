"""The warning before a picture that will not fit into memory."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stylize.cli.app import app
from stylize.runtime import memory

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


def test_a_warning_names_need_and_rest_and_a_size_that_fits(
    picture: Callable[..., Path], free: Callable[[int | None], None]
) -> None:
    free(GIGABYTE // 8)
    said = run(picture, "--size", "480")
    assert "Warning: 480x320 needs about 0.2 GB of memory, and 0.1 GB are free." in said
    advised = int(said.partition("--size ")[2].split()[0])
    assert 16 < advised < 480
    assert "Warning" not in run(picture, "--size", str(advised))


def test_the_advice_has_the_form_of_what_was_asked(
    picture: Callable[..., Path], free: Callable[[int | None], None]
) -> None:
    free(GIGABYTE // 8)
    assert re.search(r"--size \d+x\d+ would fit", run(picture, "--size", "480x320"))
    short = run(picture, "--size", "320", "--side", "short").partition("Warning")[2]
    assert int(short.partition("--size ")[2].split()[0]) < 320


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
