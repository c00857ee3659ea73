"""One block of the network, for a tile of its maps: forwards, and the gradient back.

The losses see a picture only through sums over positions: Gram matrices, and squared differences.
So a picture of any size can be computed a tile after the other, exactly, and between two blocks
only the pooled map is kept whole. `models/README.md` documents the graphs.

A tile answers for a part of its positions, its *own*. Beyond them it has one row and one column
more on either side for each convolution of the block. What is wrong there, since further ones are
missing, does not reach the own part. The gradient of a tile is that of its own part's share in the
losses. It reaches into what is beyond, and is added up where tiles overlap.

What counts of a response in a loss of style is told by weights, for one region of the picture or
for several (`stylize.export.method.guided`). They are 0 beyond the own part.

The way back needs the responses themselves only where they have a style loss, since the gradient of
a Gram matrix is a product with them (eq. 6). Up to the last of these, a block is computed again.
From further ones all that is asked is where they were positive, and for a max pooling which was the
largest: masks, which the graph forwards hands over. So it does with the differences of a content
loss (eq. 2). In VGG-19 with the paper's layers, a tenth of the work is done twice.

With float16 responses and their gradients are of that type, and so is what is convolved. All that
goes in and comes out remains float32. So the gradients of each tile have a scale of their own in
float16 (`stylize.export.method.half`), of which the others need not know.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx

from stylize.export.calculus.autodiff import pull_back
from stylize.export.calculus.graph import Dimensions, Graph
from stylize.export.calculus.rules import FIRST, POSITIVE
from stylize.export.calculus.terms import Term
from stylize.export.method.guided import add_guided_sums, guidance_of, guided_parts
from stylize.export.method.half import gradient_scale, largest, read_back, sums_slope
from stylize.export.method.moments import Moments
from stylize.export.network.architecture import Convolution, Network, Pooling
from stylize.export.network.forward import Parameters, add_layers, add_preprocessing
from stylize.export.network.readout import read_response
from stylize.models.layers import LayerSet
from stylize.models.parts import Part

MAP: Dimensions = ("height", "width")
ABOVE: Dimensions = ("above_height", "above_width")


def block_model(
    network: Network,
    weights: Parameters,
    part: Part,
    dtype: npt.DTypeLike = np.float32,
    convolved: npt.DTypeLike | None = None,
) -> onnx.ModelProto:
    """Map a tile of the map below to its share in the sums, the map above, and what the way back
    needs.

    With `convolved`, responses are of that type within.
    """
    block = _Block(network, weights, part, dtype, convolved)
    graph = block.graph
    for name, value, shape in block.each_sum():
        graph.output(name, value, shape)
    for layer, difference in block.differences.items():
        graph.output(f"content_loss.{layer}", block.content_loss(difference), ())
        graph.output(f"difference.{layer}", difference, block.shape(layer))
    for mask in block.masks:
        graph.output(mask.name, mask.value, block.shape(mask.layer), np.bool_)
    if not part.top:
        graph.output("above", block.above, block.shape(block.layers[-1].name))
    return graph.model("block")


def block_gradient_model(
    network: Network,
    weights: Parameters,
    part: Part,
    dtype: npt.DTypeLike = np.float32,
    convolved: npt.DTypeLike | None = None,
) -> onnx.ModelProto:
    """Map a tile, gradients by the sums and by the map above, and what the way forwards handed
    over to the gradient by the map below.

    With `convolved`, responses and gradients are of that type within.
    """
    block = _Block(network, weights, part, dtype, convolved)
    graph = block.graph
    for layer, difference in block.differences.items():
        graph.give(difference, difference, block.shape(layer))
    for mask in block.masks:
        graph.give(mask.name, mask.value, block.shape(mask.layer), np.bool_)
    block.forget_shapes()
    graph.output("below_gradient", block.below_gradient, block.below_shape)
    return graph.model("block_gradient")


@dataclass(frozen=True)
class _Mask:
    """What the way back asks of a response that it does not compute again."""

    kind: str
    layer: str
    value: str

    @property
    def name(self) -> str:
        return f"{self.kind}.{self.layer}"


class _Block:
    """A block forwards and back in one graph, of which each model takes its part.

    Attributes
    ----------
    sums : dict of str to Moments
        Σ w F Fᵀ and Σ w F over the own part, by the layer; w is each region's weight.
    differences : dict of str to str
        F - P (eq. 1) over the own part, by the layer.
    above : str
        The map above.
    below_gradient : str
        The gradient by the map below.
    masks : list of _Mask
        What the way back asks of responses that it does not compute again.
    """

    def __init__(
        self,
        network: Network,
        weights: Parameters,
        part: Part,
        dtype: npt.DTypeLike,
        convolved: npt.DTypeLike | None,
    ) -> None:
        self._network = network
        self._weights = weights
        self._own: dict[Dimensions, str] = {}
        self._guidance: dict[str, str] = {}
        self.graph = graph = Graph(dtype)
        self.layers = _needed(network.blocks[part.number - 1], part.layers, part.top)
        first = part.number == 1
        channels = 3 if first else network.blocks[part.number - 2][-1].channels
        self.below_shape: Dimensions = (1, channels, *MAP)
        below = graph.input("below", self.below_shape)
        value = add_preprocessing(graph, network.preprocessing, below) if first else below
        if convolved is not None:
            value = graph.cast(value, convolved)
        self._convolved = add_layers(graph, network, self.layers, weights, value)
        self._features = self._convolved
        if convolved is not None:
            self._features = {
                layer: graph.cast(value, dtype) for layer, value in self._convolved.items()
            }
        self.above = self._features[self.layers[-1].name]
        read = {layer: self._read(layer) for layer in part.layers.content}
        self.sums = {layer: self._sums(layer) for layer in part.layers.style}
        self.differences = {layer: self._difference(layer, read[layer]) for layer in read}

        given = self._gradients(part, read)
        if convolved is not None:
            graph.gradient_scale = gradient_scale(list(self._slopes(given, read))).name
        self._beyond = self._not_again(part.layers.style)
        self.below_gradient = pull_back(graph, given, below)
        self.masks = list(self._handed_over())

    def shape(self, layer: str) -> Dimensions:
        found = self._network.layer(layer)
        return (1, found.channels, *(ABOVE if isinstance(found, Pooling) else MAP))

    def each_sum(self) -> Iterator[tuple[str, str, Dimensions]]:
        """Yield the name, the value and the shape of each sum."""
        for layer, sums in self.sums.items():
            for kind, value, shape in guided_parts(sums, self._network.layer(layer).channels):
                yield f"{kind}.{layer}", value, shape

    def content_loss(self, difference: str) -> str:
        """Append ½ Σ (F - P)² (eq. 1)."""
        graph, scale = self.graph, self._network.preprocessing.feature_scale
        squares = graph.add("ReduceSum", graph.add("Mul", difference, difference), keepdims=1)
        return graph.add("Mul", graph.add("Squeeze", squares), graph.constant(scale**2 / 2))

    def forget_shapes(self) -> None:
        """Ask the masks for the sizes of responses that are not computed again."""
        shown = {mask.layer: mask.name for mask in self.masks}
        for node in self.graph.nodes:
            if node.op_type == "Shape":
                layer = self._beyond.get(node.input[0], "")
                node.input[0] = shown.get(layer, node.input[0])

    def _read(self, layer: str) -> str:
        """Return the response that a content loss sees."""
        readout = self._network.layer(layer).readout
        feature = self._features[layer]
        if readout is None:
            return feature
        return read_response(self.graph, self._weights, readout, feature)

    def _sums(self, layer: str) -> Moments:
        """Append the sums over the own part, before a read-out."""
        _, channels, *size = self.shape(layer)
        guidance = guidance_of(self.graph, layer, size)
        self._guidance[layer] = guidance
        return add_guided_sums(self.graph, self._features[layer], guidance, int(channels))

    def _difference(self, layer: str, response: str) -> str:
        graph, shape = self.graph, self.shape(layer)
        target = graph.input(f"content_target.{layer}", shape)
        difference = graph.add("Sub", response, target)
        return graph.add("Mul", difference, self._own_rows(shape), name=f"difference.{layer}")

    def _own_rows(self, shape: Dimensions) -> str:
        """Return the map that is 1 at the own rows and 0 elsewhere."""
        size = tuple(shape[2:])
        if size not in self._own:
            self._own[size] = self.graph.input("own_above" if size == ABOVE else "own", size)
        return self._own[size]

    def _gradients(self, part: Part, read: dict[str, str]) -> dict[str, str]:
        """Declare the gradients that come from outside; return them by what they belong to."""
        graph, scale = self.graph, self._network.preprocessing.feature_scale
        given = {
            value: graph.input(name.replace(".", "_gradient."), shape)
            for name, value, shape in self.each_sum()
        }
        for layer, difference in self.differences.items():
            weight = graph.input(f"content_weight.{layer}", ())
            weight = graph.add("Mul", weight, graph.constant(scale**2))
            given[read[layer]] = graph.add("Mul", difference, weight)
        if not part.top:
            above = graph.input("above_gradient", self.shape(self.layers[-1].name))
            given[self.above] = (
                graph.sum([given[self.above], above]) if self.above in given else above
            )
        return given

    def _slopes(self, given: dict[str, str], read: dict[str, str]) -> Iterator[Term]:
        """Yield a bound on each of the gradients, where it reaches what is convolved."""
        readouts = {value: self._network.layer(layer).readout for layer, value in read.items()}
        others = {value: Term(self.graph, name) for value, name in given.items()}
        for layer, sums in self.sums.items():
            gradients = others.pop(sums.gram.name), others.pop(sums.mean.name)
            seen = (self._features[layer], self._guidance[layer])
            yield sums_slope(*gradients, *(Term(self.graph, name) for name in seen))
        for value, gradient in others.items():
            yield read_back(largest(gradient), self._weights, readouts.get(value))

    def _not_again(self, style: tuple[str, ...]) -> dict[str, str]:
        """Return the values that hold a response which is not computed again, and its layer."""
        again = _needed(self.layers, LayerSet(style=style), top=True)
        held = {self._convolved[layer.name]: layer.name for layer in self.layers[len(again) :]}
        for node in self.graph.nodes:
            if node.op_type == "Cast" and node.input[0] in held:
                held[node.output[0]] = held[node.input[0]]
        return held

    def _handed_over(self) -> Iterator[_Mask]:
        """Yield the masks on the way back whose responses are not computed again."""
        wanted = {self.below_gradient}
        for node in reversed(self.graph.nodes):
            if not wanted.intersection(node.output):
                continue
            kind, _, response = node.output[0].partition(".")
            if kind in (POSITIVE, FIRST) and response in self._beyond:
                yield _Mask(kind, self._beyond[response], node.output[0])
            else:
                wanted.update(node.input)


def _needed(
    block: tuple[Convolution | Pooling, ...], layers: LayerSet, top: bool
) -> tuple[Convolution | Pooling, ...]:
    """Return the layers of a block up to the last that has a loss; all if it is not the top."""
    names = layers.content + layers.style
    count = max((i for i, layer in enumerate(block, start=1) if layer.name in names), default=0)
    return block[:count] if top else block
