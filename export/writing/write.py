"""Writing a model folder: weights once, one graph for each layer set, the manifest; all or none."""

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
import onnx

from stylize.export.calculus.graph import OPSET
from stylize.export.lowering.blocked import lower
from stylize.export.method.adam import adam_model
from stylize.export.method.assemble import features_model, gradient_model, targets_model
from stylize.export.method.blocks import block_gradient_model, block_model
from stylize.export.method.half import SLOPES
from stylize.export.method.lbfgs import lbfgs_model
from stylize.export.method.pieces import PIECES
from stylize.export.method.statistics import root_model
from stylize.export.method.sums import sums_model
from stylize.export.method.variation import variation_model
from stylize.export.network.architecture import Network
from stylize.export.network.stored import StoredTensor, stored_tensors
from stylize.export.network.weights import Weights, store_weights
from stylize.models.catalog import MANIFEST_FILE
from stylize.models.errors import ModelError
from stylize.models.exchanging import exchange
from stylize.models.files import sha256
from stylize.models.layers import (
    LayerSet,
    Statistics,
    guided_layer_sets,
    paper_layer_sets,
    richer_layer_sets,
)
from stylize.models.manifest import (
    FORMAT,
    LINE,
    Block,
    GraphFile,
    Layer,
    Manifest,
    OtherForm,
    Piece,
    Value,
    WeightsFile,
    to_json,
)
from stylize.models.parts import Part, parts

WEIGHTS_FILE = "weights.safetensors"

OWN_FILES = re.compile(
    rf"{re.escape(MANIFEST_FILE)}|{re.escape(WEIGHTS_FILE)}|"
    r"(features|targets|gradient|block|sums|root|lbfgs|adam|variation|slope|judge|coordinates)\b.*\.onnx"
)
"""Names of the files that an export writes, and that the next one may replace."""

LITTER = re.compile(
    r"\.DS_Store|\._.*|\.localized|Thumbs\.db|ehthumbs\.db|desktop\.ini|\.directory", re.IGNORECASE
)
"""Names of the files that file managers leave wherever they look; nobody misses them."""


def write_folder(
    path: Path,
    network: Network,
    weights: Weights,
    *,
    half: bool = False,
    layers: LayerSet = LayerSet(),
    check: Callable[[Path, Manifest], None] = lambda folder, manifest: None,
) -> Manifest:
    """Write a model folder in place of whatever model was there.

    Parameters
    ----------
    path : Path
        The folder, whose name becomes the model's. It appears when it is complete.
    network : Network
        The network that the graphs compute.
    weights : Weights
        Its kernels and biases.
    half : bool
        Store the weights as float16, in half the space.
    layers : LayerSet
        A layer set to export a gradient graph for, beside those of the paper.
    check : function of Path and Manifest
        Looks at the complete folder while it has a temporary name. If it raises, the folder
        vanishes, and a model that was there stays.

    Raises
    ------
    OptionError
        The network has no such layer.
    ModelError
        The folder cannot be written, or holds something else.
    """
    check_replaceable(path)
    added = in_order(network, layers)
    sets = _layer_sets(added)
    guided = _guided_sets(added)
    with _replacing_folder(path) as folder:
        with _writing(path):
            weights_file = _save_weights(folder, weights, half)
            manifest = _save_graphs(folder, path.name, network, weights_file, sets, guided)
            (folder / MANIFEST_FILE).write_bytes(to_json(manifest))
        check(folder, manifest)
    return manifest


def check_replaceable(path: Path) -> None:
    """Raise ModelError unless a model may be written to `path`, in place of nothing or of another.

    Whatever an export did not write stays.
    """
    if not LINE.fullmatch(path.name):
        raise ModelError(f"{path.name!r} cannot be a model's name. Name another folder.")
    with _writing(path):
        if path.exists() and not path.is_dir():
            raise ModelError(f"'{path}' is a file. Name a folder for the model.")
        names = [file.name for file in path.iterdir()] if path.is_dir() else []
    for name in names:
        if not (OWN_FILES.fullmatch(name) or LITTER.fullmatch(name)):
            raise ModelError(
                f"'{path}' holds '{name}', which is no part of a model and would be lost. "
                f"Name a new folder, for example '{path / 'vgg19'}'."
            )


def in_order(network: Network, layers: LayerSet) -> LayerSet:
    """Return the same layers from the image upwards.

    Raises
    ------
    OptionError
        The network has no such layer.
    """
    names = [layer.name for layer in network.layers]
    for name in layers.content + layers.style:
        network.layer(name)
    content, style = (
        tuple(sorted(kind, key=names.index)) for kind in (layers.content, layers.style)
    )
    return LayerSet(content, style)


def _layer_sets(added: LayerSet) -> list[LayerSet]:
    """Return those that every model has, and another with all statistics that may be compared."""
    paper = paper_layer_sets()
    own = [] if not added or added in paper else get_args(Statistics)
    others = [replace(added, statistics=statistics) for statistics in own]
    return list(dict.fromkeys([*paper, *richer_layer_sets(), *others]))


def _guided_sets(added: LayerSet) -> list[LayerSet]:
    """Return those for which parts of a picture are compared."""
    others = [] if not added.style or added in paper_layer_sets() else [replace(added, guided=True)]
    return list(dict.fromkeys([*guided_layer_sets(), *others]))


@contextmanager
def _replacing_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside `path`, and move it there once it is complete.

    Until then it lies so deep that nobody takes it for a model, should this process be killed.
    """
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = tempfile.TemporaryDirectory(prefix=".stylize-", dir=path.parent)
    with temporary as place:
        new = Path(place, "new")
        with _writing(path):
            new.mkdir()
        yield new
        with _writing(path):
            exchange(path, new, Path(place, "old"))


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn the errors of writing a model into ours."""
    try:
        yield
    except OSError as error:
        raise ModelError(
            f"'{path}' cannot be written: {error.strerror or error}. "
            "Free some space, or name another folder with -o."
        ) from error


