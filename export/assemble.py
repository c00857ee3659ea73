"""The graphs of a model folder, each assembled from features, losses and their gradient.

All take ``image``, RGB in 0...1, shape (1, 3, height, width). `models/README.md` documents inputs
and outputs for those who drive a folder from another language.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx

from stylize.export.autodiff import differentiate
from stylize.export.forward import add_features
from stylize.export.graph import Dimensions, Graph
from stylize.export.half import content_slope, gradient_scale, style_slope
from stylize.export.losses import add_content_loss, add_gram, add_style_loss
from stylize.export.network import Network
from stylize.export.stored import StoredTensor
from stylize.export.terms import Term
from stylize.models.layers import LayerSet

Weights = Mapping[str, StoredTensor]
IMAGE_SHAPE: Dimensions = (1, 3, "height", "width")


def features_model(
    network: Network, weights: Weights, dtype: npt.DTypeLike = np.float32
) -> onnx.ModelProto:
    """Image to every layer's response, ``conv1_1`` ..., and Gram matrix, ``gram.conv1_1`` ..."""
    graph, _, features = _start(network, weights, dtype)
    for layer, feature in features.items():
        graph.output(layer, feature, _feature_shape(network, layer))
        graph.output(f"gram.{layer}", *_gram(graph, network, layer, feature))
    return graph.model("features")


def targets_model(
    network: Network, weights: Weights, layers: LayerSet, dtype: npt.DTypeLike = np.float32
) -> onnx.ModelProto:
    """Image to what `gradient_model` takes: ``content_target.L`` and ``style_target.L``."""
    graph, _, features = _start(network, weights, dtype)
    for layer in layers.content:
        graph.output(f"content_target.{layer}", features[layer], _feature_shape(network, layer))
    for layer in layers.style:
        graph.output(f"style_target.{layer}", *_gram(graph, network, layer, features[layer]))
    return graph.model("targets")


def gradient_model(
    network: Network,
    weights: Weights,
    layers: LayerSet,
    dtype: npt.DTypeLike = np.float32,
    convolved: npt.DTypeLike | None = None,
) -> onnx.ModelProto:
    """Image, targets and weights to each loss, the total (eq. 7) and its gradient by the image.

    With `convolved`, responses and their gradients are of that type, all else remains `dtype`:
    Gram matrices and losses, whose sums float16 could not hold.
    """
    graph, image, features = _start(network, weights, dtype, convolved)
    if convolved is not None:
        used = layers.content + layers.style
        features |= {layer: graph.cast(features[layer], dtype) for layer in used}
    content = [_content_loss(graph, network, layer, features[layer]) for layer in layers.content]
    style = [_style_loss(graph, network, layer, features[layer]) for layer in layers.style]
    weights_of = _weights(graph, "content", content), _weights(graph, "style", style)
    weighted = list(zip((*weights_of[0], *weights_of[1]), content + style, strict=True))
    total = graph.sum([graph.add("Mul", weight, loss.value) for weight, loss in weighted])
    if convolved is not None:
        slopes = [loss.slope(Term(graph, weight)) for weight, loss in weighted]
        graph.gradient_scale = gradient_scale(slopes).name
    graph.output("total", total, ())
    graph.output("gradient", differentiate(graph, total, image), IMAGE_SHAPE)
    return graph.model("gradient")


def _start(
    network: Network,
    weights: Weights,
    dtype: npt.DTypeLike,
    convolved: npt.DTypeLike | None = None,
) -> tuple[Graph, str, dict[str, str]]:
    graph = Graph(dtype)
    image = graph.input("image", IMAGE_SHAPE)
    return graph, image, add_features(graph, network, weights, image, convolved)


@dataclass(frozen=True)
class _Loss:
    value: str
    slope: Callable[[Term], Term]
    """Of its weight: how large the gradient is that it sends into the network."""


def _content_loss(graph: Graph, network: Network, layer: str, feature: str) -> _Loss:
    target = graph.input(f"content_target.{layer}", _feature_shape(network, layer))
    scale = network.preprocessing.feature_scale
    loss = add_content_loss(graph, feature, target, scale)

    def slope(weight: Term) -> Term:
        return content_slope(weight, Term(graph, loss), Term(graph, feature), scale)

    return _Loss(loss, slope)


def _style_loss(graph: Graph, network: Network, layer: str, feature: str) -> _Loss:
    gram, shape = _gram(graph, network, layer, feature)
    target = graph.input(f"style_target.{layer}", shape)
    scale = network.preprocessing.feature_scale
    loss = add_style_loss(graph, gram, target, shape[0], scale)

    def slope(weight: Term) -> Term:
        value, response, matrix = (Term(graph, name) for name in (loss, feature, gram))
        return style_slope(weight, value, response, matrix, scale)

    return _Loss(loss, slope)


def _weights(graph: Graph, kind: str, losses: Sequence[_Loss]) -> list[str]:
    """Declare ``{kind}_weights`` and ``{kind}_losses``; return each weight."""
    if not losses:
        return []
    weights = graph.input(f"{kind}_weights", (len(losses),))
    rows = [graph.add("Unsqueeze", loss.value, graph.integers(0)) for loss in losses]
    graph.output(f"{kind}_losses", graph.add("Concat", *rows, axis=0), (len(losses),))
    indices = [graph.constant(index, np.int64) for index in range(len(losses))]
    return [graph.add("Gather", weights, index) for index in indices]


def _gram(graph: Graph, network: Network, layer: str, feature: str) -> tuple[str, tuple[int, int]]:
    channels = network.layer(layer).channels
    return add_gram(graph, feature, channels), (channels, channels)


def _feature_shape(network: Network, layer: str) -> Dimensions:
    return (1, network.layer(layer).channels, f"{layer}_height", f"{layer}_width")
