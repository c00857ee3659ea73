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
from stylize.runtime.providers import GraphForm, Provider, configure

CPU = configure("cpu")
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


@pytest.mark.parametrize("form", ["plain", "blocked"])
def test_a_provider_says_which_form_of_the_gradient_is_loaded(
    loaded: list[str], form: GraphForm
) -> None:
    folder = open_folder(embedded_folder())
    evaluate(Model(folder, replace(CPU, form=form)))
    *targets, gradient = loaded
    graph = folder.gradient_graph(FIGURE_2)
    assert graph.blocked
    assert gradient == (graph.blocked.file if form == "blocked" else graph.file)
    assert len(targets) == 2  # and those exist in one form only
    assert not [name for name in targets if "blocked" in name]


def test_the_cpu_loads_blocked_graphs_and_cuda_does_not(loaded: list[str]) -> None:
    evaluate(Model.open("compact", "cpu"))
    assert ("blocked" in loaded[-1]) is (CPU.form == "blocked")
    assert configure("cuda").form == "plain"


def test_without_another_form_the_plain_graph_runs(tmp_path: Path, loaded: list[str]) -> None:
    path = Path(shutil.copytree(embedded_folder(), tmp_path / "plain"))
    manifest = json.loads((path / "model.json").read_bytes())
    for graph in manifest["gradients"]:
        (path / graph.pop("blocked")["file"]).unlink()
    (path / "model.json").write_text(json.dumps(manifest))
    assert not list(path.glob("*blocked*"))
    folder = open_folder(path)
    found = evaluate(Model(folder, replace(CPU, form="blocked")))
    assert loaded[-1] == folder.gradient_graph(FIGURE_2).file
    expected = evaluate(Model(open_folder(embedded_folder()), replace(CPU, form="plain")))
    assert found.total == expected.total
    np.testing.assert_array_equal(found.gradient, expected.gradient)
