"""The picture in the terminal: above the bar, in one place, and never as garbage."""

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from screen import Screen, sixels_drawn
from typer.testing import CliRunner

from stylize.cli import terminal
from stylize.cli.app import app
from stylize.cli.watching import asking, gathering, live
from stylize.cli.watching.asking import ABILITIES, SMALL_CELL, Terminal, ask_terminal
from stylize.cli.watching.graphics import iterm2, kitty, sixel, way_of
from stylize.cli.watching.live import Live

pty = pytest.importorskip("pty", reason="only POSIX has such terminals")
termios = pytest.importorskip("termios", reason="only POSIX has such terminals")

RUN = (
    *("run", "photo.png", "painting.png", "-o", "out.png", "--provider", "cpu"),
    *("--size", "32", "--iterations", "8", "--model", "compact", "--live"),
)
SIZE = (30, 21)
WINDOW = (80, 24)
KITTY = b"\x1bP>|kitty(0.35.2)\x1b\\\x1b[6;20;10t\x1b[?62;c"
ANSWERS = {
    KITTY: (kitty, (10, 20)),
    b"\x1bP>|ghostty 1.1.3\x1b\\\x1b[6;34;16t\x1b[?62;22c": (kitty, (16, 34)),
    b"\x1bP>|iTerm2 3.5.10\x1b\\\x1b[?64;1;2;4;6;17;18;21;22c": (iterm2, SMALL_CELL),
    b"\x1bP>|WezTerm 20240203-110809-5046fc22\x1b\\\x1b[?65;4;6;18;22c": (iterm2, SMALL_CELL),
    b"\x1bP>|foot(1.16.2)\x1b\\\x1b[6;18;9t\x1b[?62;4;22c": (sixel, (9, 18)),
    b"\x1b[6;0;0t\x1b[?61;4;6;7;14;21;22;23;24;28;32;42c": (sixel, SMALL_CELL),  # Windows Terminal
    b"\x1bP>|tmux 3.4\x1b\\\x1b[?1;2;4c": (sixel, SMALL_CELL),
    b"\x1bP>|tmux 3.3a\x1b\\\x1b[?1;2c": (None, SMALL_CELL),
    b"\x1bP>|VTE(7600)\x1b\\\x1b[?61;1;14;21;22;42c": (None, SMALL_CELL),  # GNOME's
    b"\x1b[?1;2c": (None, SMALL_CELL),  # Apple's
    b"ls -l\r\x1b[?4;2c": (None, SMALL_CELL),  # VT132; and something was typed
}
"""How terminals answer; how they take pictures, and the size of their cells."""


@pytest.fixture
def noise() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize(("answer", "expected"), ANSWERS.items())
def test_what_a_terminal_is_known_by(answer: bytes, expected: tuple[object, object]) -> None:
    found = asking._understood(answer)
    assert found
    assert (way_of(found), found.cell) == expected


class TestGraphics:
    def test_kitty(self, noise: Image.Image) -> None:
        large = noise.resize((90, 63), Image.Resampling.NEAREST)
        (drawn,) = Screen(kitty(large, (20, 7), 42).encode()).drawn
        assert (drawn.cells, drawn.number) == ((20, 7), "42")
        assert np.array_equal(np.asarray(drawn.image), np.asarray(large))

    def test_iterm2(self, noise: Image.Image) -> None:
        (drawn,) = Screen(iterm2(noise, (20, 7), 42).encode()).drawn
        assert (drawn.cells[1], drawn.image.size) == (7, SIZE)

    def test_sixel(self, noise: Image.Image) -> None:
        """All pixels are drawn, each once, in one of 256 colours near its own."""
        (drawn,) = Screen(sixel(noise, (20, 7), 42).encode()).drawn
        few = np.asarray(noise.quantize(256, Image.Quantize.FASTOCTREE).convert("RGB"), int)
        assert np.abs(np.asarray(drawn.image) - few).max() <= 2  # parts are whole percents

    def test_sixels_that_repeat_are_counted(self) -> None:
        text = sixel(Image.new("RGB", (500, 12), (255, 0, 0)), (50, 1), 1)
        assert text.count("!500~") == 2
        sixels = re.fullmatch(r"\x1bP0;1q(.*)\x1b\\", text, re.DOTALL)
        assert sixels
        assert sixels_drawn(sixels[1]).getcolors() == [(500 * 12, (255, 0, 0))]


