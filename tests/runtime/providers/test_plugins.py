"""Providers in wheels of their own, of which a false one is as good as a real one here."""

import sys
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from stylize.models.errors import ProviderError
from stylize.runtime.providers import diagnosis, plugins, wheels
from stylize.runtime.providers.plugins import devices_of, is_gpu, is_installed, memory_of, name_of
from stylize.runtime.providers.table import Plugin, Provider, configure

MODULE = "onnxruntime_ep_false"


def device(kind: str = "CPU", **metadata: str) -> SimpleNamespace:
    """Return a device as ONNX Runtime describes them."""
    hardware = SimpleNamespace(
        type=SimpleNamespace(name=kind), metadata={}, vendor="ACME", device_id=0x2684
    )
    return SimpleNamespace(
        ep_name="OpenVINOExecutionProvider",
        ep_metadata=metadata,
        device=hardware,
        memory_info={"default": None, "host": "shared memory"}.get,
    )


class Runtime(SimpleNamespace):
    """An ONNX Runtime whose plugin offers some devices once it is registered."""

    def __init__(self, *devices: SimpleNamespace, version: str = "1.32.0") -> None:
        super().__init__(__version__=version)
        self.OrtDeviceMemoryType = SimpleNamespace(DEFAULT="default", HOST_ACCESSIBLE="host")
        self.offered, self.registered = devices, list[tuple[str, str]]()

    def register_execution_provider_library(self, name: str, path: str) -> None:
        self.registered.append((name, path))

    def get_ep_devices(self) -> list[SimpleNamespace]:
        return [*self.offered] if self.registered else []


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    """OpenVINO with a plugin that this process has not seen yet."""
    module: Any = ModuleType(MODULE)
    module.get_library_path = lambda: "libfalse.so"
    monkeypatch.setitem(sys.modules, MODULE, module)
    monkeypatch.setattr(plugins, "_loaded", {})
    false = Plugin(MODULE, device={"ov_device": "CPU"})
    return Provider(**{**vars(configure("openvino", "float32")), "plugin": false})


def test_the_device_is_the_one_in_the_table(provider: Provider) -> None:
    wanted = device(ov_device="CPU")
    runtime = Runtime(device(ov_device="GPU"), device(ov_device="NPU"), wanted)
    assert devices_of(runtime, provider) == [wanted]


def test_of_several_gpus_a_plugin_takes_one(provider: Provider) -> None:
    runtime = Runtime(device("GPU", ov_device="CPU"), device("GPU", ov_device="CPU"))
    assert len(devices_of(runtime, provider)) == 1


def test_a_library_is_loaded_once_in_a_process(provider: Provider) -> None:
    """A second time would unload the first."""
    runtime = Runtime(device(ov_device="CPU"))
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: devices_of(runtime, provider), range(8)))
    assert runtime.registered == [(MODULE, "libfalse.so")]
    assert found == [[runtime.offered[0]]] * 8


def test_what_somebody_else_has_loaded_is_not_loaded_again(provider: Provider) -> None:
    runtime = Runtime(device(ov_device="CPU"))
    runtime.registered.append(("theirs", "libfalse.so"))
    assert devices_of(runtime, provider)
    assert runtime.registered == [("theirs", "libfalse.so")]


def test_a_library_that_cannot_be_loaded_is_not_tried_again(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime, attempts = Runtime(device(ov_device="CPU")), []

    def fail(name: str, path: str) -> None:
        attempts.append(name)
        raise RuntimeError("libtbb.so.12:\n cannot open")

    monkeypatch.setattr(runtime, "register_execution_provider_library", fail)
    for _ in range(2):
        with pytest.raises(ProviderError, match=r"ep-false cannot be loaded \(libtbb.so.12: cann"):
            devices_of(runtime, provider)
    assert attempts == [MODULE]


def test_an_onnx_runtime_that_is_too_old_for_plugins(provider: Provider) -> None:
    runtime = Runtime(device(ov_device="CPU"), version="1.27.1")
    with pytest.raises(ProviderError, match=r"needs ONNX Runtime 1\.28 or newer, and 1\.27\.1 is"):
        devices_of(runtime, provider)
    assert runtime.registered == []


class TestNoDevice:
    def test_of_a_cpu(self, provider: Provider) -> None:
        with pytest.raises(ProviderError, match="OpenVINOExecutionProvider finds no device"):
            devices_of(Runtime(device(ov_device="GPU")), provider)

    def test_of_a_gpu(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(diagnosis, "unloadable", lambda library: [])
        assert "ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER is 1" in diagnosis.no_device(
            configure("webgpu")
        )

    @pytest.mark.skipif(sys.platform != "linux", reason="Vulkan is for Linux")
    def test_for_lack_of_a_library(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(diagnosis, "unloadable", lambda library: [library])
        assert "needs libvulkan.so.1" in diagnosis.no_device(configure("webgpu"))


def test_memory_is_the_devices_own_or_what_it_shares(provider: Provider) -> None:
    runtime = Runtime(device(ov_device="CPU"))
    assert memory_of(runtime, provider) == "shared memory"
    runtime.offered[0].memory_info = {"default": "own memory", "host": "shared memory"}.get
    assert memory_of(runtime, provider) == "own memory"


def test_names() -> None:
    assert name_of(device(FULL_DEVICE_NAME="a Xeon")) == "a Xeon"
    unnamed = device("GPU")
    assert name_of(unnamed) == "ACME GPU 2684"
    assert is_gpu(unnamed)
    assert not is_gpu(device())
    unnamed.device.metadata = {"Description": "a Radeon"}
    assert name_of(unnamed) == "a Radeon"


def test_whether_it_is_installed(provider: Provider, tmp_path: Any, monkeypatch: Any) -> None:
    assert not is_installed(Plugin("onnxruntime_ep_missing"))
    (tmp_path / "onnxruntime_ep_there.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert is_installed(Plugin("onnxruntime_ep_there"))


class TestCommand:
    """A plugin is added to what is there, and nothing is removed for it."""

    @pytest.mark.parametrize(
        ("present", "expected"),
        [
            ((), "pip install "),
            (("onnxruntime",), "pip install "),
            (("onnxruntime-gpu",), "pip install onnxruntime-ep-webgpu"),
            (("onnxruntime-openvino",), "pip uninstall -y onnxruntime-openvino && pip install "),
        ],
    )
    def test_beside(
        self, monkeypatch: pytest.MonkeyPatch, present: tuple[str, ...], expected: str
    ) -> None:
        monkeypatch.setattr(wheels, "installed_wheels", lambda: dict.fromkeys(present, "1.31.1"))
        found = wheels.add_command("webgpu", "onnxruntime-ep-webgpu")
        assert found.startswith(expected)
        assert ("[webgpu]" in found) is ("gpu" not in "".join(present))
