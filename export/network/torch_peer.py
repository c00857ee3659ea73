"""All that stylize asks of torch: the same losses, and their gradient by its autograd.

This is the only module that computes with torch, and it imports it when it is first used: a model
can be exported without.
"""

import importlib
import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from stylize.export.network.architecture import Convolution, Network, Pooling
from stylize.installation import install_command
from stylize.models.errors import ExtraError
from stylize.models.layers import LayerSet
from stylize.models.preprocessing import TORCHVISION

if TYPE_CHECKING:
    import torch

Array = npt.NDArray[np.floating]
Arrays = Mapping[str, npt.NDArray[Any]]
Layer = Convolution | Pooling


def available() -> bool:
    """Tell whether torch is installed."""
    return importlib.util.find_spec("torch") is not None


@dataclass(frozen=True)
class Evaluation:
    """Losses by layer, their total and its gradient by the image, in float64."""

    content_losses: Array
    style_losses: Array
    total: float
    gradient: Array


class TorchNetwork:
    """The network in float64 torch, written independently of the ONNX graphs.

    A subclass may compute the same faster: elsewhere or less exactly (`tensor`), or by other
    formulas (`content_loss`, `style_loss`).

    Parameters
    ----------
    network : Network
        Layers, pooling and preprocessing.
    arrays : mapping of str to array
        The weights under our names.
    """

    def __init__(self, network: Network, arrays: Arrays) -> None:
        self.torch = _torch()
        self.network = network
        self.parameters = {name: self.tensor(array) for name, array in arrays.items()}
        preprocessing = network.preprocessing
        self._mean, self._std = (
            self.tensor(np.reshape(values, (1, 3, 1, 1)))
            for values in (preprocessing.mean, preprocessing.std)
        )

    def features(self, image: Array, last: str | None = None) -> dict[str, Array]:
        """Return each layer's response, ``conv1_1`` ..., and G/M, ``gram.conv1_1`` ...

        `image` is RGB in 0...1, shape (1, 3, height, width); layers after `last` are left out.
        """
        with self.torch.no_grad():
            responses = {
                layer.name: self._read_out(layer, response)
                for layer, response in self._responses(self.tensor(image), last)
            }
            grams = {f"gram.{name}": self.gram(value) for name, value in responses.items()}
        return {name: value.numpy() for name, value in (responses | grams).items()}

    def style_target(self, found: Arrays, layer: str) -> Array:
        """Return the Gram matrix of what `features` found and of a channel that is 1 everywhere."""
        mean = found[layer].mean((2, 3)).T
        return np.block([[found[f"gram.{layer}"], mean], [mean.T, np.ones((1, 1))]])

    def evaluate(
        self,
        image: Array,
        layers: LayerSet,
        targets: Arrays,
        content_weights: Array,
        style_weights: Array,
    ) -> Evaluation:
        """Return the losses of equations 1 and 4 and autograd's gradient of their weighted sum.

        `image` is RGB in 0...1, shape (1, 3, height, width). `targets` holds P under
        ``content_target.L`` and A/M_a under ``style_target.L``. The weights are in the order of
        the layers. If the layers are guided, there is one of each target, and one row of the
        weights and losses of style, for each region; and ``guidance.L``, each position's weight.
        """
        pixels = self.tensor(image).requires_grad_()
        known = {name: self.tensor(array) for name, array in targets.items()}
        last = self.network.deepest(layers.content + layers.style)
        losses = dict(self.losses(pixels, layers, known, last))
        content = [losses[f"content.{layer}"] for layer in layers.content]
        style = [losses[f"style.{layer}"] for layer in layers.style]
        weights = [*self.tensor(content_weights), *self.tensor(np.transpose(style_weights))]
        total = self.torch.stack(
            [(weight * loss).sum() for weight, loss in zip(weights, content + style, strict=True)]
        ).sum()
        (gradient,) = self.torch.autograd.grad(total, pixels)
        return Evaluation(
            _numbers(content), _numbers(style), float(total.detach()), gradient.numpy()
        )

    def losses(
        self,
        pixels: "torch.Tensor",
        layers: LayerSet,
        targets: "Mapping[str, torch.Tensor]",
        last: str | None = None,
    ) -> "Iterator[tuple[str, torch.Tensor]]":
        """Yield each loss as ``content.L`` or ``style.L``; those after the layer `last` are none.

        They come on the way through the layers, so that only autograd keeps the responses.
        """
        for layer, response in self._responses(pixels, last):
            name = layer.name
            if name in layers.content:
                target = targets[f"content_target.{name}"]
                yield f"content.{name}", self.content_loss(layer, response, target)
            if name in layers.style and layers.guided:
                given = (targets[f"{kind}.{name}"] for kind in ("style_target", "guidance"))
                yield f"style.{name}", self.guided_losses(layer, response, *given)
            elif name in layers.style:
                target = targets[f"style_target.{name}"]
                loss = {
                    "gram": self.style_loss,
                    "gram+moments": self.moments_loss,
                    "bures": self.bures_loss,
                }[layers.statistics]
                yield f"style.{name}", loss(layer, response, target)

    def gram(self, feature: "torch.Tensor") -> "torch.Tensor":
        """Return G/M = F Fᵀ / M (eq. 3)."""
        rows = feature.flatten(2)[0]
        return rows @ rows.T / rows.shape[1]

    def content_loss(
        self, layer: Layer, response: "torch.Tensor", target: "torch.Tensor"
    ) -> "torch.Tensor":
        """Return L_c (eq. 1) of a response before its read-out."""
        scale = self.network.preprocessing.feature_scale
        feature = self._read_out(layer, response)
        return ((scale * feature - scale * target) ** 2).sum() / 2

    def style_loss(
        self, layer: Layer, response: "torch.Tensor", target: "torch.Tensor"
    ) -> "torch.Tensor":
        """Return E_l (eq. 4) of a response before its read-out."""
        return self._gram_loss(layer, self.gram(self._read_out(layer, response)), target)

    def _gram_loss(
        self, layer: Layer, gram: "torch.Tensor", target: "torch.Tensor"
    ) -> "torch.Tensor":
        squared = self.network.preprocessing.feature_scale**2
        difference = squared * (gram - target[:-1, :-1])
        return (difference**2).sum() / (4 * layer.represented_channels**2)

    def guided_losses(
        self,
        layer: Layer,
        response: "torch.Tensor",
        target: "torch.Tensor",
        guidance: "torch.Tensor",
    ) -> "torch.Tensor":
        """Return E_l of each region, of F times the root of each position's weight there."""
        feature = self._read_out(layer, response)
        positions = guidance[0].numel()  # by which `gram` divides
        weighted = (feature * (positions * weights).sqrt() for weights in guidance)
        losses = [
            self._gram_loss(layer, self.gram(each), compared)
            for each, compared in zip(weighted, target, strict=True)
        ]
        return self.torch.stack(losses)

    def moments_loss(
        self, layer: Layer, response: "torch.Tensor", target: "torch.Tensor"
    ) -> "torch.Tensor":
        """Return E_l + 5/2 N (|μ - ν|² + |σ - τ|²) of a response before its read-out."""
        squared = self.network.preprocessing.feature_scale**2
        feature, compared = self._read_out(layer, response)[0], target[:-1, -1]

        def deviations(variances: "torch.Tensor") -> "torch.Tensor":
            return (variances.relu() + 1e-5).sqrt()

        apart = feature.mean((1, 2)) - compared
        other = deviations(target.diagonal()[:-1] - compared**2)
        spread = deviations(feature.var((1, 2), correction=0)) - other
        moments = squared * (apart.square().sum() + spread.square().sum())
        return self.style_loss(layer, response, target) + (
            2.5 * layer.represented_channels * moments
        )

    def bures_loss(
        self, layer: Layer, response: "torch.Tensor", target: "torch.Tensor"
    ) -> "torch.Tensor":
        """Return |μ - ν|² + tr C + tr D - 2 tr (D^½ C D^½)^½, given D^½, ν and tr D."""
        squared = self.network.preprocessing.feature_scale**2
        feature = self._read_out(layer, response).flatten(2)[0]
        root, mean, variance = target[:-1, :-1], target[:-1, -1], target[-1, -1]
        least = 1e-4 * TORCHVISION.feature_scale**2 / squared
        covariance = feature.cov(correction=0).reshape(root.shape)
        power = covariance.trace() + feature.mean(1).square().sum()
        errors = (1e-5 * power - 1e-4 * covariance.trace()).relu().detach()
        covariance = covariance + (least + errors) * root.new_ones(len(root)).diag()
        apart = (feature.mean(1) - mean).square().sum()
        return squared * (
            apart + covariance.trace() + variance - 2 * _root_trace(root @ covariance @ root)
        )

    def _responses(
        self, image: "torch.Tensor", last: str | None
    ) -> "Iterator[tuple[Layer, torch.Tensor]]":
        functional = self.torch.nn.functional
        pool = {"average": functional.avg_pool2d, "max": functional.max_pool2d}
        value = self.preprocess(image)
        for layer in self.network.layers:
            if isinstance(layer, Convolution):
                weight, bias = (self.parameters[name] for name in layer.shapes)
                value = functional.conv2d(value, weight, bias, padding=1)
                value = functional.relu(value, inplace=True)  # nothing else needs the sums
            else:
                value = pool[self.network.pooling](value, 2)
            yield layer, value
            if layer.name == last:
                return

    def _read_out(self, layer: Layer, value: "torch.Tensor") -> "torch.Tensor":
        if layer.readout is None:
            return value
        return self.torch.einsum("ij,bjhw->bihw", self.parameters[layer.readout], value)

    def preprocess(self, image: "torch.Tensor") -> "torch.Tensor":
        """Return what the first layer takes, from RGB in 0...1."""
        preprocessing = self.network.preprocessing
        if preprocessing.channel_order == "BGR":
            image = image.flip(1)
        return (image * preprocessing.scale - self._mean) / self._std

    def tensor(self, array: npt.ArrayLike) -> "torch.Tensor":
        """Return an array as torch computes with it."""
        tensor: torch.Tensor = self.torch.from_numpy(np.array(array, np.float64))
        return tensor


def _root_trace(matrix: "torch.Tensor") -> "torch.Tensor":
    """Return the trace of a matrix' root after twelve iterations of Newton and Schulz.

    Its gradient is half the inverse root.
    """
    inside = matrix.detach()
    one, norm = inside.new_ones(len(inside)).diag(), inside.norm()
    root, other = inside / norm, one
    for _ in range(12):
        turn = (3 * one - other @ root) / 2
        root, other = root @ turn, turn @ other
    root = root * norm.sqrt()
    sign, inverse = root / root.norm(), one / root.norm()
    for _ in range(12):
        turn = (3 * one - sign @ sign) / 2
        sign, inverse = sign @ turn, inverse @ turn
    leading = (matrix * inverse).sum()
    return root.trace() + (leading - leading.detach()) / 2


def _numbers(losses: list["torch.Tensor"]) -> Array:
    return np.array([loss.detach().numpy() for loss in losses]).T


def _torch() -> Any:
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        raise ExtraError(
            "Comparing with torch needs torch, which is not installed. "
            f"Install the extra: {install_command('torch')}"
        ) from error
