"""PyTorch's step: the same losses and gradient, by autograd."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from case import CONTENT_WEIGHTS, STYLE_WEIGHTS, Array, Case, network_of, used_weights
from contestants import Contestant, Layout
from torch.nn import functional

from stylize.export.network.torch_peer import Layer, TorchNetwork
from stylize.models.folder import open_folder
from stylize.models.layers import LayerSet
from stylize.runtime.providers.hardware import usable_cpus
from stylize.runtime.providers.table import Precision

WEIGHTS = {
    **{f"content.{layer}": weight for layer, weight in CONTENT_WEIGHTS.items()},
    **{f"style.{layer}": weight for layer, weight in STYLE_WEIGHTS.items()},
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


class TorchStep(TorchNetwork):
    """A function of nothing that returns the total loss and its gradient by the image.

    It is the network that the exporter's graphs are verified with, made fast.

    Parameters
    ----------
    case : Case
        What to compute.
    contestant : Contestant
        How: in which memory; in which layout, of image, kernels and responses; in which precision,
        of the convolutions and the Gram matrices, the narrow two by autocast; and compiled or not.
    weights : mapping of str to float
        The factor of each loss in the total, by its name: ``content.L`` or ``style.L``.
    """

    def __init__(
        self, case: Case, contestant: Contestant, weights: Mapping[str, float] = WEIGHTS
    ) -> None:
        torch.set_num_threads(usable_cpus())
        torch.set_flush_denormal(True)  # as our sessions do
        self._device, precision = contestant.memory, contestant.precision
        if self._device == "cuda":
            _configure_cuda(tf32=precision != "float32")
        self._layout = LAYOUTS[contestant.layout]
        self._half = HALVES.get(precision)
        folder = open_folder(case.model)
        parameters = used_weights(folder)
        super().__init__(network_of(folder, parameters), parameters)
        # Kernels as the convolutions want them: autocast would convert them at each step.
        for name in self.parameters:
            if not name.endswith(".readout"):
                self.parameters[name] = self.parameters[name].to(self._half or torch.float32)
        image, targets = case.load()
        self._image = self.tensor(image)
        self._targets = {name: self.tensor(target) for name, target in targets.items()}
        self._weights = weights
        self._layers = LayerSet(_layers(weights, "content"), _layers(weights, "style"))
        self._nothing = torch.zeros((), device=self._device)
        self._compiled = False
        self._scale = self._largest_scale() if self._half is torch.float16 else 1.0
        self._seed = torch.tensor(self._scale, device=self._device)
        if contestant.compile_mode:
            self._compiled = True
            mode = contestant.compile_mode
            self._total = torch.compile(self._total, mode=mode, dynamic=False)

    def __call__(self) -> tuple[float, Array]:
        """Return the total loss (eq. 7) and its gradient, shape (1, 3, height, width)."""
        total, gradient = self.step()
        return float(total.detach()), gradient.cpu().numpy()

    def step(self) -> tuple[torch.Tensor, torch.Tensor]:
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
            if self.step()[1].isfinite().all():
                return scale
        return SCALES[-1]

    def _total(self, pixels: torch.Tensor) -> torch.Tensor:
        losses = self.losses(pixels, self._layers, self._targets)
        return sum((self._weights[name] * loss for name, loss in losses), self._nothing)

    def content_loss(
        self, layer: Layer, response: torch.Tensor, target: torch.Tensor
    ) -> torch.Tensor:
        """Return L_c with a convolution for the read-out, and no maps of differences."""
        if layer.readout:
            kernel = self.parameters[layer.readout][:, :, None, None]
            response = functional.conv2d(response, kernel.to(response.dtype))
        distance = functional.mse_loss(response, target, reduction="sum")
        return self.network.preprocessing.feature_scale**2 / 2 * distance

    def style_loss(
        self, layer: Layer, response: torch.Tensor, target: torch.Tensor
    ) -> torch.Tensor:
        """Return E_l with the read-out of the Gram matrix, which is smaller than the map."""
        rows = response.squeeze(0).flatten(1)  # views, also on the way back
        positions = rows.shape[1]
        # Divided inside the product, which would leave float16 otherwise.
        scale = FLOAT16_GRAM if self._half is torch.float16 else 1.0
        gram = torch.addmm(self._nothing, rows, rows.T, beta=0, alpha=scale / positions)
        if scale != 1.0:
            gram = gram.float() / scale
        if layer.readout:
            readout = self.parameters[layer.readout]
            with torch.autocast(self._device, enabled=False):
                gram = readout @ gram.float() @ readout.T
        distance = functional.mse_loss(gram, target[:-1, :-1], reduction="sum")
        squared = self.network.preprocessing.feature_scale**2
        return squared**2 / (4 * layer.represented_channels**2) * distance

    def preprocess(self, image: torch.Tensor) -> torch.Tensor:
        """Return what the first layer takes, in the layout."""
        return super().preprocess(image).contiguous(memory_format=self._layout)

    def tensor(self, array: npt.ArrayLike) -> torch.Tensor:
        """Return an array on the device, in the layout."""
        tensor = torch.from_numpy(np.array(array, np.float32)).to(self._device)
        return tensor.contiguous(memory_format=self._layout) if tensor.dim() == 4 else tensor


def _layers(weights: Mapping[str, float], kind: str) -> tuple[str, ...]:
    """Return the layers that have a loss of a kind."""
    return tuple(name.removeprefix(f"{kind}.") for name in weights if name.startswith(f"{kind}."))


def _configure_cuda(tf32: bool) -> None:
    """Let cuDNN search for the fastest convolutions, as ours does; allow TF32, or forbid it."""
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32
