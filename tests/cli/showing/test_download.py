"""The progress of a download: a bar in a terminal, some lines elsewhere, nothing left behind."""

import re

import pytest

from stylize.cli.showing import bar, download
from stylize.cli.showing.download import showing_download

SIZE = 80_300_000


def test_a_log_has_a_line_for_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    with showing_download() as show:
        for there in range(0, SIZE, SIZE // 100):
            show(there, SIZE)
        show(SIZE, SIZE)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["0/81 MB of weights", "8/81 MB of weights"]
    assert lines[-1] == "80/81 MB of weights"
    assert len(lines) == 11


def test_nothing_is_said_where_nothing_is_downloaded(capsys: pytest.CaptureFixture[str]) -> None:
    with showing_download():
        pass
    assert capsys.readouterr().err == ""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the clock shows."""
    now = [100.0]
    monkeypatch.setattr(download.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(bar, "PATIENCE", 0.0)
    monkeypatch.setattr(download, "is_terminal", lambda: True)
    return now


def test_a_terminal_has_a_bar_which_goes_away(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with showing_download() as show:
        show(40_000_000, SIZE)  # of an earlier attempt
        clock[0] += 10
        show(50_000_000, SIZE)
        drawn = capsys.readouterr().err.split("\r")[-1]
        assert re.fullmatch(r"\[#+-+\] 50/81  0:30 left  MB of weights *", drawn)
        show(SIZE, SIZE)
        assert " 81/81  0:00 left  MB of weights" in capsys.readouterr().err
    assert re.fullmatch(r"\r +\r", capsys.readouterr().err)


def test_an_error_takes_the_bar_away(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        with showing_download() as show:
            show(1, SIZE)
            raise ValueError("Stop")

    with pytest.raises(ValueError, match="Stop"):
        fail()
    assert re.search(r"\r +\r$", capsys.readouterr().err)
