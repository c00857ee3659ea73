"""The check of a written folder passes where it should, and fails where a graph is wrong."""

import dataclasses
import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="exporting needs onnx")
pytest.importorskip("safetensors", reason="exporting needs safetensors")

from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator
from small import only, small_network, small_weights

from stylize.export.lowering.blocked import lower
from stylize.export.lowering.phases import HUGE
from stylize.export.network.architecture import Network
from stylize.export.writing.verify import TOLERANCES, Check, verify_folder
from stylize.export.writing.write import write_folder
from stylize.models.layers import PoolingKind, paper_layer_sets
from stylize.models.manifest import GraphFile, Manifest, OtherForm, read_manifest
from stylize.models.preprocessing import CAFFE, TORCHVISION, Preprocessing

Tamper = Callable[[Any], None]

WITH_TORCH = [
    "features, 32x32, torch",
    "targets, 32x32, torch",
    "losses, 32x32, torch",
    "gradient, 32x32, torch",
    "gradient, 32x32, finite differences",
    "features, 51x45, torch",
    "targets, 51x45, torch",
    "losses, 51x45, torch",
    "gradient, 51x45, torch",
    "gradient, 51x45, finite differences",
]
WITHOUT_TORCH = [
    f"gradient, {size}, {peer}"
    for size in ("32x32", "51x45")
    for peer in ("plain graphs", "finite differences")
]


@dataclasses.dataclass
class Written:
    """A small network's folder, of whose gradient graphs only a few are looked at, for speed."""

    path: Path
    network: Network
    manifest: Manifest

    def few(self, *graphs: GraphFile) -> "Written":
        """Leave only some gradient graphs; without any named, Figure 2's."""
        gradients = graphs or self.manifest.gradients[:1]
        return dataclasses.replace(
            self, manifest=dataclasses.replace(self.manifest, gradients=gradients)
        )

    def tamper(self, graph: GraphFile | OtherForm | None, tamper: Tamper) -> None:
        assert graph, "there is no such graph"
        model = onnx.load(self.path / graph.file, load_external_data=False)
        before = model.SerializeToString()
        tamper(model)
        assert model.SerializeToString() != before, "nothing was tampered with"
        onnx.save(model, self.path / graph.file)

    def checks(self) -> list[Check]:
        return list(verify_folder(self.path, self.network, self.manifest))

    def failed(self) -> set[str]:
        return {check.subject for check in self.checks() if not check.passed}


Write = Callable[..., Written]


@pytest.fixture
def written(small_model: Callable[..., Path], tmp_path: Path) -> Write:
    """Give a small network's folder that a test may tamper with."""

    def copy(
        pooling: PoolingKind = "average", preprocessing: Preprocessing = CAFFE, half: bool = False
    ) -> Written:
        network = small_network(pooling, preprocessing)
        path = Path(shutil.copytree(small_model(network, half), tmp_path / "model"))
        return Written(path, network, read_manifest(path))

    return copy


class Remembering:
    """Evaluates a graph of the same arrays once for all: each test tampers with one of many."""

    def __init__(self, found: dict[bytes, list[Any]], model: Any, **given: Any) -> None:
        self.found, self.model, self.given = found, model, given
        self.output_names = [value.name for value in model.graph.output]

    def run(self, outputs: None, feeds: Mapping[str, Any]) -> list[Any]:
        key = sha256(self.model.SerializeToString(deterministic=True))
        for name, array in sorted(feeds.items()):
            key.update(f"{name} {array.shape} {array.dtype}".encode() + array.tobytes())
        if key.digest() not in self.found:
            evaluator = ReferenceEvaluator(self.model, **self.given)
            self.found[key.digest()] = evaluator.run(outputs, dict(feeds))
        return self.found[key.digest()]


@pytest.fixture(scope="module", autouse=True)
def remembering() -> Iterator[None]:
    """Let what the checks evaluate be evaluated once for all tests of this module."""
    with pytest.MonkeyPatch.context() as patch:
        evaluator = partial(Remembering, {})
        patch.setattr("stylize.export.writing.verify.ReferenceEvaluator", evaluator)
        yield


@pytest.fixture
def average(written: Write) -> Written:
    return written()


@pytest.fixture
def torch_there() -> None:
    pytest.importorskip("torch", reason="compares with torch")


@pytest.fixture
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let torch look as if it were not installed."""
    monkeypatch.setattr("stylize.export.network.torch_peer.available", lambda: False)


def change_constant(old: float, new: float) -> Tamper:
    """Change the one scalar constant of a value."""

    def tamper(model: Any) -> None:
        (tensor,) = [
            tensor
            for tensor in model.graph.initializer
            if tensor.data_type == onnx.TensorProto.FLOAT
            and not tensor.dims
            and numpy_helper.to_array(tensor) == np.float32(old)
        ]
        tensor.CopyFrom(numpy_helper.from_array(np.array(new, np.float32), tensor.name))

    return tamper


def add_to_mean(model: Any) -> None:
    """Move the mean that the preprocessing subtracts by half a grey level in one channel."""
    (node,) = [node for node in model.graph.node if node.output[0] == "preprocessed"]
    (tensor,) = [tensor for tensor in model.graph.initializer if tensor.name == node.input[2]]
    mean = numpy_helper.to_array(tensor) + np.array([0, 0.5, 0], np.float32)
    tensor.CopyFrom(numpy_helper.from_array(mean, tensor.name))


def change_bound(model: Any) -> None:
    """Lower the upper bound of the ReLUs' masks."""
    names = {node.input[2] for node in model.graph.node if node.op_type == "Clip"}
    scale_filled(1, 0.98, names)(model)


