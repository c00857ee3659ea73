"""Signals that end a run raise an exception with an exit code; commands/test_run.py sends them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from stylize.cli import __main__ as program
from stylize.cli import app, signals, terminal
from stylize.cli.signals import Stopped, heed_signals, holding_signals

CODES = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> dict[int, Any]:
    """What is installed, instead of installing it here."""
    installed: dict[int, Any] = {}
    monkeypatch.setattr(signal, "signal", installed.__setitem__)
    monkeypatch.setattr(signals, "_hearing", signals._Hearing())
    return installed


@pytest.fixture
def send(
    handlers: dict[int, Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[[signal.Signals, float], None]:
    """Let a signal come at a time, in seconds."""
    heed_signals()

    def come(number: signal.Signals, at: float) -> None:
        monkeypatch.setattr(signals.time, "monotonic", lambda: at)
        handlers[number](number, None)

    return come


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has only two of them")
@pytest.mark.parametrize("name", signals.ENDING)
def test_each_raises(handlers: dict[int, Any], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "getsignal", lambda _: signal.SIG_DFL)
    heed_signals()
    number = signal.Signals[name]
    with pytest.raises(Stopped) as stopped:
        handlers[number](number, None)
    assert stopped.value.code == CODES.get(name, 128 + number)


def test_what_nohup_ignores_stays_ignored(
    handlers: dict[int, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "getsignal", lambda _: signal.SIG_IGN)
    heed_signals()
    assert signal.SIGHUP not in handlers
    assert {signal.SIGINT, signal.SIGTERM} <= handlers.keys()


def test_several_at_once_are_one(send: Callable[..., None]) -> None:
    with pytest.raises(Stopped):
        send(signal.SIGTERM, 10.0)
    send(signal.SIGINT, 10.1)
    with pytest.raises(Stopped):
        send(signal.SIGINT, 11.0)


def test_while_something_is_saved_they_wait(send: Callable[..., None]) -> None:
    saved: list[bool] = []

    def save() -> None:
        with holding_signals():
            send(signal.SIGTERM, 10.0)
            send(signal.SIGINT, 12.0)
            saved.append(True)

    with pytest.raises(Stopped) as stopped:
        save()
    assert saved
    assert stopped.value.code == CODES["SIGTERM"]


def test_where_the_program_ends_anyway_they_are_not_heard(send: Callable[..., None]) -> None:
    with holding_signals(heed=False):
        send(signal.SIGTERM, 10.0)
    with holding_signals():
        pass
    with pytest.raises(Stopped):
        send(signal.SIGTERM, 20.0)


@pytest.mark.parametrize("late", ["prepare_streams", "app"])
def test_while_the_commands_are_built_they_are_only_an_exit_code(
    handlers: dict[int, Any], monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    def stop() -> None:
        raise Stopped(signal.SIGTERM)

    monkeypatch.setattr(terminal, "prepare_streams", lambda: None)
    monkeypatch.setattr(app if late == "app" else terminal, late, stop)
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == CODES["SIGTERM"]


def test_the_program_heeds_them(
    handlers: dict[int, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["stylize", "--version"])
    monkeypatch.setattr(terminal, "prepare_streams", lambda: None)  # those of the tests
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code in (None, 0)
    assert capsys.readouterr().out.startswith("stylize ")
    assert {signal.SIGINT, signal.SIGTERM} <= handlers.keys()


class TestTether:
    """A run that is tied to its standard input, by a process as programs start one."""

    RUN = (
        *(sys.executable, "-m", "stylize", "run", "photo.png", "painting.png", "-o", "out.png"),
        *("--size", "32", "--scales", "1", "--iterations", "50000", "--trace", "trace.jsonl"),
        *("--model", "compact", "--provider", "cpu", "--checkpoint", "1h"),
    )

    @pytest.fixture(autouse=True)
    def pictures(self, picture: Callable[..., Path]) -> None:
        picture("photo.png", seed=1)
        picture("painting.png", seed=2)

    @contextmanager
    def running(self, **variables: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Start one, and wait for its first iteration."""
        pipe = subprocess.PIPE
        environment = {**os.environ, **variables}
        with subprocess.Popen(self.RUN, stdin=pipe, stderr=pipe, env=environment) as process:
            try:
                trace = Path("trace.jsonl")
                while process.poll() is None and not (trace.exists() and trace.stat().st_size):
                    time.sleep(0.01)
                yield process
            finally:
                process.kill()

    def test_ends_and_is_saved_when_that_ends(self) -> None:
        with self.running(STYLIZE_TETHER="stdin") as process:
            assert process.stdin
            process.stdin.write(b"what is said does not matter")
            process.stdin.flush()
            _, told = process.communicate(timeout=60)  # it closes stdin
        assert process.returncode == CODES["SIGINT"]
        assert b"Interrupted. The picture so far is out.png: " in told
        assert Path("out.png").is_file()
        assert Path("out.png.checkpoint").is_file()

    def test_others_go_on(self) -> None:
        with self.running() as process:
            assert process.stdin
            process.stdin.close()
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.5)
