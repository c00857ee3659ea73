"""What all contestants compute: a model's losses and gradient at one random image."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stylize.export.network.architecture import Convolution, Network, Pooling
from stylize.models.folder import ModelFolder, open_folder
from stylize.models.layers import CONTENT_LAYERS, STYLE_LAYERS, LayerSet
from stylize.models.manifest import Layer
from stylize.runtime import Model

Array = npt.NDArray[np.float32]
Result = tuple[float, npt.NDArray[np.floating]]
"""The total loss and its gradient by the image."""
Size = tuple[int, int]
"""Width and height in pixels."""

KINDS = ("weight", "bias", "readout")
CONTENT_WEIGHTS = dict.fromkeys(CONTENT_LAYERS, 1.0)
STYLE_WEIGHTS = dict.fromkeys(STYLE_LAYERS, 2000.0)


@dataclass(frozen=True)
class Case:
    """A model, and a folder of files that its contestants share at one size.

    Attributes
    ----------
    model : Path
        The model folder.
    folder : Path
        Holds the image, the targets, and what contestants leave: graphs, and their results.
    """

    model: Path
    folder: Path

    @property
    def references(self) -> tuple[Path, Path]:
        """Where the results at the image and at that mirrored are, which others must equal."""
        return self.result("reference"), self.result("reference.mirrored")

    def result(self, name: str) -> Path:
        """Where a loss and gradient are kept."""
        return self.folder / f"result.{name}.npz"

    def load(self) -> tuple[Array, dict[str, Array]]:
        """Return the image, shape (1, 3, height, width), and the targets by name."""
        arrays = dict(np.load(self.folder / "inputs.npz"))
        return arrays.pop("image"), arrays

    def store(self, image: Array, targets: Mapping[str, Array]) -> None:
        """Write what `load` returns."""
        arrays: dict[str, Any] = {"image": image, **targets}
        np.savez(self.folder / "inputs.npz", **arrays)


def store_result(path: Path, result: Result) -> None:
    """Write what `load_result` returns."""
    np.savez(path, total=result[0], gradient=result[1])


def load_result(path: Path) -> Result:
    """Return the loss and the gradient that a contestant left in a file."""
    with np.load(path) as arrays:
        return float(arrays["total"]), arrays["gradient"].astype(np.float64)


def prepare(model: Model, size: Size, folder: Path) -> Case:
    """Draw an image, and the targets of another photo and painting of the same size."""
    width, height = size
    random = np.random.default_rng(0)
    image, photo, painting = (random.random((1, 3, height, width), np.float32) for _ in range(3))
    content = model.targets(photo, LayerSet(content=CONTENT_LAYERS))
    style = model.targets(painting, LayerSet(style=STYLE_LAYERS))
    case = Case(model.folder.path, folder)
    case.store(image, content | style)
    return case


def mirrored(image: Array) -> Array:
    """Return another image."""
    return np.ascontiguousarray(image[..., ::-1])


def used_layers(folder: ModelFolder) -> list[Layer]:
    """Return the layers from the image up to the deepest that has a loss."""
    layers = list(folder.manifest.layers)
    deepest = max(map(layers.index, map(folder.manifest.layer, CONTENT_LAYERS + STYLE_LAYERS)))
    return layers[: deepest + 1]


def network_of(folder: ModelFolder, weights: Mapping[str, Array]) -> Network:
    """Return those layers as the exporter describes them."""
    manifest = folder.manifest
    layers = tuple(
        Convolution(layer.name, kernel.shape[1], layer.channels, layer.represents)
        if (kernel := weights.get(f"{layer.name}.weight")) is not None
        else Pooling(layer.name, layer.channels)
        for layer in used_layers(folder)
    )
    return Network(manifest.network, layers, manifest.pooling, manifest.preprocessing)


def used_weights(folder: ModelFolder) -> dict[str, Array]:
    """Return kernels, biases and read-outs of those layers, float32 however they are stored."""
    from safetensors import safe_open  # late: a benchmark can say that it is missing

    names = {f"{layer.name}.{kind}" for layer in used_layers(folder) for kind in KINDS}
    with safe_open(folder.path / folder.manifest.weights.file, "numpy") as file:
        return {
            name: np.asarray(file.get_tensor(name), np.float32)
            for name in file.keys()  # noqa: SIM118 (it is no mapping)
            if name in names
        }


def step_flop(case: Case) -> int:
    """Return the multiplications and additions of the step's convolutions, done directly."""
    folder = open_folder(case.model)
    image, _ = case.load()
    height, width = image.shape[2:]
    weights = used_weights(folder)
    return sum(
        2 * 2 * weight.size * (height // layer.stride) * (width // layer.stride)
        for layer in used_layers(folder)
        if (weight := weights.get(f"{layer.name}.weight")) is not None
    )  # forward and backward, a multiplication and an addition each
