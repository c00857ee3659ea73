"""Graphs in float64, and an optimiser's graph that is run step by step."""

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from stylize.runtime.method.descent import INITIAL, NEXT

Array = npt.NDArray[np.float64]

FREE = {"least": -np.inf, "most": np.inf}


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """Load a graph in float64; ONNX Runtime has no such convolutions, so they become sums."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(_with_sums(model).SerializeToString(), options)


def run(loaded: onnxruntime.InferenceSession, given: dict[str, Any]) -> dict[str, Array]:
    """Run a graph on those of the values that it takes; return its outputs by name."""
    inputs = {value.name: np.asarray(given[value.name]) for value in loaded.get_inputs()}
    names = [value.name for value in loaded.get_outputs()]
    return dict(zip(names, loaded.run(names, inputs), strict=True))


def _with_sums(model: onnx.ModelProto) -> onnx.ModelProto:
    """Write 3 x 3 convolutions of each channel by itself as sums of shifted images."""
    nodes = list(model.graph.node)
    del model.graph.node[:]
    for node in nodes:
        model.graph.node.extend(_shifted(model.graph, node) if node.op_type == "Conv" else [node])
    return model


def _shifted(graph: onnx.GraphProto, conv: onnx.NodeProto) -> list[onnx.NodeProto]:
    given = {item.name: helper.get_attribute_value(item) for item in conv.attribute}
    far = given["dilations"][0]
    assert (given["group"], given["pads"]) == (3, [far] * 4)
    nodes: list[onnx.NodeProto] = []

    def add(op: str, *inputs: str | list[int], **attributes: object) -> str:
        name = f"{conv.output[0]}/{len(nodes)}"
        names = []
        for place, value in enumerate(inputs):
            names.append(value if isinstance(value, str) else f"{name}/{place}")
            if not isinstance(value, str):
                numbers = numpy_helper.from_array(np.array(value), names[-1])
                graph.initializer.append(numbers)
        nodes.append(helper.make_node(op, names, [name], **attributes))
        return name

    padded = add("Pad", conv.input[0], [0, 0, far, far, 0, 0, far, far])
    kernel = add("Transpose", conv.input[1], perm=[1, 0, 2, 3])
    terms = []
    for i, j in itertools.product(range(3), repeat=2):
        end = [(place - 2) * far or 2**31 for place in (i, j)]
        shifted = add("Slice", padded, [i * far, j * far], end, [2, 3])
        weight = add("Slice", kernel, [i, j], [i + 1, j + 1], [2, 3])
        terms.append(add("Mul", shifted, weight))
    return [*nodes, helper.make_node("Sum", terms, conv.output)]


class Steps:
    """A graph that is run in float64, and what it remembers."""

    def __init__(
        self, model: onnx.ModelProto, image: Array, history: int = 1, **given: float
    ) -> None:
        places = history + 1
        dimensions = {"height": image.shape[2], "width": image.shape[3]}
        dimensions |= {"places": places, "rows": 2 * places}
        self.session = session(model)
        self.state = {
            value.name: np.full(
                [dimensions.get(size, size) for size in value.shape],
                {**INITIAL, **FREE, **given}.get(value.name, 0.0),
            )
            for value in self.session.get_inputs()
        }
        self.state["image"] = image

    def step(self, total: float, gradient: Array) -> Array:
        """Return how far the image moves."""
        before = self.state["image"]
        self.state |= {"total": np.array(total), "gradient": gradient}
        outputs = run(self.session, self.state)
        self.state |= {
            name.removeprefix(NEXT): value for name, value in outputs.items() if NEXT in name
        }
        self.flags = {name: bool(outputs[name]) for name in ("restarted", "failed")}
        return self.state["image"] - before
