"""Which of a graph's files is loaded."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="runs a model")

from stylize.models.catalog import embedded_folder
from stylize.models.folder import open_folder
from stylize.models.layers import paper_layer_sets
from stylize.runtime import program
from stylize.runtime.model import Model
from stylize.runtime.objective import Evaluation
from stylize.runtime.providers import PROVIDERS, Provider

CPU = PROVIDERS["cpu"]
FIGURE_2 = paper_layer_sets()[0]


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were loaded, in order."""
    names: list[str] = []
    open_session = program.open_session

    def recording(graph: Path, dimensions: Mapping[str, int], provider: Provider) -> object:
        names.append(graph.name)
        return open_session(graph, dimensions, provider)

    monkeypatch.setattr(program, "open_session", recording)
    return names


def evaluate(model: Model) -> Evaluation:
    photo, painting, image = np.random.default_rng(0).random((3, 1, 3, 21, 34), np.float32)
    targets = model.targets(photo, replace(FIGURE_2, style=()))
    targets |= model.targets(painting, replace(FIGURE_2, content=()))
    content, style = dict.fromkeys(FIGURE_2.content, 1.0), dict.fromkeys(FIGURE_2.style, 1e3)
    return model.objective((21, 34), targets, content, style)(image)


@pytest.mark.parametrize("blocked", [False, True], ids=["plain", "blocked"])
def test_a_provider_says_which_form_of_the_gradient_is_loaded(
    loaded: list[str], blocked: bool
) -> None:
    folder = open_folder(embedded_folder())
    evaluate(Model(folder, replace(CPU, blocked=blocked)))
    *targets, gradient = loaded
    graph = folder.gradient_graph(FIGURE_2)
    assert graph.blocked
    assert gradient == (graph.blocked.file if blocked else graph.file)
    assert len(targets) == 2  # and those exist in one form only
    assert not [name for name in targets if "blocked" in name]


def test_the_cpu_loads_blocked_graphs_and_cuda_does_not(loaded: list[str]) -> None:
    evaluate(Model.open("compact", "cpu"))
    assert ("blocked" in loaded[-1]) is CPU.blocked
    assert not PROVIDERS["cuda"].blocked


def test_a_folder_of_an_earlier_release_runs_its_plain_graphs(
    tmp_path: Path, loaded: list[str]
) -> None:
    folder = Path(shutil.copytree(embedded_folder(), tmp_path / "earlier"))
    manifest = json.loads((folder / "model.json").read_bytes())
    for graph in manifest["gradients"]:
        (folder / graph.pop("blocked")["file"]).unlink()
    for graph in (manifest["features"], *manifest["targets"]):
        assert graph.pop("blocked") is None
    (folder / "model.json").write_text(json.dumps(manifest))
    assert not list(folder.glob("*blocked*"))
    earlier = open_folder(folder)
    found = evaluate(Model(earlier, replace(CPU, blocked=True)))
    assert loaded[-1] == earlier.gradient_graph(FIGURE_2).file
    expected = evaluate(Model(open_folder(embedded_folder()), replace(CPU, blocked=False)))
    assert found.total == expected.total
    np.testing.assert_array_equal(found.gradient, expected.gradient)