def scale_filled(value: float, factor: float, names: set[str] | None = None) -> Tamper:
    """Multiply the constants that hold nothing but `value`, of whatever shape."""

    def tamper(model: Any) -> None:
        for tensor in model.graph.initializer:
            if tensor.external_data or (names and tensor.name not in names):
                continue
            array = numpy_helper.to_array(tensor)
            if array.dtype == np.float32 and (array == np.float32(value)).all():
                scaled = (factor * array).astype(np.float32)
                tensor.CopyFrom(numpy_helper.from_array(scaled, tensor.name))

    return tamper


def open_outside(model: Any) -> None:
    """Let what lies outside a map of odd height or width not be shut off."""
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor) if tensor.raw_data else np.zeros(0, np.float32)
        if (array == np.float32(-HUGE)).any():
            zeros = np.zeros(array.shape, np.float32)
            tensor.CopyFrom(numpy_helper.from_array(zeros, tensor.name))


def skip_last(operator: str, kept: int = 0) -> Tamper:
    """Take the last operator of a kind out; what used its output uses one of its inputs."""

    def tamper(model: Any) -> None:
        node = [node for node in model.graph.node if node.op_type == operator][-1]
        for user in model.graph.node:
            for index, value in enumerate(user.input):
                if value == node.output[0]:
                    user.input[index] = node.input[kept]
        model.graph.node.remove(node)

    return tamper


@pytest.mark.usefixtures("torch_there")
@pytest.mark.parametrize(
    ("pooling", "preprocessing", "half"),
    [
        ("average", CAFFE, False),
        ("average", TORCHVISION, True),
        ("max", CAFFE, True),
        ("max", TORCHVISION, False),
    ],
    ids=["average-caffe-float32", "average-torchvision-half", "max-caffe-half", "max-torchvision"],
)
def test_what_is_written_passes(
    written: Write, pooling: PoolingKind, preprocessing: Preprocessing, half: bool
) -> None:
    folder = written(pooling, preprocessing, half)
    graphs = folder.manifest.gradients
    checks = folder.few(graphs[0], graphs[5], graphs[-1]).checks()
    assert [check.subject for check in checks] == WITH_TORCH
    for check in checks:
        assert check.passed, check
        assert 0 <= check.difference <= check.tolerance
        kind = check.subject.partition(",")[0]
        key = "finite differences" if "finite" in check.subject else kind
        assert check.tolerance == TOLERANCES[key] <= 1e-3


@pytest.mark.parametrize("pooling", ["average", "max"])
@pytest.mark.usefixtures("no_torch")
def test_what_is_written_passes_without_torch(written: Write, pooling: PoolingKind) -> None:
    checks = written(pooling).checks()
    assert [check.subject for check in checks] == WITHOUT_TORCH
    assert all(check.passed for check in checks)


GRADIENT_TAMPERS: dict[str, tuple[PoolingKind, Tamper]] = {
    "the average's share": ("average", change_constant(0.25, 0.26)),
    "a kernel that is not turned": ("average", skip_last("Slice")),
    "no mask of the ReLU": ("max", skip_last("Where", 1)),
    "more than twice the difference": ("average", change_constant(2, 2.01)),
    "not a number": ("max", change_constant(2, np.nan)),
}
"""Errors of the backward half of a graph; the losses stay right."""


@pytest.mark.usefixtures("torch_there")
@pytest.mark.parametrize("name", GRADIENT_TAMPERS)
def test_a_wrong_gradient_is_found(written: Write, name: str) -> None:
    pooling, tamper = GRADIENT_TAMPERS[name]
    folder = written(pooling).few()
    folder.tamper(folder.manifest.gradients[0], tamper)
    assert folder.failed() == {subject for subject in WITH_TORCH if subject[:4] == "grad"}


@pytest.mark.usefixtures("no_torch")
@pytest.mark.parametrize("name", GRADIENT_TAMPERS)
def test_finite_differences_alone_find_a_wrong_gradient(written: Write, name: str) -> None:
    pooling, tamper = GRADIENT_TAMPERS[name]
    folder = written(pooling).few()
    folder.tamper(folder.manifest.gradients[0], tamper)
    assert folder.failed() == set(WITHOUT_TORCH)


@pytest.mark.usefixtures("torch_there")
@pytest.mark.parametrize("value", [2.01, np.nan])
@pytest.mark.parametrize("place", [1, 15])
def test_a_wrong_gradient_of_any_graph_is_found(average: Written, place: int, value: float) -> None:
    graph = average.manifest.gradients[place]
    average.tamper(graph, change_constant(2, value))
    folder = average.few(average.manifest.gradients[0], graph)
    assert folder.failed() == {"gradient, 32x32, torch"}


