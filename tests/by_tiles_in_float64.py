"""Losses and gradient by a network's block graphs, tile by tile; for tests that need onnx.

What a host does is in numpy here; onnx's reference evaluator runs the graphs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx.external_data_helper import load_external_data_for_model
from onnx.reference import ReferenceEvaluator
from two_regions import two_regions

from stylize.export.method.assemble import gradient_model, targets_model
from stylize.export.method.blocks import block_gradient_model, block_model
from stylize.export.method.statistics import root_model
from stylize.export.method.sums import sums_model
from stylize.export.network.architecture import Convolution, Network
from stylize.export.network.stored import stored_tensors
from stylize.export.writing.convolution import Conv
from stylize.export.writing.pooling import AveragePool
from stylize.models.layers import LayerSet
from stylize.models.parts import Part, parts
from stylize.runtime.streaming.strips import Tile, tiles
from stylize.runtime.streaming.strips import whole as strip

Array = npt.NDArray[Any]

EXACT = 1e-9
Values = Mapping[str, Array]
Run = Callable[[Values], dict[str, Array]]


def runner(model: onnx.ModelProto, folder: Path, operators: Sequence[Any] = (Conv,)) -> Run:
    """Return a function that runs a model whose weights lie in a folder."""
    load_external_data_for_model(model, str(folder))
    evaluator = ReferenceEvaluator(model, new_ops=[AveragePool, *operators])

    def run(feeds: Values) -> dict[str, Array]:
        used = {name: feeds[name] for name in evaluator.input_names}
        return dict(zip(evaluator.output_names, evaluator.run(None, used), strict=True))

    return run


def whole(
    folder: Path, network: Network, layers: LayerSet, size: tuple[int, int]
) -> tuple[Values, dict[str, Array]]:
    """Return image, targets and weights, and what the graph of the whole picture makes of them."""
    stored = stored_tensors(folder / "weights.safetensors")
    image, photo, painting = np.random.default_rng(0).random((3, 1, 3, *size))
    given: dict[str, Array] = {"image": image}
    for picture, half in (
        (photo, LayerSet(content=layers.content)),
        (painting, LayerSet(style=layers.style)),
    ):
        given |= runner(targets_model(network, stored, half, np.float64), folder)(
            {"image": picture}
        )
    # Weights that bring both losses to the same magnitude, and differ from layer to layer.
    given |= rooted(network, given, layers)
    given["content_weights"] = 1.0 + np.arange(len(layers.content))
    given["style_weights"] = 1e2 * (1.0 + np.arange(len(layers.style)))
    if layers.guided:
        given |= two_regions(given, layers, size, strides(network))
    return given, runner(gradient_model(network, stored, layers, np.float64), folder)(given)


def strides(network: Network) -> dict[str, int]:
    return {layer.name: network.stride(layer.name) for layer in network.layers}


def rooted(network: Network, targets: Values, layers: LayerSet) -> dict[str, Array]:
    """Return targets of style as the losses take them."""
    if layers.statistics != "bures":
        return {}
    run = runner(root_model(network.preprocessing.feature_scale, np.float64), Path())
    names = [f"style_target.{layer}" for layer in layers.style]
    return {name: run({"style_target": targets[name]})["rooted_target"] for name in names}


def assert_equal(found: Values, expected: Values) -> None:
    for name, value in expected.items():
        assert found[name].shape == value.shape
        assert np.linalg.norm(found[name] - value) <= EXACT * np.linalg.norm(value), name


class ByTiles:
    """The block graphs of a layer set.

    Parameters
    ----------
    folder : Path
        Where the network's ``weights.safetensors`` lies.
    network : Network
        What the graphs compute.
    layers : LayerSet
        The layers that have a loss.
    dtype : numpy dtype
        Type of all that goes in and comes out.
    form : function of ModelProto
        What is run in place of a block's graph.
    operators : sequence of OpRun
        What the reference evaluator is to use in place of its own operators.
    **options
        For `block_model` and `block_gradient_model`.
    """

    def __init__(
        self,
        folder: Path,
        network: Network,
        layers: LayerSet,
        dtype: npt.DTypeLike = np.float64,
        form: Callable[[onnx.ModelProto], onnx.ModelProto] = lambda model: model,
        operators: Sequence[Any] = (Conv,),
        **options: Any,
    ) -> None:
        self.network = network
        self.layers = layers
        self.dtype = np.dtype(dtype)
        stored = stored_tensors(folder / "weights.safetensors")
        self.parts = list(parts([[layer.name for layer in b] for b in network.blocks], layers))
        self.forwards, self.backwards = (
            [
                runner(form(build(network, stored, part, dtype, **options)), folder, operators)
                for part in self.parts
            ]
            for build in (block_model, block_gradient_model)
        )
        plain = replace(layers, guided=False)
        self.sums = runner(sums_model(network, stored, plain, dtype), folder)

    def evaluate(self, image: Array, given: Values, share: float) -> dict[str, Array]:
        """Return the losses, their total and its gradient.

        Parameters
        ----------
        image : array, shape (1, 3, height, width)
            The image.
        given : mapping of str to array
            Targets and weights, as a gradient graph takes them.
        share : float
            Rows and columns of a tile, about, in those of the map.
        """
        maps, sums = [image], dict[str, Array]()
        done: list[list[tuple[Tile, dict[str, Array]]]] = []
        for part in self.parts:
            done.append(list(self._forwards(part, maps[-1], given, share)))
            sums |= _added(values for _, values in done[-1])
            if not part.top:
                maps.append(_joined(done[-1], maps[-1].shape))
        found = self._finished(given, self._counted(image.shape, sums))
        gradient = np.zeros(())
        for part in self.parts[::-1]:
            above, gradient = gradient, np.zeros_like(maps[part.number - 1])
            for tile, values in done[part.number - 1]:
                feeds = {**values, **found, **self._content_weights(given)}
                if "above" in values:
                    feeds["above_gradient"] = _own(tile.pooled, above, values["above"])
                gradient[:, :, *tile.computed] += self.backwards[part.number - 1](feeds)[
                    "below_gradient"
                ]
        content = [sums[f"content_loss.{layer}"] for layer in self.layers.content]
        return {**found, "content_losses": np.array(content), "gradient": gradient}

    def _forwards(
        self, part: Part, below: Array, given: Values, share: float
    ) -> Iterator[tuple[Tile, dict[str, Array]]]:
        """Yield each tile with what went in and came out."""
        size = below.shape[2], below.shape[3]
        shape = (int(share * size[0]), int(share * size[1]))
        for tile in tiles(strip(size[0]), size[1], shape, self._halo(part)):
            feeds = {"below": below[:, :, *tile.computed]}
            for name, cut in {"own": tile, "own_above": tile.pooled}.items():
                sides = (strip.end - strip.start for strip in (cut.rows, cut.columns))
                feeds[name] = np.zeros(tuple(sides), self.dtype)
                feeds[name][cut.own] = 1
            for layer in part.layers.style:
                cut = tile.pooled if layer.startswith("pool") else tile
                weights = self._guidance(layer, given, below.shape)
                feeds[f"guidance.{layer}"] = _own(cut, weights, weights[..., *cut.computed])
            for layer in part.layers.content:
                cut = tile.pooled if layer.startswith("pool") else tile
                target = given[f"content_target.{layer}"]
                feeds[f"content_target.{layer}"] = target[:, :, *cut.computed]
            yield tile, feeds | self.forwards[part.number - 1](feeds)

    def _guidance(self, layer: str, given: Values, below: Sequence[int]) -> Array:
        """Return how much each position counts in each region, of which there may be just one."""
        if self.layers.guided:
            return given[f"guidance.{layer}"]
        sides = (side // 2 if layer.startswith("pool") else side for side in below[2:])
        return np.ones((1, *sides), self.dtype)

    def _finished(self, given: Values, counted: Values) -> dict[str, Array]:
        """Return what follows from the sums: losses, and gradients by the sums, by regions."""
        guided = self.layers.guided
        found = []
        for region in range(2 if guided else 1):
            feeds = {**given, **counted}
            for name, value in feeds.items():
                if name.startswith(("gram.", "sum.")) or (guided and name.startswith("style_")):
                    feeds[name] = value[region]
            if region:  # that of the photo counts once
                feeds["content_weights"] = np.zeros_like(feeds["content_weights"])
            found.append(self.sums(feeds))
        joined = {name: np.stack([each[name] for each in found]) for name in found[0]}
        joined["total"] = joined["total"].sum(0)
        if not guided and self.layers.style:
            joined["style_losses"] = joined["style_losses"][0]
        return joined

    def _halo(self, part: Part) -> int:
        """Return how many convolutions a block has; in the top one, up to its last loss."""
        block = self.network.blocks[part.number - 1]
        while part.top and block[-1].name not in part.layers.content + part.layers.style:
            block = block[:-1]
        return sum(isinstance(layer, Convolution) for layer in block)

    def _counted(self, shape: Sequence[int], sums: Values) -> dict[str, Array]:
        """Return what the graph of sums takes, besides targets and weights."""
        content = [sums[f"content_loss.{layer}"] for layer in self.layers.content]
        feeds = {**sums, "content_losses": np.array(content, self.dtype)}
        for layer in self.layers.style:
            height, width = (side // self.network.stride(layer) for side in shape[2:])
            count = 1 if self.layers.guided else height * width
            feeds[f"positions.{layer}"] = np.array(count, self.dtype)
        return feeds

    def _content_weights(self, given: Values) -> dict[str, Array]:
        return {
            f"content_weight.{layer}": given["content_weights"][index]
            for index, layer in enumerate(self.layers.content)
        }


def _added(outputs: Iterator[Values]) -> dict[str, Array]:
    """Add up the tiles' shares."""
    total: dict[str, Array] = {}
    for values in outputs:
        for name, value in values.items():
            if name.startswith(("gram.", "sum.", "content_loss.")):
                total[name] = total[name] + value if name in total else value
    return total


def _joined(done: Sequence[tuple[Tile, Values]], below: Sequence[int]) -> Array:
    """Join the tiles' own parts of the map above."""
    _, first = done[0]
    channels = first["above"].shape[1]
    above = np.full((1, channels, below[2] // 2, below[3] // 2), np.nan, first["above"].dtype)
    for tile, values in done:
        above[:, :, *tile.pooled.owned] = values["above"][:, :, *tile.pooled.own]
    return above


def _own(tile: Tile, above: Array, like: Array) -> Array:
    """Return what a tile is given of the map above: that of its own part, and 0 beyond."""
    given = np.zeros_like(like)
    given[..., *tile.own] = above[..., *tile.owned]
    return given
