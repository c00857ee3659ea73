"""Which wheels of ONNX Runtime are installed, and the command that installs another."""

import pytest

onnxruntime = pytest.importorskip("onnxruntime", reason="looks for its wheel")

from stylize.installation import install_command
from stylize.runtime.providers import wheels


def test_the_installed_one_is_found() -> None:
    found = wheels.installed_wheels()
    assert onnxruntime.__version__ in found.values()
    assert all(name.startswith("onnxruntime") for name in found)


def test_where_there_is_none_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "installed_wheels", dict)
    assert wheels.replace_command("cpu") == install_command("cpu")
