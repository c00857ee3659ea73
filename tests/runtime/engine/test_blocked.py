"""The blocked graphs on ONNX Runtime's CPU provider: the plain ones' numbers, few reorders."""

from collections import Counter
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="exporting needs onnx")
pytest.importorskip("safetensors", reason="exporting needs safetensors")
onnxruntime = pytest.importorskip("onnxruntime", reason="runs the graphs")

from small import only, small_weights

from stylize.export.network.architecture import vgg19
from stylize.export.writing.write import write_folder
from stylize.models.catalog import embedded_folder
from stylize.models.folder import ModelFolder, open_folder
from stylize.models.layers import PoolingKind, paper_layer_sets
from stylize.runtime.engine.choice import find_provider
from stylize.runtime.engine.program import Program
from stylize.runtime.method.model import Model
from stylize.runtime.method.objective import Evaluation
from stylize.runtime.providers.table import Provider

FIGURE_2 = paper_layer_sets()[0]
PLAIN = replace(find_provider("cpu"), form="plain")
BLOCKED = replace(PLAIN, form="blocked")

Size = tuple[int, int]
EVEN, ODD = (64, 64), (63, 70)
"""Heights and widths; of the maps that are pooled, all are even or one side at least is odd."""

# Sums in another order, and kernels that are rounded once more, move a loss by up to 2e-6 and the
# gradient by 4e-6; a response near 0 that falls on the other side of its ReLU, by more.
LOSSES, GRADIENT = 1e-5, 1e-4


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModelFolder]:
    """The embedded model, and wider ones whose deep layers are computed on phases."""
    path = tmp_path_factory.mktemp("wide")
    return {
        "compact": open_folder(embedded_folder()),
        "wide": wide_folder(path / "average", "average"),
        "wide, max": wide_folder(path / "max", "max"),
    }


def wide_folder(path: Path, pooling: PoolingKind) -> ModelFolder:
    """Half of VGG-19's width: 256 channels from conv4_1 on. One has its weights in float16."""
    network = vgg19(pooling, width=Fraction(1, 2)).up_to("conv5_1")
    with only(FIGURE_2):  # for speed
        write_folder(path, network, small_weights(network), half=pooling == "average")
    return open_folder(path)


def evaluate(folder: ModelFolder, provider: Provider, size: Size) -> Evaluation:
    model = Model(folder, provider)
    photo, painting, image = np.random.default_rng(0).random((3, 1, 3, *size), np.float32)
    targets = model.targets(photo, replace(FIGURE_2, style=()))
    targets |= model.targets(painting, replace(FIGURE_2, content=()))
    content, style = dict.fromkeys(FIGURE_2.content, 1.0), dict.fromkeys(FIGURE_2.style, 1e3)
    return model.objective(size, targets, content, style)(image)


def named(found: Evaluation) -> dict[str, float]:
    return {**found.content_losses, **found.style_losses, "total": found.total}


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("compact", EVEN),
        ("compact", ODD),
        ("wide", EVEN),
        ("wide", ODD),
        ("wide", (17, 31)),
        ("wide, max", ODD),
    ],
    ids=str,
)
def test_both_forms_compute_the_same(
    folders: dict[str, ModelFolder], name: str, size: Size
) -> None:
    found, expected = (evaluate(folders[name], provider, size) for provider in (BLOCKED, PLAIN))
    losses, truth = named(found), named(expected)
    worst = max(abs(losses[layer] / truth[layer] - 1) for layer in truth)
    norm = np.linalg.norm(expected.gradient)
    gradient = np.linalg.norm(found.gradient - expected.gradient) / norm
    print(f"{name}, {size[1]}x{size[0]}: losses {worst:.1e}, gradient {gradient:.1e}")
    assert worst <= LOSSES
    assert gradient <= GRADIENT


@dataclass(frozen=True)
class Loaded:
    """What ONNX Runtime made of Figure 2's gradient graph, for images of one size."""

    graph: Any
    reordered: int
    """Numbers that are brought into the blocked layout, or out of it, in one run."""

    @property
    def operators(self) -> Counter[str]:
        return Counter(node.op_type for node in self.graph.node)

    @property
    def reorders(self) -> int:
        return self.operators["ReorderInput"] + self.operators["ReorderOutput"]


def load(folder: ModelFolder, provider: Provider, size: Size, saved: Path) -> Loaded:
    """Load the graph, and look at the copy that is saved once it is optimised."""

    class Saving(onnxruntime.SessionOptions):
        def __init__(self) -> None:
            super().__init__()
            self.optimized_model_filepath = str(saved)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnxruntime, "SessionOptions", Saving)
        graph = folder.gradient_graph(FIGURE_2)
        program = Program(folder, graph, folder.dimensions(size), provider)
    return Loaded(onnx.load(saved).graph, count_reordered(saved, program))


