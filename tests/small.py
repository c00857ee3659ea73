"""Small seeded networks of VGG-19's topology, for tests that need onnx."""

from fractions import Fraction

import numpy as np

from stylize.export.network import Network, PoolingKind, vgg19
from stylize.export.weights import Weights
from stylize.models.preprocessing import CAFFE, Preprocessing


def small_network(
    pooling: PoolingKind = "average", preprocessing: Preprocessing = CAFFE
) -> Network:
    """VGG-19 with 4 to 32 channels."""
    return vgg19(pooling, preprocessing, width=Fraction(1, 16))


def small_weights(network: Network, seed: int = 0) -> Weights:
    """He-normal kernels and small biases."""
    random = np.random.default_rng(seed)
    arrays = {
        name: (
            random.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
            if name.endswith("weight")
            else random.standard_normal(shape) / 10
        ).astype(np.float32)
        for name, shape in network.parameters.items()
    }
    return Weights(arrays, "small", "0" * 64, "MIT", network.preprocessing)
