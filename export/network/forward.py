"""The forward graph: an RGB image through the network, every layer's response by its name."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import helper

from stylize.export.calculus.graph import Graph
from stylize.export.network.architecture import Convolution, Network, Pooling
from stylize.export.network.stored import StoredTensor
from stylize.models.layers import PoolingKind
from stylize.models.preprocessing import Preprocessing

Parameters = Mapping[str, StoredTensor]


def add_features(
    graph: Graph,
    network: Network,
    weights: Parameters,
    image: str,
    dtype: npt.DTypeLike | None = None,
) -> dict[str, str]:
    """Append all layers to the graph; those that no output needs are left out in the end.

    Parameters
    ----------
    graph : Graph
        Gains the nodes.
    network : Network
        The layers.
    weights : mapping of str to StoredTensor
        Their kernels and biases.
    image : str
        The value that holds the image.
    dtype : numpy dtype, optional
        Type of the responses and of all that is convolved; by default the graph's.

    Returns
    -------
    dict of str to str
        The value that holds each layer's response (after the ReLU, before a read-out), by the
        layer's name. A response has shape (1, channels, height // stride, width // stride).
    """
    value = add_preprocessing(graph, network.preprocessing, image)
    if dtype is not None:
        value = graph.cast(value, dtype)
    return add_layers(graph, network, network.layers, weights, value)


def add_layers(
    graph: Graph,
    network: Network,
    layers: Sequence[Convolution | Pooling],
    weights: Parameters,
    value: str,
) -> dict[str, str]:
    """Append some layers of a network, one on the other; return each one's response by its name."""
    features = {}
    for layer in layers:
        if isinstance(layer, Convolution):
            value = _add_convolution(graph, layer, weights, value)
        else:
            value = _add_pooling(graph, layer.name, network.pooling, value)
        features[layer.name] = value
    return features


def add_preprocessing(graph: Graph, preprocessing: Preprocessing, image: str) -> str:
    """Append (scale · pixel[order] - mean) / std, as one 1x1 convolution over the colours.

    It cannot be merged into the first layer, whose zero padding means the mean colour.
    """
    std = np.asarray(preprocessing.std)
    colours = np.eye(3)[["RGB".index(channel) for channel in preprocessing.channel_order]]
    kernel = preprocessing.scale * colours / std[:, None]
    return graph.add(
        "Conv",
        image,
        graph.constant(kernel[:, :, None, None]),
        graph.constant(-np.asarray(preprocessing.mean) / std),
        name="preprocessed",
        kernel_shape=[1, 1],
    )


def _add_pooling(graph: Graph, name: str, pooling: PoolingKind, value: str) -> str:
    window: dict[str, Any] = {"kernel_shape": [2, 2], "strides": [2, 2]}
    if pooling == "average":
        return graph.add("AveragePool", value, name=name, **window)
    dtype = graph.dtype_of(value)
    if dtype == graph.dtype:
        return graph.add("MaxPool", value, name=name, **window)
    # CUDA's kernel looks for maxima beyond x - 1, which from 2048 on is x in float16.
    wide = graph.cast(value, graph.dtype)
    return graph.cast(graph.add("MaxPool", wide, **window), dtype, name=name)


def _add_convolution(graph: Graph, layer: Convolution, weights: Parameters, value: str) -> str:
    dtype = graph.dtype_of(value)
    parameters = [add_parameter(graph, weights[name], dtype) for name in layer.shapes]
    convolved = graph.add(
        "Conv",
        value,
        *parameters,
        name=f"{layer.name}.sum",
        kernel_shape=[3, 3],
        pads=[1, 1, 1, 1],
    )
    return graph.add("Relu", convolved, name=f"{layer.name}.raw" if layer.readout else layer.name)


def add_parameter(graph: Graph, stored: StoredTensor, dtype: np.dtype[Any]) -> str:
    """Refer to a stored tensor of the network, converted if it is stored in another type."""
    name = graph.initializer(stored.as_external_data())
    if stored.onnx_type == helper.np_dtype_to_tensor_dtype(dtype):
        return name
    return graph.cast(name, dtype, name=f"{name}.cast")
