"""A small network's graphs in float64, beside torch; for tests that need onnx and torch."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx.reference import ReferenceEvaluator
from small import small_weights
from two_regions import two_regions

from stylize.export.method.assemble import gradient_model, targets_model
from stylize.export.method.statistics import root_model
from stylize.export.network.architecture import Network
from stylize.export.network.stored import stored_tensors
from stylize.export.network.torch_peer import TorchNetwork
from stylize.export.network.weights import store_weights
from stylize.models.layers import LayerSet

Array = npt.NDArray[np.float64]

EXACT = 1e-9


class Bench:
    """A small network's graphs in float64, beside torch.

    Parameters
    ----------
    folder : Path
        Where the weights and graphs are written.
    network : Network
        What the graphs compute.
    *operators : OpRun
        What the reference evaluator is to use in place of its own operators.
    """

    def __init__(self, folder: Path, network: Network, *operators: Any) -> None:
        self.folder = folder
        self.network = network
        self.operators = operators
        weights = small_weights(network).arrays
        store_weights(folder / "weights.safetensors", weights)
        self.stored = stored_tensors(folder / "weights.safetensors")
        self.torch = TorchNetwork(network, weights)

    def run(self, model: onnx.ModelProto, **feeds: npt.NDArray[np.floating]) -> dict[str, Array]:
        onnx.save(model, self.folder / "graph.onnx")
        loaded = onnx.load(self.folder / "graph.onnx")
        evaluator = ReferenceEvaluator(loaded, new_ops=list(self.operators))
        used = {value.name for value in model.graph.input}
        outputs = evaluator.run(None, {name: feeds[name] for name in used})
        return dict(zip(evaluator.output_names, outputs, strict=True))

    def gradient(self, layers: LayerSet) -> onnx.ModelProto:
        return gradient_model(self.network, self.stored, layers, np.float64)

    def targets(self, image: Array, layers: LayerSet) -> dict[str, Array]:
        model = targets_model(self.network, self.stored, layers, np.float64)
        return self.run(model, image=image)

    def rooted(self, targets: dict[str, Array], layers: LayerSet) -> dict[str, Array]:
        """Return targets of style as the losses take them."""
        if layers.statistics != "bures":
            return {}
        model = root_model(self.network.preprocessing.feature_scale, np.float64)
        names = [f"style_target.{layer}" for layer in layers.style]
        return {n: self.run(model, style_target=targets[n])["rooted_target"] for n in names}


def assert_close(found: npt.ArrayLike, expected: npt.ArrayLike, within: float = EXACT) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert np.linalg.norm(found - expected) <= within * np.linalg.norm(expected)


def images(height: int, width: int) -> Array:
    """A photo and a painting of one size, and the image that is to become both."""
    return np.random.default_rng(height * width).random((3, 1, 3, height, width))


def assert_equals_torch(
    bench: Bench,
    layers: LayerSet,
    size: tuple[int, int],
    within: float = EXACT,
    unweighted: Collection[int] = (),
) -> None:
    """Compare losses and gradient; the losses of these numbers, content first, have no weight."""
    photo, _, image = images(*size)
    _, painting, _ = images(size[0] + 3, size[1] + 2)
    targets = {
        **bench.targets(photo, LayerSet(content=layers.content)),
        **bench.targets(painting, LayerSet(style=layers.style)),
    }
    targets |= bench.rooted(targets, layers)
    # Weights that bring both losses to the same magnitude, and differ from layer to layer.
    content, style = (1.0 + np.arange(len(of_kind)) for of_kind in (layers.content, layers.style))
    every = np.concatenate([content, 1e2 * style])
    every[[index for index in unweighted if index < len(every)]] = 0
    weights = {"content_weights": every[: len(content)], "style_weights": every[len(content) :]}
    if layers.guided:
        strides = {layer: bench.network.stride(layer) for layer in layers.style}
        regions = two_regions({**targets, **weights}, layers, size, strides)
        weights["style_weights"] = regions.pop("style_weights")
        targets |= regions
    found = bench.run(bench.gradient(layers), image=image, **targets, **weights)
    truth = bench.torch.evaluate(image, layers, targets, *weights.values())
    assert_close(found["total"], truth.total, within)
    assert_close(found["gradient"], truth.gradient, within)
    assert_close(found.get("content_losses", np.zeros(0)), truth.content_losses, within)
    assert_close(found.get("style_losses", np.zeros(0)), truth.style_losses, within)