def count_reordered(saved: Path, program: Program) -> int:
    """Run the optimised graph, with what leaves each of its reorders as an output."""
    model = onnx.load(saved)
    names = [node.output[0] for node in model.graph.node if node.op_type.startswith("Reorder")]
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    counting = saved.with_suffix(".counting.onnx")
    onnx.save(model, counting)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(counting, options, providers=["CPUExecutionProvider"])
    used = {value.name for value in session.get_inputs()}
    feeds = {
        name: np.zeros(shape, np.float32)
        for name, shape in program.input_shapes.items()
        if name in used
    }
    return sum(value.size for value in session.run(None, feeds))


REORDERS = {
    ("compact", EVEN): (
        3  # the preprocessed image out, its gradient out, the image's gradient out
        + 5 * 2  # a style layer: out to its Gram matrix, and that one's gradient back
        + 2  # the content layer: out to be compared, and back
    ),
    ("compact", ODD): (
        15  # as even
        + 4 * 3  # a pooling: its gradient out to be padded, the mask out, their product back
    ),
    ("wide", EVEN): (
        3  # at the image, as above
        + 3 * 2  # a style layer that is whole
        + 2 * 8  # a style layer in phases, four each way
        + 9  # the content layer: the target in, its four differences out and back
        + 2  # the gradients of pool3 and pool4, put together from their phases
        # As what is put together has left the layout, and its product with 1/4 stays outside:
        + 2  # at pool3: the mask out, their product back
        + 8  # at pool4: the same in phases
        + 12  # and half of the sums and differences of the convolution behind it
    ),
    ("wide", ODD): (
        58  # as even
        + 2 * 3  # pool1 and pool2, as above; what is outside already needs nothing to be padded
        + 2  # pool4's average: out to be cropped, and back
    ),
}
"""How many there are; fewer are welcome."""

REORDERED = {EVEN: 0.5, ODD: 0.8}
"""Numbers that are reordered, at most, as a share of the plain graph's: padding needs reorders."""

ADDS = {
    ("compact", EVEN): 10,  # five losses more than one; five Gram gradients with their transposes
    ("compact", ODD): 10,
    # The same; 3 for the content loss of four phases; 16 in each convolution on phases; 4 more
    # because the maps behind pool4 have left the layout.
    ("wide", EVEN): 10 + 3 + 10 * 16 + 4,
    # In conv4_1 to conv4_4 what shuts the three phases off is the same, and computed once: a
    # convolution with several uses, into none of which the sum fuses.
    ("wide", ODD): 177 + 4 * 3,
}
"""Sums that are not part of a convolution."""


@pytest.mark.skipif(
    find_provider("cpu").form != "blocked",
    reason="ONNX Runtime has no blocked layout on this machine",
)
@pytest.mark.parametrize(("name", "size"), REORDERS, ids=str)
def test_the_maps_stay_in_the_blocked_layout(
    folders: dict[str, ModelFolder], tmp_path: Path, name: str, size: Size
) -> None:
    blocked, plain = (
        load(folders[name], provider, size, tmp_path / f"{provider.form}.onnx")
        for provider in (BLOCKED, PLAIN)
    )
    print(f"{name}, {size[1]}x{size[0]}: {blocked.reorders} and {plain.reorders} reorders")
    print(f"of {blocked.reordered} and {plain.reordered} numbers: {dict(blocked.operators)}")
    assert 0 < blocked.reorders <= REORDERS[name, size]
    # Not the count: one map in phases is four reorders, each of a quarter.
    assert blocked.reordered <= REORDERED[size] * plain.reordered
    # These are parts of convolutions now.
    assert not blocked.operators.keys() & {"Relu", "Clip"}
    assert blocked.operators["Add"] <= ADDS[name, size]
    # Only the gradients of pool3 and pool4 are put together from their phases.
    assert blocked.operators["DepthToSpace"] == (2 if name == "wide" else 0)
    # Decided when the graph is loaded; what odd sizes need is left out for even ones.
    assert "If" not in blocked.operators
    if size == EVEN:
        assert "Pad" not in blocked.operators
        # One for each Gram matrix, which is cut out of its target.
        assert blocked.operators["Slice"] == 5
    # What can be computed on loading is, and would be kept.
    kernels = [tensor.dims for tensor in blocked.graph.initializer if len(tensor.dims) > 2]
    assert max(max(dims[2:]) for dims in kernels) == 3, "a constant of the size of a map"