class Seen:
    """What a watcher sees of a picture."""

    def __init__(self, image: Image.Image) -> None:
        self.image = image


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is written to a terminal."""
    pieces: list[str] = []
    for module in (terminal, live):
        monkeypatch.setattr(module, "draw", pieces.append)
    monkeypatch.setattr(live, "_window", lambda: WINDOW)
    return pieces


def test_the_picture_stays_in_its_place_until_a_line_moves_it(
    noise: Image.Image, written: list[str]
) -> None:
    shown = Live(Terminal("kitty", frozenset(), (10, 20)), kitty)
    for line in ("", "A checkpoint cannot be written", ""):
        if line:
            written.append("\r    \r")
            terminal.note(line)
        for _ in range(2):
            written.append("\r[###")
            shown.finish(Seen(noise))  # type: ignore[arg-type]
    screen = Screen("".join(written).encode())
    rows = 20
    assert [each.line for each in screen.drawn] == [0] * 2 + [rows + 1] * 4
    assert {each.cells for each in screen.drawn} == {(57, rows)}  # of 570x400 pixels
    numbers = [each.number for each in screen.drawn]
    assert len(set(numbers)) == 2
    assert screen.line == 2 * rows + 1
    told = {line: text for line, text in screen.lines.items() if text}
    assert told == {rows: "A checkpoint cannot be written", 2 * rows + 1: "[###"}


@pytest.mark.parametrize(("window", "rows"), [((80, 24), 20), ((80, 99), 24), ((10, 24), 3)])
def test_the_picture_fits_into_the_window(
    window: tuple[int, int],
    rows: int,
    noise: Image.Image,
    written: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "_window", lambda: window)
    Live(Terminal("", frozenset("4"), (2, 4)), sixel).finish(Seen(noise))  # type: ignore[arg-type]
    (drawn,) = Screen("".join(written).encode()).drawn
    assert drawn.image.size == (round(rows * 4 * SIZE[0] / SIZE[1]), rows * 4)
    assert drawn.image.width <= window[0] * 2


@pytest.mark.parametrize("window", [(0, 0), (80, 6), (8, 24)])
def test_no_picture_in_a_tiny_window(
    window: tuple[int, int],
    noise: Image.Image,
    written: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "_window", lambda: window)
    Live(Terminal("", frozenset("4"), (10, 20)), sixel).finish(Seen(noise))  # type: ignore[arg-type]
    assert written == []


@pytest.mark.parametrize("term", ["dumb", "linux", ""])
def test_terminals_that_would_not_answer_are_not_asked(
    term: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(asking, "_listening", None)
    assert ask_terminal() is None


class Emulator:
    """The other end of a terminal, which is that of a process."""

    def __init__(self, *arguments: str) -> None:
        self._end, other = pty.openpty()
        self.written = b""
        self.attributes = termios.tcgetattr(other)
        take = (
            "import os, sys; os.open(sys.argv[1], os.O_RDWR); os.execv(sys.argv[2], sys.argv[2:])"
        )
        command = [sys.executable, "-c", take, os.ttyname(other), sys.executable]
        self.process = subprocess.Popen(
            [*command, "-m", "stylize", *arguments],
            stdin=subprocess.DEVNULL,
            stderr=other,
            start_new_session=True,  # so that the terminal becomes its own
            env={**os.environ, "TERM": "xterm-256color"},
        )
        self._other = other

    def answer(self, answer: bytes) -> None:
        os.write(self._end, answer)

    def until(self, done: Callable[[], bool], seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, self.written
            if select.select([self._end], [], [], 0.01)[0]:
                self.written += os.read(self._end, 1 << 16)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._end)
        os.close(self._other)


@pytest.fixture
def emulator(picture: Callable[..., Path]) -> Iterator[Callable[[], Emulator]]:
    """Start a run in a terminal of its own."""
    started: list[Emulator] = []

    def start() -> Emulator:
        picture("photo.png"), picture("painting.png", seed=1)
        started.append(Emulator(*RUN))
        termios.tcsetwinsize(started[0]._end, (24, 80))
        return started[0]

    yield start
    for each in started:
        each.close()


def test_a_run_in_a_terminal(emulator: Callable[[], Emulator]) -> None:
    """It asks, draws as it is answered, and leaves the terminal as it was."""
    process = emulator()
    process.until(lambda: ABILITIES.encode() in process.written)
    assert termios.tcgetattr(process._other) != process.attributes  # no answer is to be seen
    process.answer(KITTY)
    process.until(lambda: process.process.poll() is not None)
    process.until(lambda: b"out.png: " in process.written)
    assert termios.tcgetattr(process._other) == process.attributes
    screen = Screen(process.written)
    (line,) = {each.line for each in screen.drawn}
    assert {each.cells for each in screen.drawn} == {(61, 20)}  # of 610x400 pixels
    with Image.open("out.png") as out:
        assert np.array_equal(np.asarray(screen.drawn[-1].image), np.asarray(out))
    assert screen.lines[line + 20].rstrip().startswith("out.png: 32x21")
    assert not any(screen.lines.get(each) for each in range(line, line + 20))


@pytest.mark.parametrize(("quiet", "asked"), [((), True), (("-q",), False)])
def test_quiet_runs_ask_nothing(
    quiet: tuple[str, ...],
    asked: bool,
    picture: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Others say what they do where the terminal shows no pictures."""
    picture("photo.png"), picture("painting.png", seed=1)
    questions: list[bool] = []
    monkeypatch.setattr(gathering, "is_terminal", lambda: True)
    monkeypatch.setattr(gathering, "ask_terminal", lambda: questions.append(True))
    result = CliRunner().invoke(app, [*RUN, *quiet])
    assert result.exit_code == 0, result.output
    assert bool(questions) is asked
    assert ("This terminal shows no pictures, or cannot be asked." in result.stderr) is asked
