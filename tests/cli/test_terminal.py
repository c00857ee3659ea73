"""What is printed, whatever the terminal is and whatever is in the text."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest
from rich.table import Table

from stylize.cli import terminal
from stylize.cli.app import app
from stylize.cli.showing.tables import print_table, print_whole
from stylize.cli.terminal import (
    NoReaderError,
    answer,
    complain,
    discard,
    escaped,
    note,
    prepare_streams,
)

PROGRAM = [sys.executable, "-m", "stylize"]
RUN = ["run", "photo.png", "painting.png", "-o", "out.png", "--size", "32", "--iterations", "1"]


def stylize(*arguments: str, code: int = 0, **more: object) -> "subprocess.CompletedProcess[bytes]":
    """Run the program as the shell does."""
    result = subprocess.run([*PROGRAM, *arguments], stderr=subprocess.PIPE, **more)  # type: ignore[call-overload]
    assert result.returncode == code, result.stderr
    return result


def environment(**changes: str) -> Mapping[str, str]:
    return {**os.environ, **changes}


class TestEscaping:
    @pytest.mark.parametrize(
        "text",
        [
            *("plain", "", "Ein Bäcker in Kyōto, 京都", "a\N{NO-BREAK SPACE}b"),
            *("9.41.00\N{NARROW NO-BREAK SPACE}AM.png", "a\N{IDEOGRAPHIC SPACE}b"),
        ],
    )
    def test_what_can_be_shown_stays(self, text: str) -> None:
        assert escaped(text) == text

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("\x1b]0;owned\x07", r"\u001b]0;owned\u0007"),
            ("a\nError: b", r"a\u000aError: b"),
            ("\x9b31m", r"\u009b31m"),
            ("\u202egnp.exe", r"\u202egnp.exe"),
            ("\udcff.png", r"\udcff.png"),
            ("\U000e0001", r"\udb40\udc01"),
            ("a\N{LINE SEPARATOR}b\N{PARAGRAPH SEPARATOR}", r"a\u2028b\u2029"),
        ],
    )
    def test_what_controls_the_terminal_does_not(self, text: str, shown: str) -> None:
        assert escaped(text) == shown
        assert json.loads(f'"{shown}"').encode("utf-16", "surrogatepass") == text.encode(
            "utf-16", "surrogatepass"
        )

    def test_every_line_is_escaped(self, capsys: pytest.CaptureFixture[str]) -> None:
        for tell in (answer, note, complain):
            tell("\x1b[2J")
        captured = capsys.readouterr()
        assert captured.out == "\\u001b[2J\n"
        assert captured.err == "\\u001b[2J\nError: \\u001b[2J\n"


def test_what_nobody_would_read_loses_its_middle(capsys: pytest.CaptureFixture[str]) -> None:
    for tell in (note, complain):
        tell(f"begin {'x' * 1_000_000} end")
    for line in capsys.readouterr().err.splitlines():
        assert len(line) < terminal.LONGEST + 20
        assert "begin x" in line
        assert "x [...] x" in line
        assert line.endswith("x end")


@pytest.mark.skipif(os.name != "posix", reason="only terminals of POSIX are trusted with colour")
@pytest.mark.parametrize(
    ("variables", "colour"),
    [({}, True), ({"TERM": "dumb"}, False), ({"NO_COLOR": "1"}, False)],
)
def test_colour_is_for_terminals_that_have_it(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    colour: bool,
) -> None:
    monkeypatch.setattr(terminal, "is_terminal", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    complain("No.")
    assert ("\x1b" in capsys.readouterr().err) is colour


def test_nobody_need_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def write(self, text: str) -> int:
            raise BrokenPipeError

        def isatty(self) -> bool:
            raise ValueError("closed")

    for stream in (Gone(), None):
        monkeypatch.setattr(terminal.sys, "stderr", stream)
        note("a")
        complain("b")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp932"])
@pytest.mark.parametrize("command", [["grid", "--help"], ["presets"]], ids=" ".join)
def test_any_encoding_will_do(
    encoding: str, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = TextIOWrapper(BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("STYLIZE_TRACEBACK", "1")  # libraries may say what they like
    prepare_streams()
    with pytest.raises(SystemExit) as ended:
        app(command)
    assert not ended.value.code
    stream.seek(0)
    text = stream.read()
    wanted = ("α/β", "a/b") if "grid" in command else ("4/N²", "4/N^2")
    assert any(words in text for words in wanted)
    assert "\\u" not in text


def test_the_program_needs_no_utf8() -> None:
    result = stylize("presets", stdout=subprocess.PIPE, env=environment(PYTHONIOENCODING="ascii"))
    assert result.stderr == b""
    assert b"4/N^2" in result.stdout


class Failing(StringIO):
    """A stream to which nothing can be written."""

    def __init__(self, fault: int) -> None:
        super().__init__()
        self._fault = fault

    def write(self, text: str) -> int:
        raise OSError(self._fault, os.strerror(self._fault))


def test_a_stream_that_is_none_of_the_systems_costs_no_descriptor() -> None:
    def lowest_free() -> int:
        free = os.open(os.devnull, os.O_RDONLY)
        os.close(free)
        return free

    before = lowest_free()
    discard(StringIO())
    assert lowest_free() == before


class TestOutput:
    def test_that_nobody_reads_any_more(self) -> None:
        reading, writing = os.pipe()
        os.close(reading)
        result = stylize("presets", code=1, stdout=writing)
        os.close(writing)
        assert result.stderr == b""

    @pytest.mark.parametrize(
        ("platform", "fault", "expected"),
        [
            ("linux", errno.EPIPE, NoReaderError),
            ("linux", errno.EINVAL, OSError),
            ("win32", errno.EINVAL, NoReaderError),
            ("win32", errno.ENOSPC, OSError),
        ],
    )
    def test_the_systems_tell_that_in_different_ways(
        self,
        monkeypatch: pytest.MonkeyPatch,
        platform: str,
        fault: int,
        expected: type[Exception],
    ) -> None:
        monkeypatch.setattr(sys, "platform", platform)
        monkeypatch.setattr(sys, "stdout", Failing(fault))
        with pytest.raises(expected):
            answer("a")

    def test_whoever_prints_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "platform", "win32")
        monkeypatch.setattr(sys, "stdout", Failing(errno.EINVAL))
        with pytest.raises(NoReaderError):
            print_whole("a")
        with pytest.raises(NoReaderError):
            print_table(Table("a"))
        result: list[object] = []
        for arguments in (["--help"], ["run", "--help"], ["--version"]):
            with pytest.raises(SystemExit) as ended:
                app(arguments)
            result.append(ended.value.code)
        assert result == [1, 1, 1]

    @pytest.mark.skipif(sys.platform != "linux", reason="needs a device that is always full")
    def test_that_has_no_place(self) -> None:
        with Path("/dev/full").open("wb") as full:
            result = stylize("presets", code=1, stdout=full)
        assert result.stderr == b"Error: Reading or writing failed: No space left on device.\n"

    @pytest.mark.skipif(sys.platform == "win32", reason="such pipes are none there")
    def test_of_a_run_that_nobody_reads_does_not_matter(self, picture: Callable[..., Path]) -> None:
        picture("photo.png", seed=1)
        picture("painting.png", seed=2)
        reading, writing = os.pipe()
        os.close(reading)
        assert subprocess.run([*PROGRAM, *RUN], stderr=writing).returncode == 0
        os.close(writing)
        assert Path("out.png").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="such streams are not closed there")
def test_no_file_takes_the_place_of_a_closed_stream() -> None:
    code = "import os; from stylize.cli import terminal as t; t.prepare_streams()"
    command = [sys.executable, "-c", f"{code}; print(os.open('.', os.O_RDONLY))"]
    result = subprocess.run(["sh", "-c", '"$@" 2>&- <&-', "sh", *command], capture_output=True)
    assert int(result.stdout) > 2


class TestLibraries:
    CODE = """
import os, sys, warnings
from stylize.cli.terminal import note, prepare_streams
prepare_streams()
warnings.warn("a warning")
os.write(2, b"a library's own line")
class Bad:
    def __del__(self): raise ValueError("ignored")
Bad()
note("ours")
"""

    def run(self, **changes: str) -> str:
        command = [sys.executable, "-c", self.CODE]
        result = subprocess.run(command, capture_output=True, env=environment(**changes), text=True)
        assert result.returncode == 0
        return result.stderr

    def test_say_nothing(self) -> None:
        assert self.run() == "ours\n"

    def test_say_what_they_like_where_that_is_wanted(self) -> None:
        said = self.run(STYLIZE_TRACEBACK="1")
        for text in ("a warning", "a library's own line", "Exception ignored", "ours"):
            assert text in said


def test_quiet_says_nothing(picture: Callable[..., Path]) -> None:
    picture("photo.png", seed=1)
    picture("painting.png", seed=2)
    result = stylize(*RUN, "--quiet", "--seed", "3", stdout=subprocess.PIPE)
    assert (result.stdout, result.stderr) == (b"", b"")
