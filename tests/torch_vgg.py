"""Caffe's VGG-19 in a few lines of torch: an independent peer of the exported graphs."""

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt
import torch
from torch.nn import functional

from stylize.export.network.architecture import Convolution, Network

MEAN = torch.tensor([103.939, 116.779, 123.68], dtype=torch.float64).reshape(1, 3, 1, 1)


def bgr(image: torch.Tensor) -> torch.Tensor:
    """Return what the network takes of an RGB image in 0...1, in the image's precision."""
    return 255 * image.flip(1) - MEAN.to(image.dtype)


class TorchVgg:
    """The network's responses, layer by layer, in one precision.

    Parameters
    ----------
    network : Network
        Its layers and pooling.
    arrays : mapping of str to array
        Kernels and biases under our names.
    dtype : torch.dtype
        What is computed in.
    """

    def __init__(
        self, network: Network, arrays: Mapping[str, npt.NDArray[Any]], dtype: torch.dtype
    ) -> None:
        self.network = network
        self.weights = {name: torch.from_numpy(array).to(dtype) for name, array in arrays.items()}

    def __call__(self, value: torch.Tensor, last: str) -> dict[str, torch.Tensor]:
        """Return the response of each layer up to `last` to what `bgr` returned."""
        pool = {"average": functional.avg_pool2d, "max": functional.max_pool2d}
        found = {}
        for layer in self.network.layers:
            if isinstance(layer, Convolution):
                kernel, bias = (self.weights[f"{layer.name}.{part}"] for part in ("weight", "bias"))
                value = functional.relu(functional.conv2d(value, kernel, bias, padding=1))
            else:
                value = pool[self.network.pooling](value, 2)
            found[layer.name] = value
            if layer.name == last:
                break
        return found
