"""All that stylize asks of torch: reading its files, and the same losses by its autograd.

This is the only module that imports torch or torchvision, and it does so when it is first used:
a model can be exported from a .safetensors file without them.
"""

import importlib
import importlib.util
import pickle
import struct
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from stylize.export.network.architecture import Convolution, Network, Pooling
from stylize.export.network.tensors import Array, FileTensor, FileTensors
from stylize.installation import install_command, major_and_minor
from stylize.models.errors import ExtraError, WeightsError
from stylize.models.layers import LayerSet

if TYPE_CHECKING:
    import torch

OLDEST_TORCH = (2, 10)
"""Older releases have known ways to run code from a file even with ``weights_only=True``."""

CHECKPOINT_KEYS = ("state_dict", "model_state_dict", "model")
"""Where checkpoints keep a network's tensors."""

Arrays = Mapping[str, npt.NDArray[Any]]
Layer = Convolution | Pooling

_DAMAGED = (
    RuntimeError,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    AssertionError,
    OverflowError,
    MemoryError,
    struct.error,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
)
"""What torch raises on files that are damaged, foreign or not to be trusted."""


def available() -> bool:
    """Tell whether torch is installed."""
    return importlib.util.find_spec("torch") is not None


def download_vgg19() -> Path:
    """Return torchvision's ImageNet weights of VGG-19, downloaded to torch's cache if need be.

    Raises
    ------
    ExtraError
        torchvision is not installed.
    WeightsError
        The download failed.
    """
    torch = _reader()
    weights = _require("torchvision.models").VGG19_Weights.IMAGENET1K_V1
    try:
        weights.get_state_dict(check_hash=True, weights_only=True)
    except (OSError, *_DAMAGED) as error:
        raise WeightsError(
            f"torchvision could not get {weights.url}: {error}. Download that file yourself and "
            "pass its path to --weights."
        ) from error
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name


def read_state(path: Path) -> FileTensors:
    """Look into a .pth file; no code in it is run (``weights_only=True``).

    The tensors may be the file's own, or those of a checkpoint's ``state_dict`` or ``model``.

    Raises
    ------
    ExtraError
        torch is not installed, or is so old that a file could run code.
    WeightsError
        The file is damaged or holds something other than tensors.
    """
    torch = _reader()
    try:
        _check_packing(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on odd files torch speaks to its developers
            content = torch.load(path, map_location="cpu", weights_only=True)
    except _DAMAGED as error:
        raise WeightsError(
            f"'{path}' is no file of tensors that torch reads safely: {_reason(error)} "
            "Save the model's state_dict() instead, or download the file again."
        ) from error
    state = _state_in(content)
    if not isinstance(state, Mapping):
        raise WeightsError(f"'{path}' holds a {type(state).__name__}, not named tensors.")
    for name, value in state.items():
        if not torch.is_tensor(value):
            raise WeightsError(f"'{path}': '{name}' is a {type(value).__name__}, not a tensor.")
    return {str(name): _file_tensor(value) for name, value in state.items()}


def _state_in(content: object) -> object:
    """Return the tensors of a checkpoint, which has other things beside them."""
    if isinstance(content, Mapping):
        for key in CHECKPOINT_KEYS:
            if isinstance(content.get(key), Mapping):
                return content[key]
    return content


def _file_tensor(tensor: "torch.Tensor") -> FileTensor:
    torch = _require("torch")
    strided = tensor.layout == torch.strided and not (tensor.is_quantized or tensor.is_nested)
    real = tensor.is_floating_point() and not tensor.is_meta
    kind = f"{'' if strided else f'{tensor.layout} '}{tensor.dtype}"

    def read() -> Array:
        array: Array = tensor.detach().to(torch.float32).numpy()
        return array

    return FileTensor(tuple(tensor.shape), kind, strided and real, read)


def _reader() -> Any:
    """Return torch, to read files with."""
    torch = _require("torch")
    if major_and_minor(torch.__version__) < OLDEST_TORCH:
        oldest = ".".join(map(str, OLDEST_TORCH))
        raise ExtraError(
            f"torch {torch.__version__} may run code in a .pth file; stylize needs {oldest} or "
            "newer to read one. Upgrade torch, or use a .safetensors file."
        )
    return torch


def _check_packing(path: Path) -> None:
    """Raise WeightsError of a compressed file: torch does not compress, and it could be a bomb."""
    if not zipfile.is_zipfile(path):
        return  # torch's older format
    with zipfile.ZipFile(path) as file:
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in file.infolist()):
            raise WeightsError(
                f"'{path}' is compressed, as torch's files never are. Get it again from its source."
            )


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
        self.torch = _require("torch")
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
        the layers.
        """
        pixels = self.tensor(image).requires_grad_()
        known = {name: self.tensor(array) for name, array in targets.items()}
        last = self.network.deepest(layers.content + layers.style)
        losses = dict(self.losses(pixels, layers, known, last))
        content = [losses[f"content.{layer}"] for layer in layers.content]
        style = [losses[f"style.{layer}"] for layer in layers.style]
        weights = [*content_weights, *style_weights]
        total = self.torch.stack(
            [float(weight) * loss for weight, loss in zip(weights, content + style, strict=True)]
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
            if name in layers.style:
                target = targets[f"style_target.{name}"]
                yield f"style.{name}", self.style_loss(layer, response, target)

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
        squared = self.network.preprocessing.feature_scale**2
        difference = squared * (self.gram(self._read_out(layer, response)) - target)
        return (difference**2).sum() / (4 * layer.represented_channels**2)

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


def _numbers(losses: list["torch.Tensor"]) -> Array:
    return np.array([float(loss.detach()) for loss in losses])


def _require(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ExtraError(
            f"This needs {module.partition('.')[0]}, which is not installed. "
            f"Install the export extra: {install_command('export')}"
        ) from error


def _reason(error: Exception) -> str:
    """Return why torch cannot read a file, but not its advice to read it without safety."""
    if isinstance(error, pickle.UnpicklingError):
        return "it holds more than tensors, or is damaged, and so it is not read."
    return str(error).partition("\n")[0]
