"""PyTorch's step: the same losses and gradient in float32, by eager autograd."""

from collections.abc import Callable

import numpy as np
import torch
from case import CONTENT_WEIGHTS, STYLE_WEIGHTS, Array, Case, used_layers, used_weights
from torch.nn import functional

from stylize.models.folder import open_folder
from stylize.runtime.providers import usable_cpus

POOL: dict[str, Callable[[torch.Tensor, int], torch.Tensor]] = {
    "average": functional.avg_pool2d,
    "max": functional.max_pool2d,
}


class TorchStep:
    """A function of nothing that returns the total loss and its gradient by the image.

    Parameters
    ----------
    case : Case
        What to compute.
    layout : torch.memory_format
        Of image, kernels and responses: ``contiguous_format`` or ``channels_last``.
    """

    def __init__(self, case: Case, layout: torch.memory_format) -> None:
        torch.set_num_threads(usable_cpus())
        torch.set_flush_denormal(True)  # as our sessions do
        folder = open_folder(case.model)
        self._layers = used_layers(folder)
        self._preprocessing = folder.manifest.preprocessing
        self._pool = POOL[folder.manifest.pooling]
        self._layout = layout
        image, targets = case.load()
        self._image = self._tensor(image)
        self._targets = {name: self._tensor(target) for name, target in targets.items()}
        self._weights = {name: self._tensor(array) for name, array in used_weights(folder).items()}
        self._mean, self._std = (
            torch.tensor(values).reshape(1, 3, 1, 1)
            for values in (self._preprocessing.mean, self._preprocessing.std)
        )

    def __call__(self) -> tuple[float, Array]:
        """Return the total loss (eq. 7) and its gradient, shape (1, 3, height, width)."""
        pixels = self._image.detach().requires_grad_()
        total = self._total(pixels)
        (gradient,) = torch.autograd.grad(total, pixels)
        return float(total.detach()), gradient.numpy()

    def _total(self, pixels: torch.Tensor) -> torch.Tensor:
        """Add up the losses on the way, so that nothing but autograd keeps the responses."""
        total = torch.zeros(())
        value = self._preprocess(pixels)
        for layer in self._layers:
            if f"{layer.name}.weight" in self._weights:
                value = self._convolve(layer.name, value)
            else:
                value = self._pool(value, 2)
            if layer.name in CONTENT_WEIGHTS:
                total = total + CONTENT_WEIGHTS[layer.name] * self._content_loss(layer.name, value)
            if layer.name in STYLE_WEIGHTS:
                total = total + STYLE_WEIGHTS[layer.name] * self._style_loss(layer.name, value)
        return total

    def _convolve(self, name: str, value: torch.Tensor) -> torch.Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return functional.relu(functional.conv2d(value, weight, bias, padding=1), inplace=True)

    def _content_loss(self, name: str, feature: torch.Tensor) -> torch.Tensor:
        target = self._targets[f"content_target.{name}"]
        distance = functional.mse_loss(feature, target, reduction="sum")
        return self._preprocessing.feature_scale**2 / 2 * distance

    def _style_loss(self, name: str, feature: torch.Tensor) -> torch.Tensor:
        rows = feature.squeeze(0).flatten(1)  # views, also on the way back
        channels, positions = rows.shape
        gram = rows @ rows.T / positions
        distance = functional.mse_loss(gram, self._targets[f"style_target.{name}"], reduction="sum")
        return self._preprocessing.feature_scale**4 / (4 * channels**2) * distance

    def _preprocess(self, pixels: torch.Tensor) -> torch.Tensor:
        if self._preprocessing.channel_order == "BGR":
            pixels = pixels.flip(1)
        value = (self._preprocessing.scale * pixels - self._mean) / self._std
        return value.contiguous(memory_format=self._layout)

    def _tensor(self, array: Array) -> torch.Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        return tensor.contiguous(memory_format=self._layout) if tensor.dim() == 4 else tensor
