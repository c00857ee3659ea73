"""Graphs of products alone: the step's convolutions, which are its floor, and one large matrix.

Every 3x3 convolution of the step is in the floor: forward with its bias, and backward with the
kernel turned by 180 degrees. What lies between them is not: no ReLU, pooling, Gram matrix, loss or
sum.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from case import Array, Case, used_layers, used_weights

from stylize.export.calculus.graph import Graph
from stylize.models.folder import open_folder


def write_floor(case: Case, dtype: npt.DTypeLike) -> Path:
    """Write the convolutions for images of the case's size; return where."""
    folder = open_folder(case.model)
    image, _ = case.load()
    weights = {name: _tamed(array) for name, array in used_weights(folder).items()}
    convolutions = [layer for layer in used_layers(folder) if f"{layer.name}.weight" in weights]
    graph = Graph(dtype)
    for stride, block in groupby(convolutions, key=lambda layer: layer.stride):
        height, width = (side // stride for side in image.shape[2:])
        add_chain(graph, [layer.name for layer in block], weights, (height, width))
    return _saved(graph, "floor", case)


def write_matrix(case: Case, side: int, dtype: npt.DTypeLike) -> Path:
    """Write the product of two square matrices; return where."""
    graph = Graph(dtype)
    product = graph.add("MatMul", graph.input("a", (side, side)), graph.input("b", (side, side)))
    graph.output(product, product, (side, side))
    return _saved(graph, "matrix", case)


def add_chain(
    graph: Graph, names: Sequence[str], weights: Mapping[str, Array], size: tuple[int, int]
) -> None:
    """Append a block: its convolutions forwards, then backwards.

    The convolutions of one resolution follow each other, so that only the chain's two ends are
    converted between ONNX Runtime's blocked layout and the plain one.
    """
    kernels = {name: weights[f"{name}.weight"] for name in names}
    shape = (1, kernels[names[0]].shape[1], *size)
    value = graph.input(f"{names[0]}.input", shape)
    for name in names:
        value = _convolve(graph, name, value, kernels[name], weights[f"{name}.bias"])
    for name in reversed(names):
        turned = kernels[name].transpose(1, 0, 2, 3)[:, :, ::-1, ::-1]
        value = _convolve(graph, f"gradient.{name}", value, turned)
    graph.output(value, value, shape)


def _saved(graph: Graph, name: str, case: Case) -> Path:
    path = case.folder / f"{name}.onnx"
    onnx.save(graph.model(name), path)
    return path


def _tamed(array: Array) -> Array:
    """Return a kernel that keeps the magnitude of what it convolves, so that float16 can hold it.

    A device may be faster with infinities than with the numbers of a real step.
    """
    if array.ndim != 4:
        return array / max(1.0, float(np.abs(array).max()))
    return array * np.float32(np.sqrt(len(array)) / np.linalg.norm(array))


def _convolve(graph: Graph, name: str, value: str, *parameters: Array) -> str:
    constants = [graph.constant(array) for array in parameters]
    return graph.add("Conv", value, *constants, name=name, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
