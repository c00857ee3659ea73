"""What follows from the sums over all tiles: the losses, and where each tile's way back begins.

`stylize.export.method.blocks` has the graphs that these sums come from.
"""

import numpy as np
import numpy.typing as npt
import onnx

from stylize.export.calculus.autodiff import pull_back_to
from stylize.export.calculus.graph import Graph
from stylize.export.calculus.terms import NUMBER, Term
from stylize.export.method.losses import weights_of
from stylize.export.method.moments import Moments, parts, target_shape
from stylize.export.method.statistics import LOSSES, style_layer
from stylize.export.network.architecture import Network
from stylize.export.network.forward import Parameters
from stylize.models.layers import LayerSet


def sums_model(
    network: Network, weights: Parameters, layers: LayerSet, dtype: npt.DTypeLike = np.float32
) -> onnx.ModelProto:
    """Map sums over all positions to the losses of style, the total (eq. 7), and its gradients."""
    graph = Graph(dtype)
    sums = {layer: _sums(graph, network, layer) for layer in layers.style}
    losses = []
    for layer, found in sums.items():
        positions = Term(graph, graph.input(f"positions.{layer}", NUMBER))
        moments = found.over(positions).read_out(weights, network.layer(layer).readout)
        known = style_layer(network, layer)
        shape = target_shape(known.channels)
        graph.output(f"style.{layer}", moments.matrix().name, shape)
        target = Term(graph, graph.input(f"style_target.{layer}", shape))
        losses.append(LOSSES[layers.statistics](moments, target, known).name)
    factors = weights_of(graph, "style", losses)
    terms = [graph.add("Mul", *pair) for pair in zip(factors, losses, strict=True)]
    if layers.content:
        terms.append(_content(graph, len(layers.content)))
    total = graph.sum(terms)
    graph.output("total", total, NUMBER)
    given = {
        f"{kind}_gradient.{layer}": (value, shape)
        for layer, found in sums.items()
        for kind, value, shape in parts(found, network.layer(layer).channels)
    }
    if given:
        values = [value for value, _ in given.values()]
        gradients = pull_back_to(graph, {total: graph.constant(1)}, values)
        for name, (value, shape) in given.items():
            graph.output(name, gradients[value], shape)
    return graph.model("sums")


def _sums(graph: Graph, network: Network, layer: str) -> Moments:
    """Declare the sums F Fᵀ and F 1, before a read-out."""
    n = network.layer(layer).channels
    return Moments(
        gram=Term(graph, graph.input(f"gram.{layer}", (n, n))),
        mean=Term(graph, graph.input(f"sum.{layer}", (n, 1))),
    )


def _content(graph: Graph, layers: int) -> str:
    """Append the weighted sum of the losses of content, which tiles have added up."""
    given = [graph.input(f"content_{name}", (layers,)) for name in ("weights", "losses")]
    return graph.add("Squeeze", graph.add("ReduceSum", graph.add("Mul", *given), keepdims=1))
