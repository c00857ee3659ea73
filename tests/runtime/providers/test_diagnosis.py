"""What is said where a provider cannot be had."""

from pathlib import Path
from types import ModuleType

import pytest

onnxruntime = pytest.importorskip("onnxruntime", reason="asks for its providers")

from stylize.installation import install_command
from stylize.models.errors import ProviderError
from stylize.runtime.providers import diagnosis, nvidia, wheels
from stylize.runtime.providers.nvidia import Driver, Gpu
from stylize.runtime.providers.table import configure

DRIVER = Driver("580.65.06", (13, 0), (Gpu("a GPU", 24 * 10**9),))


def test_another_wheel_comes_in_the_place_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    both = {"onnxruntime": "1.30.0", "onnxruntime-gpu": "1.31.1"}
    monkeypatch.setattr(wheels, "installed_wheels", lambda: both)
    with pytest.raises(ProviderError) as caught:
        raise ProviderError(diagnosis.not_in_wheel(configure("tensorrt"), ["CPU"]))
    assert "onnxruntime 1.30.0 and onnxruntime-gpu 1.31.1, which overwrite" in str(caught.value)
    assert str(caught.value).endswith(
        f"pip uninstall -y onnxruntime onnxruntime-gpu && {install_command('cuda')}"
    )


def test_a_plugin_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "installed_wheels", lambda: {"onnxruntime": "1.32.0"})
    found = diagnosis.not_in_wheel(configure("webgpu"), ["CPU"])
    assert "its wheel onnxruntime-ep-webgpu is missing" in found
    assert found.endswith(f"Install it: {install_command('webgpu')}")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("was false. Failed to get a WebGPU adapter: No supported", "no GPU that has a driver"),
        ("Program Transpose requires f16 but the device does not support", "--precision float32"),
        ("OpConversionFailure: Model wasn't fully converted. Failed", "fewer than 32 pixels"),
        ("pool.cc:276 The Indices output is not supported yet", "Export the model again"),
    ],
)
def test_what_plugins_mean(told: str, expected: str) -> None:
    assert expected in (diagnosis.known_fault(told) or "")
    assert diagnosis.known_fault("something else") is None


def test_what_windows_lacks_is_not_onnxruntime() -> None:
    failed = ImportError("DLL load failed while importing onnxruntime_pybind11_state: ...")
    found = diagnosis.cannot_import("cpu", failed)
    assert "Microsoft's Visual C++ Redistributable" in found
    assert "pip" not in found


def test_a_provider_of_no_extra() -> None:
    assert diagnosis.not_in_wheel(configure("coreml"), ["CPU"]).endswith(diagnosis.ELSEWHERE)


class TestCuda:
    """Messages about CUDA, for which no GPU is needed."""

    @pytest.fixture(autouse=True)
    def gpu_wheel(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An ONNX Runtime for CUDA 13, of whose libraries one is missing."""

        def preload() -> None:
            print("Failed to load libcublasLt.so.13: libcublasLt.so.13: cannot open shared object")

        monkeypatch.setattr(onnxruntime, "cuda_version", "13.0", raising=False)
        monkeypatch.setattr(onnxruntime, "preload_dlls", preload)
        monkeypatch.setattr(diagnosis, "find_driver", lambda: DRIVER)
        monkeypatch.setattr(diagnosis, "unloadable", lambda library: [])

    def test_a_missing_library_is_named(self, capfd: pytest.CaptureFixture[str]) -> None:
        found = diagnosis.could_not_start(configure("cuda"))
        assert "missing or broken: libcublasLt.so.13. " in found
        assert found.endswith(f"Install them: {install_command('cuda')}")
        assert capfd.readouterr().out == ""

    def test_a_missing_cudnn_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None)
        monkeypatch.setattr(
            diagnosis, "unloadable", lambda name: [name] if name == diagnosis.CUDNN else []
        )
        assert f"broken: {diagnosis.CUDNN}. " in diagnosis.could_not_start(configure("cuda"))

    def test_all_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None)
        assert diagnosis.why_no_cuda() is None
        assert "an option is wrong" in diagnosis.could_not_start(configure("cuda"))

    def test_an_old_driver(self, monkeypatch: pytest.MonkeyPatch) -> None:
        old = Driver("550.54", (12, 4), DRIVER.gpus)
        monkeypatch.setattr(diagnosis, "find_driver", lambda: old)
        found = diagnosis.could_not_start(configure("cuda"))
        assert "driver 550.54 runs CUDA up to 12.4" in found
        assert "needs CUDA 13. Install a newer driver: 580 or later." in found

    def test_no_driver(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(diagnosis, "find_driver", nvidia.find_driver)
        monkeypatch.setattr(nvidia, "LIBRARY", "libmissing.so.1")
        found = diagnosis.could_not_start(configure("cuda"))
        assert "There is no NVIDIA driver: libmissing.so.1 cannot be loaded." in found


def test_the_loader_names_what_is_missing() -> None:
    assert diagnosis.unloadable("libmissing.so.1") == ["libmissing.so.1"]
    (loadable, *_) = (Path(onnxruntime.__file__).parent / "capi").glob("onnxruntime_pybind11*")
    assert diagnosis.unloadable(str(loadable)) == []


@pytest.mark.parametrize(("version", "expected"), [("13.0", 13), ("12.8", 12), ("", None)])
def test_cuda_release(version: str, expected: int | None) -> None:
    module = ModuleType("onnxruntime")
    module.cuda_version = version
    assert diagnosis.cuda_release(module) == expected
    assert diagnosis.cuda_release(ModuleType("onnxruntime")) is None
