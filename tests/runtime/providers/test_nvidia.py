"""What NVIDIA's driver tells of itself and of the GPUs."""

import ctypes
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stylize.models.errors import ProviderError
from stylize.runtime.providers import nvidia
from stylize.runtime.providers.nvidia import Driver, Gpu


class TestDriver:
    """A driver that answers as NVIDIA's documentation says."""

    @staticmethod
    def library(init: int = 0, newest: int = 12040) -> SimpleNamespace:
        def set_to(value: int) -> Callable[..., int]:
            def call(pointer: Any, *_: object) -> int:
                pointer._obj.value = value
                return 0

            return call

        def name(buffer: ctypes.Array[ctypes.c_char], *_: object) -> int:
            buffer.value = b"a GPU"
            return 0

        def error(code: int, pointer: Any) -> int:
            pointer._obj.value = b"no device"
            return 0

        return SimpleNamespace(
            cuInit=lambda flags: init,
            cuGetErrorString=error,
            cuDriverGetVersion=set_to(newest),
            cuDeviceGetCount=set_to(2),
            cuDeviceGet=set_to(0),
            cuDeviceGetName=name,
            cuDeviceTotalMem_v2=set_to(8 * 10**9),
        )

    def test_is_asked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        release = tmp_path / "version"
        release.write_text(
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22\n"
        )
        monkeypatch.setattr(nvidia, "RELEASE_FILE", release)
        monkeypatch.setattr(ctypes, "CDLL", lambda name: self.library())
        gpu = Gpu("a GPU", 8 * 10**9)
        assert nvidia.find_driver() == Driver("550.54.14", (12, 4), (gpu, gpu))

    def test_cannot_start(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ctypes, "CDLL", lambda name: self.library(init=100))
        with pytest.raises(ProviderError, match=r"cannot start: no device \(100\)"):
            nvidia.find_driver()
