"""Small seeded networks of VGG-19's topology, for tests that need onnx."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from stylize.export.network.architecture import Convolution, Network, vgg19
from stylize.export.network.weights import Weights
from stylize.models.layers import LayerSet, PoolingKind
from stylize.models.preprocessing import CAFFE, Preprocessing


def small_network(
    pooling: PoolingKind = "average", preprocessing: Preprocessing = CAFFE
) -> Network:
    """VGG-19 with 4 to 32 channels."""
    return vgg19(pooling, preprocessing, width=Fraction(1, 16))


def distilled_network() -> Network:
    """The same as if distilled from one four times as wide: every convolution has a read-out."""
    network = small_network()
    layers = (
        replace(layer, represents=4 * layer.channels) if isinstance(layer, Convolution) else layer
        for layer in network.layers
    )
    return replace(network, layers=tuple(layers))


def small_weights(network: Network, seed: int = 0) -> Weights:
    """He-normal kernels, small biases, and read-outs that lengthen."""
    random = np.random.default_rng(seed)

    def scale(name: str, shape: tuple[int, ...]) -> float:
        kind = name.rpartition(".")[2]
        return {"weight": np.sqrt(2 / np.prod(shape[1:])), "bias": 0.1, "readout": 1.0}[kind]

    arrays = {
        name: (random.standard_normal(shape) * scale(name, shape)).astype(np.float32)
        for name, shape in network.parameters.items()
    }
    return Weights(arrays, "small", "0" * 64, "MIT", network.preprocessing)


@contextmanager
def only(*sets: LayerSet) -> Iterator[None]:
    """Let models be written with the graphs of these layer sets alone, which is quick."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stylize.export.writing.write.paper_layer_sets", lambda: list(sets))
        patch.setattr("stylize.export.writing.write.richer_layer_sets", list)
        patch.setattr("stylize.export.writing.write.guided_layer_sets", list)
        yield
