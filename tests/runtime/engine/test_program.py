"""A program: which of a graph's files it loads, and what it binds."""

import gc
import json
import shutil
import weakref
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="runs a model")

from PIL import Image

from stylize.models.catalog import embedded_folder
from stylize.models.folder import ModelFolder, StoredGraph, open_folder
from stylize.models.layers import paper_layer_sets
from stylize.models.manifest import GraphFile
from stylize.runtime.engine import program
from stylize.runtime.engine.tensors import read
from stylize.runtime.method.model import Model
from stylize.runtime.method.objective import Evaluation
from stylize.runtime.method.options import Options
from stylize.runtime.method.scene import Scene
from stylize.runtime.providers.table import GraphForm, Provider, configure

CPU = configure("cpu")
FIGURE_2 = paper_layer_sets()[0]


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were loaded, in order."""
    names: list[str] = []
    open_session = program.open_session

    def recording(graph: StoredGraph, dimensions: Mapping[str, int], provider: Provider) -> object:
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
    assert not list(path.glob("gradient.*.blocked.onnx"))
    folder = open_folder(path)
    found = evaluate(Model(folder, replace(CPU, form="blocked")))
    assert loaded[-1] == folder.gradient_graph(FIGURE_2).file
    expected = evaluate(Model(open_folder(embedded_folder()), replace(CPU, form="plain")))
    assert found.total == expected.total
    np.testing.assert_array_equal(found.gradient, expected.gradient)


def test_each_binding_is_recorded_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """As CUDA needs it: targets, which are computed once, are not recorded."""
    import onnxruntime

    ids: list[str] = []
    run = onnxruntime.InferenceSession.run_with_iobinding

    def recording(session: Any, binding: Any, options: Any = None) -> None:
        if options:
            ids.append(options.get_run_config_entry("gpu_graph_id"))
        run(session, binding, options)

    monkeypatch.setattr(onnxruntime.InferenceSession, "run_with_iobinding", recording)
    provider = replace(CPU, options={"enable_cuda_graph": "1"})
    folder = open_folder(embedded_folder())
    scene = Scene(Model(folder, provider), Image.new("RGB", (32, 24)), Image.new("RGB", (24, 32)))
    list(scene.render(Options(size=32, iterations=4, init="noise")))
    assert ids == ["1", "2", "1", "2"]  # the gradient, of two images in turn


def test_what_is_bound_stays_alive() -> None:
    program = Model.open("compact", "cpu").optimizer((16, 16), "adam", 1)
    tensors = {name: program.memory.put(np.ones(n)) for name, n in program.input_shapes.items()}
    outputs = {name: program.memory.empty(n) for name, n in program.output_shapes.items()}
    references = [weakref.ref(tensor) for tensor in tensors.values()]
    run = program.bind(tensors, outputs)
    del tensors
    gc.collect()
    run()
    assert all(reference() for reference in references)


def graphs_of_a_run(folder: ModelFolder) -> list[tuple[GraphFile, GraphForm]]:
    gradient = folder.gradient_graph(FIGURE_2)
    others = [folder.manifest.variation, *folder.manifest.optimizers.values()]
    others += [folder.manifest.features, *folder.manifest.targets]
    blocks = folder.blocks(FIGURE_2)
    strips = [graph for block in blocks for graph in (block.forwards, block.backwards)]
    forms: list[GraphForm] = ["plain", "float16"]
    several = [(graph, form) for graph in (gradient, *strips) for form in forms]
    return several + [(graph, "plain") for graph in others]


def test_no_shape_is_left_to_be_computed(tmp_path: Path) -> None:
    """Or CUDA's provider would leave what follows from it to the CPU, and refuse the graph."""
    onnx = pytest.importorskip("onnx", reason="reads graphs")
    import onnxruntime

    folder = open_folder(embedded_folder())
    dimensions = folder.dimensions((37, 50)) | {"places": 11, "rows": 22}
    dimensions |= {"above_height": 18, "above_width": 25, "regions": 2}
    for number, (graph, form) in enumerate(graphs_of_a_run(folder)):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(tmp_path / f"{number}.onnx")
        for name, size in dimensions.items():
            options.add_free_dimension_override_by_name(name, size)
        file = folder.path / graph.form(form).file
        onnxruntime.InferenceSession(file.resolve(), options, providers=["CPUExecutionProvider"])
        optimised = onnx.load(options.optimized_model_filepath, load_external_data=False)
        operators = {node.op_type for node in optimised.graph.node}
        assert not operators & {"Shape", "Range", "If", "Loop"}, graph.file


def test_the_history_may_be_written_in_place() -> None:
    """Both ways, and each step twice: CUDA runs a graph more than once to record it."""
    program = Model.open("compact", "cpu").optimizer((16, 16), "lbfgs", 3)
    memory, random = program.memory, np.random.default_rng(0)
    shapes = program.input_shapes
    apart, shared = ({name: memory.full(shapes[name], 0) for name in shapes} for _ in range(2))
    for turn in range(9):
        image, gradient = random.random((2, *shapes["image"]), np.float32)
        results = []
        for state, in_place in ((apart, False), (shared, True)):
            given = {"image": image, "gradient": gradient, "total": np.float32(1)}
            state |= {name: memory.put(value) for name, value in given.items()}
            if not turn:
                state |= {"best_total": memory.put(np.inf)}
                state |= {name: memory.put(1) for name in ("pace", "most")}
            outputs = {name: memory.empty(n) for name, n in program.output_shapes.items()}
            if in_place:
                outputs["next_history"] = state["history"]
            run = program.bind(state, outputs)
            run()
            if in_place:
                run()
            results.append({name: read(tensor) for name, tensor in outputs.items()})
            state |= {
                name.removeprefix("next_"): tensor
                for name, tensor in outputs.items()
                if name.startswith("next_")
            }
        for name, value in results[0].items():
            np.testing.assert_array_equal(results[1][name], value, err_msg=name)
    assert results[0]["next_counts"].sum() > 0
