"""A graph is opened on the provider that was asked for, or not at all."""

from dataclasses import replace

import pytest

onnxruntime = pytest.importorskip("onnxruntime", reason="opens sessions")

from stylize.models.errors import ProviderError
from stylize.models.folder import StoredGraph
from stylize.runtime.providers import session
from stylize.runtime.providers.session import open_session
from stylize.runtime.providers.table import configure


def test_a_session_that_would_fall_back_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError(f"nodes for the CPU, but {session.FALLBACK_REFUSED} by the user")

    monkeypatch.setattr(onnxruntime, "InferenceSession", refuse)
    with pytest.raises(ProviderError, match=r"does not compute all of graph\.onnx"):
        open_session(StoredGraph("graph.onnx", b""), {}, configure("coreml"))


def test_what_is_no_option_of_a_provider_is_an_entry_of_the_session() -> None:
    entry = "mlas.enable_gemm_fastmath_arm64_bfloat16"
    provider = replace(configure("cpu"), session_entries={entry: "1"})
    options = session._session_options(onnxruntime, provider)
    assert options.get_session_config_entry(entry) == "1"


def test_threads_do_not_wait_in_loops_between_the_graphs_of_a_step() -> None:
    provider = configure("cpu", threads=3)
    options = session._session_options(onnxruntime, provider)
    assert options.get_session_config_entry("session.force_spinning_stop") == "1"
    assert options.intra_op_num_threads == 3


@pytest.mark.parametrize("version", ["1.23.2", "1.9.0", "1.23.0.dev20250101", "0.99"])
def test_an_old_onnx_runtime_is_refused(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(onnxruntime, "__version__", version)
    with pytest.raises(ProviderError, match=rf"ONNX Runtime {version} is installed; .* 1\.24 or"):
        session.import_onnxruntime()


@pytest.mark.parametrize("version", ["1.24.0", "1.24.4", "1.100.0", "2.0", "2.0.1rc1"])
def test_a_new_onnx_runtime_is_not(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(onnxruntime, "__version__", version)
    assert session.import_onnxruntime() is onnxruntime
