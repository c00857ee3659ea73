"""The written folder: its files, what its graphs refer to, and that it is all or nothing."""

import dataclasses
import errno
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Never, get_args

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="exporting needs onnx")
pytest.importorskip("safetensors", reason="exporting needs safetensors")

from safetensors.numpy import load_file
from small import only, small_network, small_weights

from stylize.export.network.architecture import Convolution, vgg19
from stylize.export.network.weights import Weights
from stylize.export.writing.write import write_folder
from stylize.models.catalog import embedded_folder, foreign_folders, model_folders
from stylize.models.errors import ModelError, OptionError
from stylize.models.folder import ModelFolder, open_folder
from stylize.models.layers import LayerSet, Statistics, guided_layer_sets, richer_layer_sets
from stylize.models.manifest import GraphFile, Manifest
from stylize.models.preprocessing import TORCHVISION

STYLE = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
GROWING = [STYLE[:count] for count in (1, 2, 3, 4, 5)]
PAPER = [
    *[LayerSet(("conv4_2",), style) for style in GROWING],
    *[LayerSet(content=(layer,)) for layer in (*STYLE, "conv4_2")],
    *[LayerSet(style=style) for style in GROWING],
]
EVERY = [*PAPER, *richer_layer_sets(), *guided_layer_sets()]
"""Figures 1 to 3 of the paper, listed once more by hand."""

EXTRA = LayerSet(("conv3_2",), ("conv1_2", "conv2_2"))
NETWORK = small_network()
WEIGHTS = small_weights(NETWORK)


@pytest.fixture
def folder(small_model: Callable[..., Path]) -> ModelFolder:
    """The small network's folder; to be read only."""
    return open_folder(small_model(NETWORK))


@pytest.fixture
def half(small_model: Callable[..., Path]) -> ModelFolder:
    """The same with its weights stored as float16; to be read only."""
    return open_folder(small_model(NETWORK, half=True))


@pytest.fixture
def existing(folder: ModelFolder, tmp_path: Path) -> Path:
    """A copy of the small network's folder, alone in its place."""
    return Path(shutil.copytree(folder.path, tmp_path / "model"))


def write_quickly(path: Path, weights: Weights = WEIGHTS, **more: Any) -> Manifest:
    """Write the small network with the graphs of one layer set, where they do not matter."""
    with only(PAPER[0]):
        return write_folder(path, NETWORK, weights, **more)


def names(path: Path) -> set[str]:
    return {file.name for file in path.iterdir()}


