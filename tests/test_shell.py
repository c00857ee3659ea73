"""Commands in messages can be copied into the shell of the system."""

import shlex
import sys

import pytest

from stylize.shell import in_turn, quoted

WORDS = ("pip", "install", "stylize-onnx[cpu] @ file:///a", 'say "it"')


def test_for_shells_of_posix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert shlex.split(quoted(*WORDS)) == list(WORDS)
    assert in_turn("one", "two") == "one && two"


def test_for_those_of_windows_which_know_no_single_quotes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert quoted(*WORDS) == r'pip install "stylize-onnx[cpu] @ file:///a" "say \"it\""'
    assert in_turn("one", "two") == "one, and then two"
