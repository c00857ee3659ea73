"""PyTorch's step: the same losses and gradient, by autograd."""

from collections.abc import Callable

import numpy as np
import torch
from case import CONTENT_WEIGHTS, STYLE_WEIGHTS, Array, Case, used_layers, used_weights
from contestants import Contestant, Layout
from torch.nn import functional

from stylize.models.folder import open_folder
from stylize.runtime.providers.hardware import usable_cpus
from stylize.runtime.providers.table import Precision

POOL: dict[str, Callable[[torch.Tensor, int], torch.Tensor]] = {
    "average": functional.avg_pool2d,
    "max": functional.max_pool2d,
}


LAYOUTS: dict[Layout, torch.memory_format] = {
    "contiguous": torch.contiguous_format,
    "channels_last": torch.channels_last,
}

HALVES: dict[Precision, torch.dtype] = {"float16": torch.float16, "bfloat16": torch.bfloat16}
"""Those for which there is autocast."""

FLOAT16_GRAM = 2.0**-10
"""What a Gram matrix in float16 is multiplied by: VGG-19's would be infinite."""

SCALES = tuple(2.0**exponent for exponent in range(16, -29, -4))
"""What a gradient in float16 may be multiplied by on its way back, so that it fits."""


class TorchStep:
    """A function of nothing that returns the total loss and its gradient by the image.

    Parameters
    ----------
    case : Case
        What to compute.
    contestant : Contestant
        How: in which memory; in which layout, of image, kernels and responses; in which precision,
        of the convolutions and the Gram matrices, the narrow two by autocast; and compiled or not.
    """

    def __init__(self, case: Case, contestant: Contestant) -> None:
        torch.set_num_threads(usable_cpus())
        torch.set_flush_denormal(True)  # as our sessions do
        device, precision = contestant.memory, contestant.precision
        if device == "cuda":
            _configure_cuda(tf32=precision != "float32")
        folder = open_folder(case.model)
        self._layers = used_layers(folder)
        self._preprocessing = folder.manifest.preprocessing
        self._widths = {layer.name: layer.represented_channels for layer in self._layers}
        self._pool = POOL[folder.manifest.pooling]
        self._layout = LAYOUTS[contestant.layout]
        self._device = device
        self._half = HALVES.get(precision)
        image, targets = case.load()
        self._image = self._tensor(image)
        self._targets = {name: self._tensor(target) for name, target in targets.items()}
        weights = used_weights(folder)
        self._readouts = {
            layer.name: self._tensor(weights.pop(f"{layer.name}.readout"))
            for layer in self._layers
            if layer.represents
        }
        # Kernels as the convolutions want them: autocast would convert them at each step.
        self._weights = {
            name: self._tensor(array).to(self._half or torch.float32)
            for name, array in weights.items()
        }
        self._mean, self._std = (
            torch.tensor(values, device=device).reshape(1, 3, 1, 1)
            for values in (self._preprocessing.mean, self._preprocessing.std)
        )
        self._nothing = torch.zeros((), device=device)
        self._compiled = False
        self._scale = self._largest_scale() if self._half is torch.float16 else 1.0
        self._seed = torch.tensor(self._scale, device=device)
        if contestant.compile_mode:
            self._compiled = True
            mode = contestant.compile_mode
            self._total = torch.compile(self._total, mode=mode, dynamic=False)

    def __call__(self) -> tuple[float, Array]:
        """Return the total loss (eq. 7) and its gradient, shape (1, 3, height, width)."""
        total, gradient = self.evaluate()
        return float(total.detach()), gradient.cpu().numpy()

    def evaluate(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the same on the device, which may still be computing them."""
        if self._compiled:
            torch.compiler.cudagraph_mark_step_begin()  # what the last step gave is done with
        pixels = self._image.detach().requires_grad_()
        with torch.autocast(self._device, self._half, enabled=self._half is not None):
            total = self._total(pixels)
        (gradient,) = torch.autograd.grad(total, pixels, self._seed)
        return total, gradient if self._scale == 1.0 else gradient / self._scale

    def _largest_scale(self) -> float:
        """Return the largest scale with which no gradient on the way back is infinite."""
        for scale in SCALES:
            self._scale, self._seed = scale, torch.tensor(scale, device=self._device)
            if self.evaluate()[1].isfinite().all():
                return scale
        return SCALES[-1]

    def _total(self, pixels: torch.Tensor) -> torch.Tensor:
        """Add up the losses on the way, so that nothing but autograd keeps the responses."""
        total = self._nothing
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
        if name in self._readouts:
            kernel = self._readouts[name][:, :, None, None]
            feature = functional.conv2d(feature, kernel.to(feature.dtype))
        distance = functional.mse_loss(feature, target, reduction="sum")
        return self._preprocessing.feature_scale**2 / 2 * distance

    def _style_loss(self, name: str, feature: torch.Tensor) -> torch.Tensor:
        rows = feature.squeeze(0).flatten(1)  # views, also on the way back
        positions, channels = rows.shape[1], self._widths[name]
        # Divided inside the product, which would leave float16 otherwise.
        scale = FLOAT16_GRAM if self._half is torch.float16 else 1.0
        gram = torch.addmm(self._nothing, rows, rows.T, beta=0, alpha=scale / positions)
        if scale != 1.0:
            gram = gram.float() / scale
        if name in self._readouts:
            with torch.autocast(self._device, enabled=False):
                gram = self._readouts[name] @ gram.float() @ self._readouts[name].T
        distance = functional.mse_loss(gram, self._targets[f"style_target.{name}"], reduction="sum")
        return self._preprocessing.feature_scale**4 / (4 * channels**2) * distance

    def _preprocess(self, pixels: torch.Tensor) -> torch.Tensor:
        if self._preprocessing.channel_order == "BGR":
            pixels = pixels.flip(1)
        value = (self._preprocessing.scale * pixels - self._mean) / self._std
        return value.contiguous(memory_format=self._layout)

    def _tensor(self, array: Array) -> torch.Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(array)).to(self._device)
        return tensor.contiguous(memory_format=self._layout) if tensor.dim() == 4 else tensor


def _configure_cuda(tf32: bool) -> None:
    """Let cuDNN search for the fastest convolutions, as ours does; allow TF32, or forbid it."""
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32
