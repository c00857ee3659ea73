"""Signals that end a run raise an exception with an exit code; commands/test_run.py sends them."""

import signal
import sys
from typing import Any

import pytest

from stylize.cli import __main__ as program
from stylize.cli.signals import Stopped, heed_signals

CODES = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> dict[int, Any]:
    """What is installed, instead of installing it here."""
    installed: dict[int, Any] = {}
    monkeypatch.setattr(signal, "signal", installed.__setitem__)
    return installed


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")
@pytest.mark.parametrize("name", CODES)
def test_each_raises(handlers: dict[int, Any], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "getsignal", lambda _: signal.SIG_DFL)
    heed_signals()
    number = signal.Signals[name]
    with pytest.raises(Stopped) as stopped:
        handlers[number](number, None)
    assert stopped.value.code == CODES[name]


def test_what_nohup_ignores_stays_ignored(
    handlers: dict[int, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "getsignal", lambda _: signal.SIG_IGN)
    heed_signals()
    assert handlers.keys() == {signal.SIGINT, signal.SIGTERM}


def test_the_program_heeds_them(
    handlers: dict[int, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["stylize", "--version"])
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code in (None, 0)
    assert capsys.readouterr().out.startswith("stylize ")
    assert {signal.SIGINT, signal.SIGTERM} <= handlers.keys()
