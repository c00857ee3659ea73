"""The bar fits into any terminal, and tells what matters most."""

import re
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from stylize.cli.showing import bar, progress
from stylize.cli.showing.bar import bar_line
from stylize.cli.showing.progress import Pace, Stint, showing_progress


@pytest.fixture
def pace(monkeypatch: pytest.MonkeyPatch) -> Pace:
    """The pace of 500 iterations, 100 of which took 20 s."""
    clock = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: clock[0])
    found = Pace([Stint(500, (40, 30))])
    clock[0] = 20.0
    found.reach(iterate(100))
    return found


def iterate(iteration: int, spared: int = 0) -> Any:
    return SimpleNamespace(iteration=iteration, spared=spared, total=12345.678, size=(40, 30))


class TestBar:
    @pytest.mark.parametrize("columns", range(8, 200))
    def test_fits(self, pace: Pace, columns: int) -> None:
        line = bar_line(columns, pace, "  loss 1.235e+04")
        assert len(line) <= columns
        assert "100/500" in line

    @pytest.mark.parametrize(
        ("columns", "line"),
        [
            (10, "100/500"),
            (30, "100/500  1:20 left"),
            (39, "[###---------------] 100/500  1:20 left"),
            (80, "[########--------------------------------] 100/500  1:20 left  loss 1.235e+04"),
        ],
    )
    def test_what_matters_most_stays(self, pace: Pace, columns: int, line: str) -> None:
        assert bar_line(columns, pace, "  loss 1.235e+04") == line

    def test_before_the_first_iteration(self) -> None:
        line = bar_line(60, Pace([Stint(500, (40, 30))]), "")
        assert line.endswith("]   0/500  starting")


class TestPace:
    def test_an_iteration_takes_as_long_as_its_picture_has_pixels(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = [0.0]
        monkeypatch.setattr(progress.time, "perf_counter", lambda: clock[0])
        pace = Pace([Stint(10, (20, 10)), Stint(5, (40, 20))] * 2)
        clock[0] = 1.0
        pace.reach(iterate(5))
        assert pace.time_left == "0:11"  # of 60 tenths of a second each, 5 are done
        pace.reach(iterate(12))
        assert pace.done == 12
        clock[0] = 18.0
        pace.reach(iterate(12, spared=3))
        assert (pace.done, pace.time_left) == (15, "0:30")  # what was spared took no time
        pace.reach(iterate(1))
        assert pace.done == 16

    def test_on_a_device_the_coarse_scales_are_not_so_much_faster(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = [0.0]
        monkeypatch.setattr(progress.time, "perf_counter", lambda: clock[0])
        sizes = (128, 96), (2048, 1536)
        paces = [Pace([Stint(60, size, each) for size in sizes]) for each in (False, True)]
        clock[0] = 0.5  # an H200 took 9 s for such a picture
        for pace in paces:
            pace.reach(iterate(60))
        assert [pace.time_left for pace in paces] == ["2:08", "0:11"]

    def test_hours(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = [0.0]
        monkeypatch.setattr(progress.time, "perf_counter", lambda: clock[0])
        pace = Pace([Stint(50_000, (40, 30))])
        clock[0] = 20.0
        pace.reach(iterate(100))
        assert "2:46:20 left" in bar_line(80, pace, "")


class Terminal:
    """A terminal of 60 columns; keeps what is seen at the end of it."""

    def __init__(self) -> None:
        self.lines = [""]
        self._column = 0

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise ValueError

    def write(self, text: str) -> None:
        for part in re.split(r"([\r\n])", text):
            if part == "\n":
                self.lines.append("")
                self._column = 0
            elif part == "\r":
                self._column = 0
            else:
                at = self._column
                self.lines[-1] = self.lines[-1][:at] + part + self.lines[-1][at + len(part) :]
                self._column = at + len(part)

    def flush(self) -> None: ...


def test_nothing_is_left_of_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(bar, "PATIENCE", 0.0)
    with showing_progress([Stint(2, (4, 3))], quiet=False) as shown:
        assert terminal.lines[-1].endswith("] 0/2  starting")
        shown.say("Minimising")
        shown.show(iterate(1))
        assert re.search(r"1/2  \d+:\d\d left  40x30  loss 1.235e\+04", terminal.lines[-1])
        shown.show(iterate(2))
        shown.say("out.png: saved")
    assert [line.strip() for line in terminal.lines] == ["Minimising", "out.png: saved", ""]


def test_an_error_takes_the_bar_away(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with pytest.raises(ValueError, match="Stop"), showing_progress([Stint(2, (4, 3))], quiet=False):
        raise ValueError("Stop")
    assert "".join(terminal.lines).strip() == ""
