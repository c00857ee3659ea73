"""Which provider is meant, and what is tried before it is taken."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace

import pytest

onnxruntime = pytest.importorskip("onnxruntime", reason="asks for its providers")

from stylize.models.errors import ProviderError
from stylize.runtime.engine import choice
from stylize.runtime.engine.choice import (
    find_provider,
    in_software,
    seconds_of,
    try_provider,
)
from stylize.runtime.providers import table
from stylize.runtime.providers.table import PROVIDERS, Provider, configure

GPU = "webgpu"
FASTEST_FIRST = choice.FASTEST_FIRST


@pytest.fixture(autouse=True)
def auto_is_the_fastest(auto_is_the_cpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "FASTEST_FIRST", FASTEST_FIRST)


AMX, AVX512 = ("AMX", "AVX512-BF16"), ("AVX512-BF16",)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Let some providers be installed, and some of them work; return what is done with them."""

    def install(
        *names: str,
        working: tuple[str, ...] = (),
        units: tuple[str, ...] = AMX,
        software: bool = False,
        seconds: Mapping[str, float] | None = None,
    ) -> list[str]:
        done: list[str] = []

        def attempt(provider: Provider) -> None:
            done.append(f"try {provider.name}")
            if provider.name not in working:
                raise ProviderError("it is broken")

        def measure(provider: Provider) -> float:
            done.append(f"time {provider.name}")
            return (seconds or {})[provider.name]

        built_in = [PROVIDERS[name].onnxruntime_name for name in names]
        modules = [known.plugin.module for name in names if (known := PROVIDERS[name]).plugin]
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: built_in)
        monkeypatch.setattr(choice, "is_installed", lambda plugin: plugin.module in modules)
        monkeypatch.setattr(choice, "in_software", lambda found: software and found.name == GPU)
        monkeypatch.setattr(choice, "try_provider", attempt)
        monkeypatch.setattr(choice, "seconds_of", measure)
        for module in (choice, table):
            monkeypatch.setattr(module, "bfloat16_units", lambda: units)
        return done

    return install


class TestAuto:
    Installed = Callable[..., list[str]]

    def test_nothing_is_tried_where_there_is_only_the_cpu(self, installed: Installed) -> None:
        done = installed("cpu")
        assert find_provider() == configure("cpu")
        assert done == []

    @pytest.mark.parametrize(
        ("working", "expected", "passed_over"),
        [
            (("cuda", "openvino"), "cuda", ()),
            (("openvino",), "openvino", ("cuda",)),
            ((), "cpu", ("cuda", "openvino")),
        ],
    )
    def test_is_the_first_that_works(
        self,
        installed: Installed,
        working: tuple[str, ...],
        expected: str,
        passed_over: tuple[str, ...],
    ) -> None:
        done = installed("openvino", "cuda", "cpu", working=working)
        found = find_provider()
        assert (found.name, found.passed_over) == (expected, passed_over)
        assert not any(step.startswith("time") for step in done), "for nothing is open"

    @pytest.mark.parametrize(("gpu", "expected"), [(0.01, GPU), (0.03, "openvino")])
    def test_a_gpu_must_be_faster_than_what_comes_next(
        self, installed: Installed, gpu: float, expected: str
    ) -> None:
        seconds = {GPU: gpu, "openvino": 0.02}
        done = installed(GPU, "openvino", "cpu", working=(GPU, "openvino"), seconds=seconds)
        assert find_provider().name == expected
        assert done == [f"try {GPU}", "try openvino", f"time {GPU}", "time openvino"]

    def test_one_that_fails_on_what_is_timed_is_passed_over(
        self, installed: Installed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        installed(GPU, "openvino", "cpu", working=(GPU, "openvino"))

        def measure(provider: Provider) -> float:
            if provider.name == GPU:
                raise ProviderError("the device is lost")
            return 1.0

        monkeypatch.setattr(choice, "seconds_of", measure)
        found = find_provider()
        assert (found.name, found.passed_over) == ("openvino", (GPU,))

    def test_a_driver_in_software_is_not_even_tried(self, installed: Installed) -> None:
        done = installed(GPU, "cpu", working=(GPU,), software=True)
        found = find_provider()
        assert (found.name, found.passed_over, done) == ("cpu", (), [])

    def test_openvino_pays_only_with_bfloat16(self, installed: Installed) -> None:
        done = installed("openvino", "cpu", working=("openvino",), units=())
        assert find_provider().name == "cpu"
        assert done == []

    @pytest.mark.parametrize(("openvino", "expected"), [(0.01, "openvino"), (0.03, "cpu")])
    def test_without_amx_bfloat16_must_be_faster(
        self, installed: Installed, openvino: float, expected: str
    ) -> None:
        seconds = {"openvino": openvino, "cpu": 0.02}
        installed("openvino", "cpu", working=("openvino",), units=AVX512, seconds=seconds)
        assert find_provider().name == expected

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

    def test_a_driver_in_software_that_is_named_is_taken(self, installed: Installed) -> None:
        installed(GPU, "cpu", working=(GPU,), software=True)
        assert find_provider(GPU).name == GPU


class TestSoftware:
    """Whether what is meant for a GPU would run on the CPU."""

    @pytest.mark.parametrize(("kind", "expected"), [("GPU", False), ("CPU", True)])
    def test_is_told_by_the_device(
        self, monkeypatch: pytest.MonkeyPatch, kind: str, expected: bool
    ) -> None:
        device = SimpleNamespace(device=SimpleNamespace(type=SimpleNamespace(name=kind)))
        monkeypatch.setattr(choice, "devices_of", lambda *_: [device])
        assert in_software(configure(GPU)) is expected
        assert not in_software(configure("openvino")), "which is meant for the CPU"

    @pytest.mark.parametrize(("vendors", "expected"), [((), True), (("AMD",), False)])
    def test_without_a_device_it_matters_whether_there_is_a_gpu(
        self, monkeypatch: pytest.MonkeyPatch, vendors: tuple[str, ...], expected: bool
    ) -> None:
        """Where there is one, trying tells what is missing."""

        def fail(*_: object) -> None:
            raise ProviderError("no device")

        monkeypatch.setattr(choice, "devices_of", fail)
        monkeypatch.setattr(choice, "gpu_vendors", lambda: vendors)
        assert in_software(configure(GPU)) is expected


class TestInstalled:
    """With the ONNX Runtime that is installed, whichever it is."""

    def test_the_cpu_computes(self) -> None:
        try_provider(configure("cpu"))

    def test_how_long_it_takes(self) -> None:
        assert 0 < seconds_of(configure("cpu")) < 60

    def test_what_auto_chose_computes(self) -> None:
        try_provider(find_provider())

    @pytest.mark.parametrize(
        ("told", "expected"),
        [
            ("CUDNN_STATUS_NOT_SUPPORTED", "failed on .*: CUDNN_STATUS"),
            ("Transpose requires f16 but the device does not support it", "^This GPU, .* float16"),
        ],
    )
    def test_what_cannot_run_is_an_error(
        self, monkeypatch: pytest.MonkeyPatch, told: str, expected: str
    ) -> None:
        def fail(*_: object) -> None:
            raise RuntimeError(f"{told}\n")

        monkeypatch.setattr(onnxruntime.InferenceSession, "run_with_iobinding", fail)
        with pytest.raises(ProviderError, match=expected):
            try_provider(configure("cpu"))
