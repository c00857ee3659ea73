"""Which files are meant."""

import sys
from pathlib import Path

import pytest

from stylize.cli.making.paths import matching


@pytest.mark.parametrize(
    ("platform", "given", "found"),
    [
        ("win32", ["*.png", "*.jpg"], ["a.png", "a1.png", "a[1].png", "*.jpg"]),
        ("win32", ["a?.png"], ["a1.png"]),
        ("win32", ["a[1].png", "a[2].png"], ["a[1].png", "a[2].png"]),
        ("win32", ["a[1].*"], ["a[1].png"]),
        ("linux", ["*.png"], ["*.png"]),
    ],
)
def test_patterns_are_for_us_on_windows_alone(
    monkeypatch: pytest.MonkeyPatch, platform: str, given: list[str], found: list[str]
) -> None:
    for name in ("a.png", "a1.png", "a[1].png"):
        Path(name).touch()
    monkeypatch.setattr(sys, "platform", platform)
    assert matching([Path(name) for name in given]) == [Path(name) for name in found]
