"""A graph is opened on the provider that was asked for, or not at all."""

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
        open_session(StoredGraph("graph.onnx", b""), {}, configure("openvino"))


def test_threads_do_not_wait_in_loops_between_the_graphs_of_a_step() -> None:
    provider = configure("cpu", threads=3)
    options = session._session_options(onnxruntime, provider)
    assert options.get_session_config_entry("session.force_spinning_stop") == "1"
    assert options.intra_op_num_threads == 3