def contents(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


def loaded(folder: ModelFolder, graph: GraphFile) -> Any:
    """Read a graph alone, without the weights that it refers to."""
    return onnx.load(folder.path / graph.file, load_external_data=False)


def nodes(folder: ModelFolder) -> Iterator[Any]:
    for graph in folder.manifest.graphs:
        yield from loaded(folder, graph).graph.node


def external(model: Any) -> dict[str, dict[str, str]]:
    """Return each stored tensor's reference into the weights file."""
    return {
        tensor.name: {entry.key: entry.value for entry in tensor.external_data}
        for tensor in model.graph.initializer
        if tensor.data_location == onnx.TensorProto.EXTERNAL
    }


def test_the_folder_holds_what_its_manifest_says_and_nothing_else(folder: ModelFolder) -> None:
    files = ["model.json", *[file.file for file in folder.manifest.files]]
    assert sorted(names(folder.path)) == sorted(files)


def test_the_manifest_describes_network_and_weights(folder: ModelFolder) -> None:
    manifest = folder.manifest
    assert (manifest.name, manifest.network, manifest.pooling) == ("small", "vgg19", "average")
    assert manifest.preprocessing == NETWORK.preprocessing
    assert [layer.name for layer in manifest.layers] == [layer.name for layer in NETWORK.layers]
    assert (manifest.layer("conv1_2").channels, manifest.layer("conv1_2").stride) == (4, 1)
    assert (manifest.layer("pool3").channels, manifest.layer("pool3").stride) == (16, 8)
    assert (manifest.layer("conv5_4").channels, manifest.layer("conv5_4").stride) == (32, 16)
    weights = manifest.weights
    assert (weights.dtype, weights.source, weights.licence) == ("float32", "small", "MIT")
    assert weights.source_sha256 == "0" * 64


def test_every_graph_is_checked_and_says_its_versions(folder: ModelFolder) -> None:
    for graph in folder.manifest.graphs:
        onnx.checker.check_model(folder.path / graph.file, full_check=True)
        model = loaded(folder, graph)
        assert model.ir_version == 8
        assert [(item.domain, item.version) for item in model.opset_import] == [("", 17)]
        assert graph.opset == 17
        assert not model.functions


def test_the_graphs_use_standard_operators_without_control_flow(folder: ModelFolder) -> None:
    assert {node.domain for node in nodes(folder)} == {""}
    operators = {node.op_type for node in nodes(folder)}
    assert {"Conv", "Relu", "AveragePool", "Gemm"} <= operators
    assert not operators & {"Loop", "If", "Scan", "SequenceMap"}
    kinds = {attribute.type for node in nodes(folder) for attribute in node.attribute}
    assert not kinds & {onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS}


def test_the_graphs_of_the_whole_network_are_small(tmp_path: Path) -> None:
    network = vgg19()
    arrays = {name: np.zeros(shape, np.float32) for name, shape in network.parameters.items()}
    weights = Weights(arrays, "zeros", "0" * 64, "MIT", network.preprocessing)
    write_folder(tmp_path / "vgg19", network, weights)
    folder = open_folder(tmp_path / "vgg19")
    sizes = [(folder.path / graph.file).stat().st_size for graph in folder.manifest.graphs]
    # Those with roots are the largest.
    assert sum(sizes) < 800_000
    assert max(sizes) < 80_000
    shutil.rmtree(folder.path)


def test_the_weights_are_stored_once(folder: ModelFolder) -> None:
    stored = load_file(folder.path / folder.manifest.weights.file)
    assert {name: array.shape for name, array in stored.items()} == NETWORK.parameters
    for name, array in stored.items():
        np.testing.assert_array_equal(array, WEIGHTS.arrays[name], strict=True)
    numbers = sum(array.size for array in stored.values())
    header = 16_000
    assert 0 < (folder.path / folder.manifest.weights.file).stat().st_size - 4 * numbers < header


def test_no_graph_holds_more_than_a_few_constants(folder: ModelFolder) -> None:
    for graph in folder.manifest.graphs:
        for tensor in loaded(folder, graph).graph.initializer:
            if tensor.data_location != onnx.TensorProto.EXTERNAL:
                # The largest is the preprocessing's 3x3 matrix of the colours.
                assert np.prod(tensor.dims) <= 9


def test_every_reference_leads_to_its_tensor(folder: ModelFolder) -> None:
    weights = folder.path / folder.manifest.weights.file
    data = weights.read_bytes()
    referred = Counter[str]()
    for graph in folder.manifest.graphs:
        references = external(loaded(folder, graph))
        referred.update(references.keys())
        for name, reference in references.items():
            assert reference["location"] == weights.name
            begin, length = int(reference["offset"]), int(reference["length"])
            assert begin + length <= len(data)
            assert data[begin : begin + length] == WEIGHTS.arrays[name].tobytes()
    assert referred.keys() == NETWORK.parameters.keys()
    manifest = folder.manifest
    seeing = [manifest.features, *manifest.targets, *manifest.gradients]
    lowest = [block for block in manifest.blocks if block.number == 1]
    seeing += [graph for block in lowest for graph in (block.forwards, block.backwards)]
    assert referred["conv1_1.weight"] == len(seeing)


def test_every_layer_set_of_the_paper_has_its_graph(folder: ModelFolder) -> None:
    graphs = folder.manifest.gradients
    assert len(PAPER) == len(set(PAPER)) == 16
    assert Counter(graph.layers for graph in graphs) == Counter(EVERY)
    for layers in PAPER:
        assert folder.gradient_graph(layers).layers == layers
        content, style = LayerSet(content=layers.content), LayerSet(style=layers.style)
        for part in filter(lambda part: part.content or part.style, (content, style)):
            assert folder.targets_graph(part).layers == part


def convolutions_up_to(deepest: str) -> set[str]:
    convolutions = [layer for layer in NETWORK.layers if isinstance(layer, Convolution)]
    place = [layer.name for layer in convolutions].index(deepest)
    return {name for layer in convolutions[: place + 1] for name in layer.shapes}


def test_no_graph_computes_further_than_its_deepest_layer(folder: ModelFolder) -> None:
    for graph in (*folder.manifest.gradients, *folder.manifest.targets):
        deepest = max(graph.layers.content + graph.layers.style)  # sorts as the network does
        assert external(loaded(folder, graph)).keys() == convolutions_up_to(deepest)
    features = loaded(folder, folder.manifest.features)
    assert external(features).keys() == convolutions_up_to("conv5_4")


def test_the_features_are_all_layers_and_their_gram_matrices(folder: ModelFolder) -> None:
    layers = [layer.name for layer in NETWORK.layers]
    outputs = [value.name for value in folder.manifest.features.outputs]
    assert outputs == [name for layer in layers for name in (layer, f"gram.{layer}")]


def test_the_manifests_inputs_and_outputs_are_the_graphs(folder: ModelFolder) -> None:
    for graph in folder.manifest.graphs:
        model = loaded(folder, graph)
        for described, real in (
            (graph.inputs, model.graph.input),
            (graph.outputs, model.graph.output),
        ):
            assert [value.name for value in described] == [value.name for value in real]
            for value, info in zip(described, real, strict=True):
                tensor = info.type.tensor_type
                types = {"float32": onnx.TensorProto.FLOAT, "bool": onnx.TensorProto.BOOL}
                assert tensor.elem_type == types[value.dtype]
                shape = [dim.dim_param or dim.dim_value for dim in tensor.shape.dim]
                assert list(value.shape) == shape


def test_inputs_and_outputs_of_the_papers_main_graph(folder: ModelFolder) -> None:
    graph = folder.gradient_graph(LayerSet(("conv4_2",), STYLE))
    shapes = {value.name: value.shape for value in (*graph.inputs, *graph.outputs)}
    assert shapes == {
        "image": (1, 3, "height", "width"),
        "content_target.conv4_2": (1, 32, "conv4_2_height", "conv4_2_width"),
        "style_target.conv1_1": (5, 5),
        "style_target.conv2_1": (9, 9),
        "style_target.conv3_1": (17, 17),
        "style_target.conv4_1": (33, 33),
        "style_target.conv5_1": (33, 33),
        "content_weights": (1,),
        "style_weights": (5,),
        "content_losses": (1,),
        "style_losses": (5,),
        "total": (),
        "gradient": (1, 3, "height", "width"),
    }


def test_half_stores_float16_in_half_the_space(folder: ModelFolder, half: ModelFolder) -> None:
    assert half.manifest.weights.dtype == "float16"
    stored = load_file(half.path / half.manifest.weights.file)
    for name, array in stored.items():
        expected = WEIGHTS.arrays[name].astype(np.float16)
        np.testing.assert_array_equal(array, expected, strict=True)
    saved = sum(array.nbytes for array in stored.values())
    whole, halved = (
        (item.path / item.manifest.weights.file).stat().st_size for item in (folder, half)
    )
    assert abs(whole - halved - saved) < 200  # the headers differ by some digits


def test_the_graphs_of_half_convert_each_weight_once(half: ModelFolder) -> None:
    for graph in half.manifest.graphs:
        model = loaded(half, graph)
        stored = external(model)
        for tensor in model.graph.initializer:
            if tensor.name in stored:
                assert tensor.data_type == onnx.TensorProto.FLOAT16
        users = [node for node in model.graph.node if stored.keys() & set(node.input)]
        assert Counter(node.input[0] for node in users) == Counter(stored.keys())
        for node in users:
            assert (node.op_type, node.attribute[0].i) == ("Cast", onnx.TensorProto.FLOAT)
        assert "float16" not in {value.dtype for value in (*graph.inputs, *graph.outputs)}


def test_pooling_and_preprocessing_are_the_networks(small_model: Callable[..., Path]) -> None:
    folder = open_folder(small_model(small_network("max", TORCHVISION)))
    assert folder.manifest.pooling == "max"
    assert folder.manifest.preprocessing == TORCHVISION
    operators = {node.op_type for node in nodes(folder)}
    assert "MaxPool" in operators
    assert "AveragePool" not in operators


def test_a_layer_set_of_ones_own_adds_its_graphs(folder: ModelFolder, tmp_path: Path) -> None:
    manifest = write_folder(tmp_path / "own", NETWORK, WEIGHTS, layers=EXTRA)
    own = open_folder(tmp_path / "own")
    assert own.manifest == manifest
    added = [replace(EXTRA, statistics=each) for each in get_args(Statistics)]
    added.append(replace(EXTRA, guided=True))
    found = [graph.layers for graph in manifest.gradients]
    assert Counter(found) == Counter([*EVERY, *added])
    assert own.gradient_graph(EXTRA).layers == EXTRA
    targets = {graph.layers for graph in manifest.targets}
    known = {graph.layers for graph in folder.manifest.targets}
    assert targets - known == {LayerSet(EXTRA.content), LayerSet(style=EXTRA.style)}


def test_a_layer_set_that_is_there_already_adds_nothing(tmp_path: Path) -> None:
    there = PAPER[0], PAPER[7], PAPER[-1]
    with only(*there):
        manifest = write_folder(tmp_path / "small", NETWORK, WEIGHTS)
        for layers in there:
            assert write_folder(tmp_path / "small", NETWORK, WEIGHTS, layers=layers) == manifest
    assert tuple(graph.layers for graph in manifest.gradients) == there


@pytest.mark.parametrize("layers", [LayerSet(("conv9_9",)), LayerSet(style=("conv1_1", "conv9_9"))])
def test_an_unknown_layer_is_an_error_and_nothing_is_written(
    tmp_path: Path, layers: LayerSet
) -> None:
    with pytest.raises(OptionError, match=r"no layer 'conv9_9'. Its layers: conv1_1, conv1_2"):
        write_quickly(tmp_path / "new", layers=layers)
    assert not names(tmp_path)


def test_names_of_files_are_short_however_many_layers_there_are(tmp_path: Path) -> None:
    many = tuple(layer.name for layer in NETWORK.layers[:8])
    manifest = write_quickly(tmp_path / "m", layers=LayerSet(many, many))
    assert open_folder(tmp_path / "m").gradient_graph(LayerSet(many, many)).layers.style == many
    assert max(len(file.file) for file in manifest.files) < 32


def test_a_layer_named_twice_is_exported_once(tmp_path: Path) -> None:
    layers = LayerSet(("conv3_2", "conv3_2"), ("conv1_1", "conv1_1"))
    manifest = write_quickly(tmp_path / "new", layers=layers)
    once = LayerSet(("conv3_2",), ("conv1_1",))
    assert manifest.gradients[-1].layers == replace(once, guided=True)


def test_a_folder_of_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("precious")
    with pytest.raises(ModelError, match=r"holds 'notes.txt', .* '.*vgg19'"):
        write_quickly(tmp_path)
    assert contents(tmp_path) == {"notes.txt": b"precious"}


def test_a_model_with_a_foreign_file_beside_it_is_not_replaced(existing: Path) -> None:
    (existing / "notes.txt").write_text("precious")
    before = contents(existing)
    with pytest.raises(ModelError, match=r"holds 'notes.txt'"):
        write_quickly(existing)
    assert contents(existing) == before


def test_what_file_managers_leave_is_no_hindrance(existing: Path) -> None:
    left = {".DS_Store", "._weights.safetensors", "Thumbs.db", ".directory"}
    left |= {"desktop.ini", "Desktop.ini"}
    for name in left:
        (existing / name).write_bytes(b"litter")
    write_quickly(existing)
    assert not left & names(existing)
    open_folder(existing)


@pytest.mark.parametrize("name", ["a\nb", "\x1b[2J", "\udcff"])
def test_a_name_that_no_manifest_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match="cannot be a model's name"):
        write_quickly(tmp_path / name)
    assert not names(tmp_path)


