"""Which provider is meant, with which settings, and what is said where it cannot be had."""

import ctypes
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

onnxruntime = pytest.importorskip("onnxruntime", reason="asks for its providers")

from stylize.models.errors import OptionError, ProviderError
from stylize.runtime.engine import choice
from stylize.runtime.engine.choice import find_provider, try_provider
from stylize.runtime.method.model import Model
from stylize.runtime.providers import diagnosis, hardware, nvidia, session, table, wheels
from stylize.runtime.providers.nvidia import Driver, Gpu
from stylize.runtime.providers.session import open_session
from stylize.runtime.providers.table import PROVIDERS, Provider, configure, host_of

DRIVER = Driver("580.65.06", (13, 0), (Gpu("a GPU", 24 * 10**9),))
LISTED = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
LISTED["openvino"] = "OpenVINOExecutionProvider"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Provider]]:
    """Let some providers be listed, and some of them work; return those that are tried."""

    def install(*names: str, working: tuple[str, ...] = (), amx: bool = True) -> list[Provider]:
        tried: list[Provider] = []

        def attempt(provider: Provider) -> None:
            tried.append(provider)
            if provider.name not in working:
                raise ProviderError("it is broken")

        listed = [LISTED[name] for name in names]
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: listed)
        monkeypatch.setattr(choice, "try_provider", attempt)
        monkeypatch.setattr(table, "has_amx", lambda: amx)
        return tried

    return install


class TestConfigure:
    def test_cuda_rounds_only_where_that_is_asked_for(self) -> None:
        tf32 = {
            mode: configure("cuda", mode).options["use_tf32"] for mode in PROVIDERS["cuda"].modes
        }
        assert tf32 == {"float32": "0", "tf32": "1", "float16": "1"}
        assert configure("cuda").precision == "tf32"

    def test_forms(self) -> None:
        assert configure("cuda", "float16").form == "float16"
        assert configure("cuda").form == configure("openvino", "bfloat16").form == "plain"
        assert configure("cpu").form == ("blocked" if hardware.X86 else "plain")

    def test_memory(self) -> None:
        memory = {name: configure(name).memory for name in PROVIDERS}
        on_gpu = {name for name, where in memory.items() if where == "cuda"}
        assert on_gpu == {"cuda", "tensorrt"}

    @pytest.mark.parametrize(("amx", "expected"), [(True, "bfloat16"), (False, "float32")])
    def test_openvino_computes_in_what_the_cpu_is_good_at(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, amx: bool, expected: str
    ) -> None:
        flags = "avx512f amx_bf16" if amx else "avx512f"
        (tmp_path / "cpuinfo").write_text(f"flags : fpu {flags} clflush\n")
        monkeypatch.setattr(hardware, "CPU_INFO", tmp_path / "cpuinfo")
        provider = configure("openvino")
        assert provider.precision == expected
        (settings,) = json.loads(provider.options["load_config"]).values()
        assert settings["INFERENCE_PRECISION_HINT"] == ("bf16" if amx else "f32")
        assert settings["INFERENCE_NUM_THREADS"] == str(hardware.usable_cpus())

    def test_given_options_win_and_are_remembered(self) -> None:
        given = {"cudnn_conv_algo_search": "HEURISTIC", "enable_cuda_graph": "0"}
        provider = configure("cuda", options=given)
        assert provider.given == given
        assert provider.options.items() >= given.items()
        assert provider.options["use_tf32"] == "1"

    def test_cuda_records_its_launches_unless_told_otherwise(self) -> None:
        assert configure("cuda").records
        assert host_of(configure("cuda", "float16")).records
        without = configure("cuda", options={"enable_cuda_graph": "0"})
        assert not without.records
        assert not host_of(without).records
        assert not configure("cuda").without_recording.records
        assert not configure("cpu").records

    def test_a_precision_that_it_lacks(self) -> None:
        with pytest.raises(OptionError, match="Choose one of tf32, float32, float16"):
            configure("cuda", "bfloat16")


class TestAuto:
    Installed = Callable[..., list[Provider]]

    def test_nothing_is_tried_where_there_is_only_the_cpu(self, installed: Installed) -> None:
        tried = installed("cpu")
        assert find_provider() == configure("cpu")
        assert tried == []

    @pytest.mark.parametrize(
        ("working", "expected", "passed_over"),
        [
            (("cuda", "openvino"), "cuda", ()),
            (("openvino",), "openvino", ("cuda",)),
            ((), "cpu", ("cuda", "openvino")),
        ],
    )
    def test_is_the_fastest_that_works(
        self,
        installed: Installed,
        working: tuple[str, ...],
        expected: str,
        passed_over: tuple[str, ...],
    ) -> None:
        installed("openvino", "cuda", "cpu", working=working)
        found = find_provider()
        assert (found.name, found.passed_over) == (expected, passed_over)

    def test_openvino_is_faster_only_with_amx(self, installed: Installed) -> None:
        tried = installed("openvino", "cpu", working=("openvino",), amx=False)
        assert find_provider().name == "cpu"
        assert tried == []

    def test_with_a_precision(self, installed: Installed) -> None:
        installed("cuda", "openvino", "cpu", working=("openvino", "cuda"))
        assert find_provider("auto", "bfloat16").name == "openvino"
        assert find_provider("auto", "tf32").options["use_tf32"] == "1"
        installed("cuda", "openvino", "cpu", working=("openvino",))
        assert find_provider("auto", "float32").name == "cpu"
        with pytest.raises(ProviderError, match="computes in tf32"):
            find_provider("auto", "tf32")

    def test_one_that_is_named_is_not_replaced(self, installed: Installed) -> None:
        installed("cuda", "cpu")
        with pytest.raises(ProviderError, match="it is broken"):
            find_provider("cuda")


