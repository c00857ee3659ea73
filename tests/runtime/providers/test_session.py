"""A graph is opened on the provider that was asked for, or not at all."""

from pathlib import Path

import pytest

onnxruntime = pytest.importorskip("onnxruntime", reason="opens sessions")

from stylize.models.errors import ProviderError
from stylize.runtime.providers import session
from stylize.runtime.providers.session import open_session
from stylize.runtime.providers.table import configure


def test_a_session_that_would_fall_back_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError(f"nodes for the CPU, but {session.FALLBACK_REFUSED} by the user")

    monkeypatch.setattr(onnxruntime, "InferenceSession", refuse)
    with pytest.raises(ProviderError, match=r"does not compute all of graph\.onnx"):
        open_session(tmp_path / "graph.onnx", {}, configure("openvino"))


def test_a_graph_behind_a_link_is_loaded_beside_its_weights(tmp_path: Path) -> None:
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


def test_threads_do_not_wait_in_loops_between_the_graphs_of_a_step() -> None:
    provider = configure("cpu", threads=3)
    options = session._session_options(onnxruntime, provider)
    assert options.get_session_config_entry("session.force_spinning_stop") == "1"
    assert options.intra_op_num_threads == 3