@pytest.mark.parametrize("name", ["my model", "模型\u30001", "é\u00a0è", "a.b-c"])
def test_other_names_are_a_models(tmp_path: Path, name: str) -> None:
    write_quickly(tmp_path / name)
    assert open_folder(tmp_path / name).manifest.name == name


def test_the_longest_name_is_a_name(tmp_path: Path) -> None:
    write_quickly(tmp_path / ("m" * 255))
    assert names(tmp_path) == {"m" * 255}


def test_a_folder_that_is_being_written_is_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even if the process is killed when it is complete, and leaves it there."""
    monkeypatch.setenv("STYLIZE_MODELS", str(tmp_path / "models"))
    seen = []

    def look(folder: Path, manifest: Manifest) -> None:
        assert (folder / "model.json").exists()
        seen.extend([*model_folders(), *foreign_folders()])

    write_quickly(tmp_path / "models" / "vgg19", check=look)
    assert seen == [embedded_folder()]
    assert next(model_folders()) == tmp_path / "models" / "vgg19"


def test_layers_in_another_order_are_the_same_set(tmp_path: Path) -> None:
    shuffled = LayerSet(("conv4_2",), ("conv2_1", "conv1_1"))
    manifest = write_folder(tmp_path / "m", NETWORK, WEIGHTS, layers=shuffled)
    assert len(manifest.gradients) == len(EVERY)


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("precious")
    with pytest.raises(ModelError, match="is a file"):
        write_quickly(tmp_path / "model")
    assert contents(tmp_path) == {"model": b"precious"}


def test_a_parent_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    with pytest.raises(ModelError, match="cannot be written"):
        write_quickly(tmp_path / "file" / "model")
    assert contents(tmp_path) == {"file": b"precious"}


def test_missing_parents_are_made_and_an_empty_folder_is_filled(tmp_path: Path) -> None:
    for path in tmp_path / "a" / "b" / "new", tmp_path / "empty":
        if path.name == "empty":
            path.mkdir()
        write_quickly(path)
        assert open_folder(path).manifest.name == path.name
        assert (names(tmp_path) | names(path.parent)) <= {"a", "new", "empty"}


def test_a_second_write_leaves_nothing_of_the_first(tmp_path: Path) -> None:
    path, other = tmp_path / "small", tmp_path / "other" / "small"
    write_quickly(path, half=True, layers=EXTRA)
    write_quickly(path)
    write_quickly(other)
    assert contents(path) == contents(other)
    assert names(tmp_path) == {"small", "other"}


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "There is no space"), KeyboardInterrupt()])
@pytest.mark.parametrize("there", [True, False])
def test_a_failure_in_the_middle_leaves_everything_as_it_was(
    existing: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    there: bool,
) -> None:
    path = existing
    if not there:
        shutil.rmtree(path)
    before = contents(path) if there else {}
    calls = []

    def fail(*_: Any) -> Never:
        calls.append(sorted(names(tmp_path)))
        raise error

    monkeypatch.setattr("stylize.export.writing.write.gradient_model", fail)
    with pytest.raises((ModelError, KeyboardInterrupt)) as caught:
        write_quickly(path, half=True)
    if isinstance(error, OSError):
        assert isinstance(caught.value, ModelError)
        assert f"'{path}' cannot be written: There is no space." in str(caught.value)
    else:
        assert caught.value is error
    (during,) = calls
    assert len(during) == 1 + there, "the new folder was not made beside the old one"
    assert names(tmp_path) == ({"model"} if there else set())
    assert not there or contents(path) == before


def test_an_error_of_the_check_is_passed_on(existing: Path) -> None:
    """It is not one of writing the folder: what the check prints may have no place to go."""
    before = contents(existing)
    full = OSError(errno.ENOSPC, "There is no space")

    def refuse(*_: object) -> Never:
        raise full

    with pytest.raises(OSError, match="There is no space") as caught:
        write_quickly(existing, half=True, check=refuse)
    assert caught.value is full
    assert names(existing.parent) == {"model"}
    assert contents(existing) == before


def test_what_half_cannot_hold_leaves_everything_as_it_was(existing: Path) -> None:
    before = contents(existing)
    arrays = {**WEIGHTS.arrays, "conv1_1.bias": np.full(4, 1e6, np.float32)}
    with pytest.raises(Exception, match=r"'conv1_1\.bias'"):
        write_quickly(existing, weights=dataclasses.replace(WEIGHTS, arrays=arrays), half=True)
    assert names(existing.parent) == {"model"}
    assert contents(existing) == before


def test_a_failure_of_the_last_step_restores_the_old_folder(
    existing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(existing)
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(ModelError, match="Permission denied"):
        write_quickly(existing, half=True)
    assert names(existing.parent) == {"model"}
    assert contents(existing) == before
