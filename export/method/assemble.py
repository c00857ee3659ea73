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
from stylize.export.method.guided import add_guided_sums, guidance_of, guided_loss, guided_weights
from stylize.export.method.half import (
    SLOPES,
    content_slope,
    gradient_scale,
    guided_slope,
    read_back,
)
from stylize.export.method.losses import add_content_loss, weights_of
from stylize.export.method.moments import Moments, add_moments, target_shape, total
from stylize.export.method.statistics import LOSSES, style_layer
from stylize.export.network.architecture import Network
from stylize.export.network.forward import Parameters, add_features
from stylize.export.network.readout import read_response
from stylize.models.interface import REGIONS
from stylize.models.layers import LayerSet, Statistics

IMAGE_SHAPE: Dimensions = (1, 3, "height", "width")


def features_model(
    network: Network, weights: Parameters, dtype: npt.DTypeLike = np.float32
) -> onnx.ModelProto:
    """Image to every layer's response, ``conv1_1`` ..., and Gram matrix, ``gram.conv1_1`` ..."""
    image = _Image(network, weights, dtype)
    for layer in image.features:
        image.graph.output(layer, image.response(layer), image.response_shape(layer))
        gram = image.moments(layer).gram
        image.graph.output(f"gram.{layer}", gram.name, (image.channels(layer),) * 2)
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
        matrix, shape = image.moments(layer).matrix(), target_shape(image.channels(layer))
        image.graph.output(f"style_target.{layer}", matrix.name, shape)
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
    if layers.guided:
        style = [_guided_loss(image, layer) for layer in layers.style]
    else:
        style = [_style_loss(image, layer, layers.statistics) for layer in layers.style]
    losses = [*content, *style]
    factors = _weights(graph, "content", content) + _weights(graph, "style", style)
    weighted = list(zip(losses, factors, strict=True))
    whole = graph.sum([loss.weighted(weight).name for loss, weight in weighted])
    if convolved is not None:
        slopes = [loss.slope(weight) for loss, weight in weighted]
        graph.gradient_scale = gradient_scale(slopes).name
    graph.output("total", whole, ())
    graph.output("gradient", differentiate(graph, whole, image.name), IMAGE_SHAPE)
    return graph.model("gradient")


class _Image:
    """A graph's image, and the network's responses to it and their moments."""

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

    def moments(self, layer: str) -> Moments:
        """Return the moments of a layer, read out if it represents another."""
        found = add_moments(self.graph, self.features[layer], self.channels(layer))
        return found.read_out(self.weights, self.network.layer(layer).readout)

    def channels(self, layer: str) -> int:
        return self.network.layer(layer).channels

    def response_shape(self, layer: str) -> Dimensions:
        return (1, self.channels(layer), f"{layer}_height", f"{layer}_width")


@dataclass(frozen=True)
class _Loss:
    value: Term
    """A number, or one for each region, shape (R, 1, 1)."""
    slope: Callable[[Term], Term]
    """How large a gradient the loss sends into the network, as a function of its weight."""
    guided: bool = False

    def weighted(self, weight: Term) -> Term:
        """Return the loss times its weight, of all regions together."""
        product = weight * self.value
        return total(product) if self.guided else product


def _weights(graph: Graph, kind: str, losses: list[_Loss]) -> list[Term]:
    """Declare the weights of losses of one kind, and return each."""
    values = [loss.value for loss in losses]
    if losses and losses[0].guided:
        return guided_weights(graph, values)
    return [Term(graph, name) for name in weights_of(graph, kind, [each.name for each in values])]


def _content_loss(image: _Image, layer: str) -> _Loss:
    graph, scale = image.graph, image.network.preprocessing.feature_scale
    target = graph.input(f"content_target.{layer}", image.response_shape(layer))
    response = image.response(layer)
    loss = Term(graph, add_content_loss(graph, response, target, scale))

    def slope(weight: Term) -> Term:
        entering = content_slope(weight, loss, Term(graph, response), scale)
        return read_back(entering, image.weights, image.network.layer(layer).readout)

    return _Loss(loss, slope)


def _style_loss(image: _Image, layer: str, statistics: Statistics) -> _Loss:
    graph, known = image.graph, style_layer(image.network, layer)
    found = image.moments(layer)
    target = graph.input(f"style_target.{layer}", target_shape(known.channels))
    loss = LOSSES[statistics](found, Term(graph, target), known)

    def slope(weight: Term) -> Term:
        response = Term(graph, image.features[layer])
        entering = SLOPES[statistics](loss, response, found, known)
        return read_back(weight * entering, image.weights, image.network.layer(layer).readout)

    return _Loss(loss, slope)


def _guided_loss(image: _Image, layer: str) -> _Loss:
    graph, known = image.graph, style_layer(image.network, layer)
    _, _, *size = image.response_shape(layer)
    guidance = guidance_of(graph, layer, size)
    sums = add_guided_sums(graph, image.features[layer], guidance, known.channels)
    readout = image.network.layer(layer).readout
    found = sums.read_out(image.weights, readout)
    target = graph.input(f"style_target.{layer}", (REGIONS, *target_shape(known.channels)))
    loss = guided_loss(found, Term(graph, target), known)

    def slope(weight: Term) -> Term:
        response = Term(graph, image.features[layer])
        entering = guided_slope(weight, loss, response, found, Term(graph, guidance), known)
        return read_back(entering, image.weights, readout)

    return _Loss(loss, slope, guided=True)
