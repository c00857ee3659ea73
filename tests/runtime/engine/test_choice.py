"""Which provider is meant, and what is tried before it is taken."""

from collections.abc import Callable

import pytest

onnxruntime = pytest.importorskip("onnxruntime", reason="asks for its providers")

from stylize.models.errors import ProviderError
from stylize.runtime.engine import choice
from stylize.runtime.engine.choice import find_provider, try_provider
from stylize.runtime.providers import table
from stylize.runtime.providers.table import Provider, configure

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

    def test_what_cannot_run_is_an_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise RuntimeError("CUDNN_STATUS_NOT_SUPPORTED\n")

        monkeypatch.setattr(onnxruntime.InferenceSession, "run_with_iobinding", fail)
        with pytest.raises(ProviderError, match="CUDNN_STATUS"):
            try_provider(configure("cpu"))