def _save_graphs(
    folder: Path,
    name: str,
    network: Network,
    weights: WeightsFile,
    sets: Sequence[LayerSet],
    guided: Sequence[LayerSet],
) -> Manifest:
    """Save the graphs, for some layer sets, beside their weights; return the folder's manifest.

    Tiles need none of their own for regions.
    """
    stored = stored_tensors(folder / weights.file)
    return Manifest(
        format=FORMAT,
        name=name,
        network=network.name,
        pooling=network.pooling,
        preprocessing=network.preprocessing,
        layers=_layers(network),
        weights=weights,
        features=_save(folder, "features", features_model(network, stored)),
        targets=tuple(
            _save(folder, f"targets.{number}", targets_model(network, stored, layers), layers)
            for number, layers in enumerate(_target_sets(sets), start=1)
        ),
        gradients=tuple(
            _save_forms(
                folder,
                f"gradient.{number}",
                partial(gradient_model, network, stored, layers),
                layers,
            )
            for number, layers in enumerate([*sets, *guided], start=1)
        ),
        optimizers={
            "lbfgs": _save(folder, "lbfgs", lbfgs_model()),
            "adam": _save(folder, "adam", adam_model()),
        },
        variation=_save(folder, "variation", variation_model()),
        blocks=tuple(
            _save_block(folder, f"block.{number}", network, stored, part)
            for number, part in enumerate(_parts(network, sets), start=1)
        ),
        sums=tuple(
            _save(folder, f"sums.{number}", sums_model(network, stored, layers), layers)
            for number, layers in enumerate(sets, start=1)
        ),
        pieces={
            name: Piece(**vars(_save(folder, name, made.model())), halo=made.halo)
            for name, made in PIECES.items()
        },
        root=_save(folder, "root", root_model(network.preprocessing.feature_scale)),
    )


def _layers(network: Network) -> tuple[Layer, ...]:
    return tuple(
        Layer(layer.name, layer.channels, network.stride(layer.name), layer.represents)
        for layer in network.layers
    )


def _save_weights(folder: Path, weights: Weights, half: bool) -> WeightsFile:
    store_weights(folder / WEIGHTS_FILE, weights.arrays, half=half)
    return WeightsFile(
        file=WEIGHTS_FILE,
        sha256=sha256(folder / WEIGHTS_FILE),
        dtype="float16" if half else "float32",
        source=weights.source,
        source_sha256=weights.source_sha256,
        licence=weights.licence,
    )


def _target_sets(sets: Sequence[LayerSet]) -> list[LayerSet]:
    """Return the layer sets of the targets' graphs.

    Content and style targets come of different pictures, and so of different graphs.
    """
    content = [LayerSet(content=layers.content) for layers in sets if layers.content]
    style = [LayerSet(style=layers.style) for layers in sets if layers.style]  # any statistics
    return list(dict.fromkeys(content + style))


def _save(
    folder: Path, name: str, model: onnx.ModelProto, layers: LayerSet = LayerSet()
) -> GraphFile:
    path = folder / f"{name}.onnx"
    return GraphFile(
        file=path.name,
        sha256=_write_checked(path, model),
        opset=OPSET,
        layers=layers,
        inputs=_values(model.graph.input),
        outputs=_values(model.graph.output),
    )


def _save_forms(
    folder: Path, name: str, build: Callable[..., onnx.ModelProto], layers: LayerSet
) -> GraphFile:
    """Save a graph that runs at every iteration in all its forms, those of roots not in float16.

    `build` takes, as `convolved`, the type of what is convolved.
    """
    plain = build()
    graph = _save(folder, name, plain, layers)

    def other(form: str, model: onnx.ModelProto) -> OtherForm:
        path = folder / f"{name}.{form}.onnx"
        return OtherForm(path.name, _write_checked(path, model))

    graph = replace(graph, blocked=other("blocked", lower(plain)))
    if layers.statistics not in SLOPES:
        return graph
    return replace(graph, float16=other("float16", build(convolved=np.float16)))


def _parts(network: Network, sets: Sequence[LayerSet]) -> list[Part]:
    """Return what the layer sets ask of the blocks, each once, from the image upwards."""
    blocks = [[layer.name for layer in block] for block in network.blocks]
    found = dict.fromkeys(part for layers in sets for part in parts(blocks, layers))
    return sorted(found, key=lambda part: part.number)


def _save_block(
    folder: Path, name: str, network: Network, stored: Mapping[str, StoredTensor], part: Part
) -> Block:
    forwards, backwards = (
        _save_forms(folder, f"{name}.{way}", partial(build, network, stored, part), part.layers)
        for way, build in (("forwards", block_model), ("backwards", block_gradient_model))
    )
    return Block(part.number, part.top, forwards, backwards)


def _write_checked(path: Path, model: onnx.ModelProto) -> str:
    """Write a graph, have onnx check it, and return its sha256.

    Without names of nodes, which are those of their outputs, files are a seventh smaller.
    """
    for node in model.graph.node:
        node.ClearField("name")
    onnx.save(model, path)
    onnx.checker.check_model(path, full_check=True)
    return sha256(path)


def _values(infos: Iterable[onnx.ValueInfoProto]) -> tuple[Value, ...]:
    return tuple(
        Value(
            info.name,
            "bool" if info.type.tensor_type.elem_type == onnx.TensorProto.BOOL else "float32",
            tuple(dim.dim_param or dim.dim_value for dim in info.type.tensor_type.shape.dim),
        )
        for info in infos
    )
