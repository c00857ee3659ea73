"""What follows from the sums over all tiles: the losses, and where each tile's way back begins.

`stylize.export.method.blocks` has the graphs that these sums come from.
"""

import numpy as np
import numpy.typing as npt
import onnx

from stylize.export.calculus.autodiff import pull_back
from stylize.export.calculus.graph import Dimensions, Graph
from stylize.export.method.losses import add_style_loss, weights_of
from stylize.export.network.architecture import Network
from stylize.export.network.forward import Parameters
from stylize.export.network.readout import read_gram
from stylize.models.layers import LayerSet


def sums_model(
    network: Network, weights: Parameters, layers: LayerSet, dtype: npt.DTypeLike = np.float32
) -> onnx.ModelProto:
    """Map sums over all positions to the losses of style, the total (eq. 7), and its gradients."""
    graph = Graph(dtype)
    shapes = {layer: _gram_shape(network, layer) for layer in layers.style}
    sums = {layer: graph.input(f"gram.{layer}", shape) for layer, shape in shapes.items()}
    losses = []
    for layer, total in sums.items():
        gram = _gram(graph, network, weights, layer, total)
        graph.output(f"style.{layer}", gram, shapes[layer])
        losses.append(_style_loss(graph, network, layer, gram))
    factors = weights_of(graph, "style", losses)
    terms = [graph.add("Mul", *pair) for pair in zip(factors, losses, strict=True)]
    if layers.content:
        terms.append(_content(graph, len(layers.content)))
    total = graph.sum(terms)
    graph.output("total", total, ())
    for layer, shape in shapes.items():
        gradient = pull_back(graph, {total: graph.constant(1)}, sums[layer])
        graph.output(f"gram_gradient.{layer}", gradient, shape)
    return graph.model("sums")


def _gram(graph: Graph, network: Network, weights: Parameters, layer: str, sums: str) -> str:
    """Append F Fᵀ / M, given the sums F Fᵀ, before a read-out, and over how many positions."""
    positions = graph.input(f"positions.{layer}", ())
    gram = graph.add("Mul", sums, graph.add("Reciprocal", positions))
    readout = network.layer(layer).readout
    return gram if readout is None else read_gram(graph, weights, readout, gram)


def _style_loss(graph: Graph, network: Network, layer: str, gram: str) -> str:
    """Append E_l (eq. 4)."""
    definition, scale = network.layer(layer), network.preprocessing.feature_scale
    target = graph.input(f"style_target.{layer}", _gram_shape(network, layer))
    return add_style_loss(graph, gram, target, definition.represented_channels, scale)


def _content(graph: Graph, layers: int) -> str:
    """Append the weighted sum of the losses of content, which tiles have added up."""
    given = [graph.input(f"content_{name}", (layers,)) for name in ("weights", "losses")]
    return graph.add("Squeeze", graph.add("ReduceSum", graph.add("Mul", *given), keepdims=1))


def _gram_shape(network: Network, layer: str) -> Dimensions:
    channels = network.layer(layer).channels
    return (channels, channels)
