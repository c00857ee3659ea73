"""Writing a model folder: weights once, one graph for each layer set, the manifest; all or none."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import onnx

from stylize.export.assemble import features_model, gradient_model, targets_model
from stylize.export.graph import OPSET
from stylize.export.network import Network
from stylize.export.stored import stored_tensors
from stylize.export.weights import Weights, store_weights
from stylize.models.catalog import MANIFEST_FILE
from stylize.models.errors import ModelError
from stylize.models.folder import sha256
from stylize.models.layers import LayerSet, paper_layer_sets
from stylize.models.manifest import (
    FORMAT,
    GraphFile,
    Layer,
    Manifest,
    Value,
    WeightsFile,
    to_json,
)

WEIGHTS_FILE = "weights.safetensors"


def write_folder(
    path: Path,
    network: Network,
    weights: Weights,
    *,
    half: bool = False,
    layers: LayerSet | None = None,
) -> Manifest:
    """Write a model folder in place of whatever model was there.

    Parameters
    ----------
    path : Path
        The folder, whose name becomes the model's. It appears when it is complete.
    network : Network
        What the graphs compute.
    weights : Weights
        Its kernels and biases.
    half : bool
        Store the weights as float16, in half the space.
    layers : LayerSet, optional
        A layer set to export a gradient graph for, beside those of the paper.

    Raises
    ------
    ModelError
        A layer is unknown, or the folder cannot be written or holds something else.
    """
    check_replaceable(path)
    check_layers(network, layers)
    sets = list(
        dict.fromkeys(
            [
                *paper_layer_sets(),
                *([layers] if layers else []),
            ]
        )
    )
    with _replacing(path) as folder:
        store_weights(folder / WEIGHTS_FILE, weights.arrays, half=half)
        stored = stored_tensors(folder / WEIGHTS_FILE)
        manifest = Manifest(
            format=FORMAT,
            name=path.name,
            network=network.name,
            pooling=network.pooling,
            preprocessing=network.preprocessing,
            layers=_layers(network),
            weights=_weights_file(folder, weights, half),
            features=_save(folder, "features", features_model(network, stored)),
            targets=tuple(
                _save(folder, "targets", targets_model(network, stored, layers), layers)
                for layers in _target_sets(sets)
            ),
            gradients=tuple(
                _save(folder, "gradient", gradient_model(network, stored, layers), layers)
                for layers in sets
            ),
        )
        (folder / MANIFEST_FILE).write_bytes(to_json(manifest))
    return manifest


def check_replaceable(path: Path) -> None:
    """Raise ModelError if a folder is there that is neither empty nor a model."""
    if path.exists() and not path.is_dir():
        raise ModelError(f"'{path}' is a file. Name a folder for the model.")
    if path.is_dir() and any(path.iterdir()) and not (path / MANIFEST_FILE).is_file():
        raise ModelError(
            f"'{path}' holds other files and is not a model folder. Name a new folder, "
            f"for example '{path / 'vgg19'}'."
        )


def check_layers(network: Network, layers: LayerSet | None) -> None:
    """Raise ModelError if the network lacks one of the layers."""
    for name in layers.content + layers.style if layers else ():
        network.layer(name)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside `path`, and move it there once it is complete."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as temporary:
            new, old = Path(temporary, "new"), Path(temporary, "old")
            new.mkdir()
            yield new
            if path.exists():
                path.rename(old)
            try:
                new.rename(path)
            except BaseException:
                if old.exists():
                    old.rename(path)
                raise
    except OSError as error:
        raise ModelError(
            f"'{path}' cannot be written: {error.strerror or error}. "
            "Free some space, or name another folder with -o."
        ) from error


def _layers(network: Network) -> tuple[Layer, ...]:
    return tuple(
        Layer(layer.name, layer.channels, network.stride(layer.name)) for layer in network.layers
    )


def _weights_file(folder: Path, weights: Weights, half: bool) -> WeightsFile:
    return WeightsFile(
        file=WEIGHTS_FILE,
        sha256=sha256(folder / WEIGHTS_FILE),
        dtype="float16" if half else "float32",
        source=weights.source,
        source_sha256=weights.source_sha256,
        licence=weights.licence,
    )


def _target_sets(sets: Sequence[LayerSet]) -> list[LayerSet]:
    """Content and style targets come of different pictures, and so of different graphs."""
    content = [LayerSet(content=layers.content) for layers in sets if layers.content]
    style = [LayerSet(style=layers.style) for layers in sets if layers.style]
    return list(dict.fromkeys(content + style))


def _save(
    folder: Path, kind: str, model: onnx.ModelProto, layers: LayerSet = LayerSet()
) -> GraphFile:
    path = folder / f"{kind}{_suffix(layers)}.onnx"
    onnx.save(model, path)
    onnx.checker.check_model(path, full_check=True)
    return GraphFile(
        file=path.name,
        sha256=sha256(path),
        opset=OPSET,
        layers=layers,
        inputs=_values(model.graph.input),
        outputs=_values(model.graph.output),
    )


def _suffix(layers: LayerSet) -> str:
    """Return ``.content-conv4_2.style-conv1_1-conv2_1``."""
    parts = (("content", layers.content), ("style", layers.style))
    return "".join(f".{'-'.join((kind, *names))}" for kind, names in parts if names)


def _values(infos: Iterable[onnx.ValueInfoProto]) -> tuple[Value, ...]:
    return tuple(
        Value(
            info.name,
            onnx.helper.tensor_dtype_to_np_dtype(info.type.tensor_type.elem_type).name,
            tuple(dim.dim_param or dim.dim_value for dim in info.type.tensor_type.shape.dim),
        )
        for info in infos
    )