class TestInstalled:
    """With the ONNX Runtime that is installed, whichever it is."""

    def test_the_cpu_computes(self) -> None:
        try_provider(configure("cpu"))

    def test_what_auto_chose_computes(self) -> None:
        try_provider(find_provider())

    def test_model_takes_a_name_or_a_provider(self) -> None:
        cpu = configure("cpu")
        assert Model.open("compact", "cpu").provider == cpu
        assert Model.open("compact", cpu).provider is cpu
        assert Model.open("compact").provider == find_provider()

    def test_what_cannot_run_is_an_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise RuntimeError("CUDNN_STATUS_NOT_SUPPORTED\n")

        monkeypatch.setattr(onnxruntime.InferenceSession, "run_with_iobinding", fail)
        with pytest.raises(ProviderError, match="CUDNN_STATUS"):
            try_provider(configure("cpu"))

    def test_a_session_that_would_fall_back_is_an_error(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise RuntimeError(f"nodes for the CPU, but {session.FALLBACK_REFUSED} by the user")

        monkeypatch.setattr(onnxruntime, "InferenceSession", refuse)
        with pytest.raises(ProviderError, match=r"does not compute all of graph\.onnx"):
            open_session(tmp_path / "graph.onnx", {}, configure("openvino"))

    def test_a_graph_behind_a_link_is_loaded_beside_its_weights(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "links").mkdir()
        for name in ("graph.onnx", "weights.safetensors"):
            (tmp_path / "real" / name).touch()
            (tmp_path / "links" / name).symlink_to(tmp_path / "real" / name)
        linked = tmp_path / "links" / "graph.onnx"
        assert session._without_links(linked) == (tmp_path / "real" / "graph.onnx").resolve()
        (tmp_path / "links" / "weights.safetensors").unlink()
        (tmp_path / "links" / "weights.safetensors").touch()
        assert session._without_links(linked) == linked


class TestWheels:
    def test_the_installed_one_is_found(self) -> None:
        found = wheels.installed_wheels()
        assert onnxruntime.__version__ in found.values()
        assert all(name.startswith("onnxruntime") for name in found)

    def test_another_comes_in_the_place_of_all(self, monkeypatch: pytest.MonkeyPatch) -> None:
        both = {"onnxruntime": "1.30.0", "onnxruntime-gpu": "1.31.1"}
        monkeypatch.setattr(wheels, "installed_wheels", lambda: both)
        with pytest.raises(ProviderError) as caught:
            raise ProviderError(diagnosis.not_in_wheel(configure("openvino"), ["CPU"]))
        assert "onnxruntime 1.30.0 and onnxruntime-gpu 1.31.1, which overwrite" in str(caught.value)
        assert str(caught.value).endswith(
            "pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'stylize-onnx[openvino]'"
        )

    def test_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(wheels, "installed_wheels", dict)
        assert wheels.replace_command("cpu") == "pip install 'stylize-onnx[cpu]'"

    def test_a_provider_of_no_extra(self) -> None:
        assert diagnosis.not_in_wheel(configure("webgpu"), ["CPU"]).endswith(diagnosis.ELSEWHERE)


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
        assert found.endswith("Install them: pip install 'stylize-onnx[cuda]'")
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


@pytest.mark.parametrize(("version", "expected"), [("13.0", 13), ("12.8", 12), ("", None)])
def test_cuda_release(version: str, expected: int | None) -> None:
    module = ModuleType("onnxruntime")
    module.cuda_version = version
    assert diagnosis.cuda_release(module) == expected
    assert diagnosis.cuda_release(ModuleType("onnxruntime")) is None


class TestHost:
    def test_computes_in_the_same_memory(self) -> None:
        given = {"device_id": "1", "enable_cuda_graph": "1", "gpu_mem_limit": "7"}
        host = host_of(configure("cuda", "float16", given))
        assert (host.name, host.precision, host.form) == ("cuda", "float32", "plain")
        assert dict(host.given) == {"device_id": "1", "enable_cuda_graph": "1"}

    @pytest.mark.parametrize("name", ["openvino", "directml", "coreml"])
    def test_is_the_cpu_where_that_holds_the_images(self, name: str) -> None:
        assert host_of(configure(name, None, {"device_id": "1"})) == configure("cpu")

    def test_a_device_is_a_number(self) -> None:
        with pytest.raises(OptionError, match="device_id is 'a'"):
            configure("cuda", None, {"device_id": "a"})

    @pytest.mark.parametrize(
        ("name", "option"), [("cuda", "use_tf32"), ("openvino", "load_config")]
    )
    def test_the_precision_is_not_an_option(self, name: str, option: str) -> None:
        with pytest.raises(OptionError, match=f"--precision decides {option}"):
            configure(name, None, {option: "1"})


def test_threads_do_not_wait_in_loops_between_the_graphs_of_a_step() -> None:
    provider = configure("cpu")
    options = session._session_options(onnxruntime, provider)
    assert options.get_session_config_entry("session.force_spinning_stop") == "1"