BLOCKED_TAMPERS: dict[str, tuple[int, Tamper, set[str]]] = {
    "a mask that is not 1": (
        8,
        change_bound,
        {"gradient, 32x32, torch", "gradient, 51x45, torch"},
    ),
    "the average's share": (
        256,
        scale_filled(1 / 4, 1.02),
        {"gradient, 32x32, torch", "gradient, 51x45, torch"},
    ),
    "what lies outside": (
        8,
        open_outside,
        {"losses, 51x45, torch", "gradient, 51x45, torch"},
    ),
}
"""By name: from how many channels on the graph is on phases, the error, what must not pass."""


@pytest.mark.usefixtures("torch_there")
@pytest.mark.parametrize("name", BLOCKED_TAMPERS)
def test_an_error_of_a_blocked_graph_alone_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    fewest_channels, tamper, failing = BLOCKED_TAMPERS[name]
    rewrite = partial(lower, fewest_channels=fewest_channels)
    monkeypatch.setattr("stylize.export.writing.write.lower", rewrite)
    network, path = small_network(), tmp_path / "model"
    with only(paper_layer_sets()[0]):  # for speed
        folder = Written(path, network, write_folder(path, network, small_weights(network)))
    folder.tamper(folder.manifest.gradients[0].blocked, tamper)
    assert folder.failed() == failing


@pytest.mark.usefixtures("torch_there")
def test_an_error_of_any_blocked_graph_is_found(average: Written) -> None:
    graph = average.manifest.gradients[15]
    average.tamper(graph.blocked, change_constant(2, 2.01))
    folder = average.few(average.manifest.gradients[0], graph)
    assert folder.failed() == {"gradient, 32x32, torch"}


FACTORS = {"content": 0.5, "conv1_1": 1 / (4 * 4**2), "conv4_1, conv5_1": 1 / (4 * 32**2)}


@pytest.mark.usefixtures("torch_there")
@pytest.mark.parametrize("name", FACTORS)
def test_a_wrong_loss_is_found_however_small_beside_the_others(average: Written, name: str) -> None:
    """The factor of one loss is wrong by 2 %, and so is its part of the gradient."""
    graph = average.manifest.gradients[0]
    average.tamper(graph, change_constant(FACTORS[name], 1.02 * FACTORS[name]))
    assert average.few().failed() == {
        f"{output}, {size}, torch"
        for output in ("losses", "gradient")
        for size in ("32x32", "51x45")
    }


@pytest.mark.usefixtures("torch_there")
def test_a_wrong_mean_in_the_features_is_found(average: Written) -> None:
    average.tamper(average.manifest.features, add_to_mean)
    assert average.few().failed() == {"features, 32x32, torch", "features, 51x45, torch"}


@pytest.mark.usefixtures("torch_there")
def test_a_wrong_mean_in_the_targets_is_found(average: Written) -> None:
    for graph in average.manifest.targets:
        average.tamper(graph, add_to_mean)
    assert average.few().failed() == {"targets, 32x32, torch", "targets, 51x45, torch"}


@pytest.mark.usefixtures("torch_there")
def test_a_wrong_mean_in_a_gradient_is_found(average: Written) -> None:
    average.tamper(average.manifest.gradients[0], add_to_mean)
    assert average.few().failed() == {
        f"{output}, {size}, torch"
        for output in ("losses", "gradient")
        for size in ("32x32", "51x45")
    }


@pytest.mark.usefixtures("torch_there")
def test_a_feature_that_is_not_a_number_is_found(average: Written) -> None:
    def poison(model: Any) -> None:
        """Let the last output, the Gram matrix of pool5, become NaN."""
        nan = numpy_helper.from_array(np.array(np.nan, np.float32), "nan")
        model.graph.initializer.append(nan)
        last = model.graph.node[-1]
        assert last.output[0] == "gram.pool5"
        value = last.input[0]
        last.CopyFrom(onnx.helper.make_node("Mul", [value, "nan"], ["gram.pool5"]))

    average.tamper(average.manifest.features, poison)
    assert average.few().failed() == {"features, 32x32, torch", "features, 51x45, torch"}


@pytest.mark.usefixtures("torch_there")
@pytest.mark.parametrize("other", [small_network("max"), small_network(preprocessing=TORCHVISION)])
def test_a_folder_of_another_network_is_found(average: Written, other: Network) -> None:
    folder = dataclasses.replace(average.few(), network=other)
    assert folder.failed() == {subject for subject in WITH_TORCH if subject.endswith("torch")}


@pytest.mark.parametrize(
    ("difference", "passed"), [(0.0, True), (1e-6, True), (1.1e-6, False), (np.nan, False)]
)
def test_a_check_passes_up_to_its_tolerance(difference: float, passed: bool) -> None:
    assert Check("subject", difference, 1e-6).passed is passed
