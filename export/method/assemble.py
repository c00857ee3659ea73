"""The graphs of a model folder, each assembled from features, losses and their gradient.

All take ``image``, RGB in 0...1, shape (1, 3, height, width). `models/README.md` documents inputs
and outputs for those who drive a folder from another language.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx

from stylize.export.calculus.autodiff import differentiate
from stylize.export.calculus.graph import Dimensions, Graph
from stylize.export.calculus.terms import Term
from stylize.export.method.half import content_slope, gradient_scale, read_back, style_slope
from stylize.export.method.losses import add_content_loss, add_gram, add_style_loss, weights_of
from stylize.export.network.architecture import Network
from stylize.export.network.forward import Parameters, add_features
from stylize.export.network.readout import read_gram, read_response
from stylize.models.layers import LayerSet

IMAGE_SHAPE: Dimensions = (1, 3, "height", "width")


def features_model(
    network: Network, weights: Parameters, dtype: npt.DTypeLike = np.float32
) -> onnx.ModelProto:
    """Image to every layer's response, ``conv1_1`` ..., and Gram matrix, ``gram.conv1_1`` ..."""
    image = _Image(network, weights, dtype)
    for layer in image.features:
        image.graph.output(layer, image.response(layer), image.response_shape(layer))
        image.graph.output(f"gram.{layer}", image.gram(layer), image.gram_shape(layer))
    return image.graph.model("features")


def targets_model(
    network: Network, weights: Parameters, layers: LayerSet, dtype: npt.DTypeLike = np.float32
) -> onnx.ModelProto:
    """Image to what `gradient_model` takes: ``content_target.L`` and ``style_target.L``."""
    image = _Image(network, weights, dtype)
    for layer in layers.content:
        name, shape = f"content_target.{layer}", image.response_shape(layer)
        image.graph.output(name, image.response(layer), shape)
    for layer in layers.style:
        image.graph.output(f"style_target.{layer}", image.gram(layer), image.gram_shape(layer))
    return image.graph.model("targets")


def gradient_model(
    network: Network,
    weights: Parameters,
    layers: LayerSet,
    dtype: npt.DTypeLike = np.float32,
    convolved: npt.DTypeLike | None = None,
) -> onnx.ModelProto:
    """Image, targets and weights to each loss, the total (eq. 7) and its gradient by the image.

    With `convolved`, responses and their gradients are of that type. Gram matrices and losses
    remain `dtype`, since float16 could not hold their sums.
    """
    image = _Image(network, weights, dtype, convolved)
    graph = image.graph
    if convolved is not None:
        for layer in dict.fromkeys(layers.content + layers.style):  # each is cast once
            image.features[layer] = graph.cast(image.features[layer], dtype)
    content = [_content_loss(image, layer) for layer in layers.content]
    style = [_style_loss(image, layer) for layer in layers.style]
    factors = [
        *weights_of(graph, "content", [loss.value for loss in content]),
        *weights_of(graph, "style", [loss.value for loss in style]),
    ]
    weighted = list(zip(factors, content + style, strict=True))
    total = graph.sum([graph.add("Mul", weight, loss.value) for weight, loss in weighted])
    if convolved is not None:
        slopes = [loss.slope(Term(graph, weight)) for weight, loss in weighted]
        graph.gradient_scale = gradient_scale(slopes).name
    graph.output("total", total, ())
    graph.output("gradient", differentiate(graph, total, image.name), IMAGE_SHAPE)
    return graph.model("gradient")


class _Image:
    """A graph's image, and the network's responses to it and their Gram matrices."""

    def __init__(
        self,
        network: Network,
        weights: Parameters,
        dtype: npt.DTypeLike,
        convolved: npt.DTypeLike | None = None,
    ) -> None:
        self.graph = Graph(dtype)
        self.network = network
        self.weights = weights
        self.name = self.graph.input("image", IMAGE_SHAPE)
        self.features = add_features(self.graph, network, weights, self.name, convolved)

    def response(self, layer: str) -> str:
        """Return F of a layer, read out if it represents another."""
        feature, readout = self.features[layer], self.network.layer(layer).readout
        if readout is None:
            return feature
        return read_response(self.graph, self.weights, readout, feature)

    def gram(self, layer: str) -> str:
        """Return G/M of a layer, read out if it represents another."""
        definition = self.network.layer(layer)
        gram = add_gram(self.graph, self.features[layer], definition.channels)
        if definition.readout is None:
            return gram
        return read_gram(self.graph, self.weights, definition.readout, gram)

    def response_shape(self, layer: str) -> Dimensions:
        return (1, self.network.layer(layer).channels, f"{layer}_height", f"{layer}_width")

    def gram_shape(self, layer: str) -> Dimensions:
        channels = self.network.layer(layer).channels
        return (channels, channels)


@dataclass(frozen=True)
class _Loss:
    value: str
    slope: Callable[[Term], Term]
    """How large a gradient the loss sends into the network, as a function of its weight."""


def _content_loss(image: _Image, layer: str) -> _Loss:
    graph, scale = image.graph, image.network.preprocessing.feature_scale
    target = graph.input(f"content_target.{layer}", image.response_shape(layer))
    response = image.response(layer)
    loss = add_content_loss(graph, response, target, scale)

    def slope(weight: Term) -> Term:
        entering = content_slope(weight, Term(graph, loss), Term(graph, response), scale)
        return read_back(entering, image.weights, image.network.layer(layer).readout)

    return _Loss(loss, slope)


def _style_loss(image: _Image, layer: str) -> _Loss:
    graph, scale = image.graph, image.network.preprocessing.feature_scale
    definition = image.network.layer(layer)
    gram = image.gram(layer)
    target = graph.input(f"style_target.{layer}", image.gram_shape(layer))
    loss = add_style_loss(graph, gram, target, definition.represented_channels, scale)

    def slope(weight: Term) -> Term:
        value, response, matrix = (
            Term(graph, name) for name in (loss, image.features[layer], gram)
        )
        entering = style_slope(weight, value, response, matrix, scale)
        return read_back(entering, image.weights, definition.readout)

    return _Loss(loss, slope)
