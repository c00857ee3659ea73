"""The manifest of a model folder, ``model.json``: what the folder holds and how to use it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from stylize.models import interface
from stylize.models.catalog import MANIFEST_FILE
from stylize.models.errors import ModelError
from stylize.models.interface import Interface, Shape
from stylize.models.layers import LayerSet, PoolingKind, find_layer
from stylize.models.opening import opened
from stylize.models.parts import Part
from stylize.models.pieces import PIECES, before_format_6
from stylize.models.preprocessing import Preprocessing

FORMAT = 6
"""Version of the folder's format; a change that old readers would misread raises it."""

OLDER_FORMATS = (2, 3, 4, 5)
"""Formats that are read, too. Adam takes no beta2 there; before 5 there are no losses of regions; 2
and 3 compare Gram matrices alone, and 2 has no graphs for tiles."""

LARGEST_MANIFEST = 4 * 2**20
"""Bytes of a manifest; that of the embedded model has 0.2 MB."""

BETA2 = 0.999
"""The decay of Adam's second running mean in folders before format 6."""

OPTIMIZERS = ("lbfgs", "adam")
"""The optimisers that every model has."""

PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")
"""Names of files that lie in the folder itself, on every system."""

LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{0,1000}")
"""A text to be shown: nothing in it moves a terminal's cursor, and all of it can be written."""

Text = Annotated[str, Meta(pattern=rf"^{LINE.pattern}\Z")]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.]+\Z", max_length=100)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Dtype = Literal["float32", "bool"]
"""The types of what goes in and comes out; where convolutions are narrower, it is float32, too."""
Count = Annotated[int, Meta(ge=1, le=2**16)]


@dataclass(frozen=True)
class Layer:
    """A layer that gives a response: a convolution (after its ReLU) or a pooling."""

    name: Name
    channels: Count
    stride: Count
    """Image pixels from one response to the next; there are height // stride rows of them."""
    represents: Count | None = None
    """Channels of the layer that this one was distilled from, if it was."""

    @property
    def represented_channels(self) -> int:
        """N in the losses: the channels, or those that they represent."""
        return self.represents or self.channels


@dataclass(frozen=True)
class Value:
    """An input or output of a graph; a dimension given by a name depends on the image's size."""

    name: Name
    dtype: Dtype
    shape: Shape


@dataclass(frozen=True)
class OtherForm:
    """An ONNX graph that computes the same as another, written otherwise."""

    file: str
    sha256: Sha256


@dataclass(frozen=True)
class GraphFile:
    """An ONNX graph of the folder and the layers that it looks at, if any."""

    file: str
    sha256: Sha256
    opset: Count
    layers: LayerSet
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    blocked: OtherForm | None = None
    """The same function, faster if ONNX Runtime's CPU provider has its blocked layout."""
    float16: OtherForm | None = None
    """The same function with responses and their gradients in float16."""

    @property
    def interface(self) -> Interface:
        """The shapes of its inputs and outputs."""
        inputs, outputs = (
            {value.name: value.shape for value in values} for values in (self.inputs, self.outputs)
        )
        return Interface(inputs, outputs)

    def form(self, name: str) -> "GraphFile | OtherForm":
        """Return the form called `name` if there is one, else the plain graph."""
        return {"blocked": self.blocked, "float16": self.float16}.get(name) or self

    @property
    def forms(self) -> "tuple[GraphFile | OtherForm, ...]":
        """The plain graph and the others that there are."""
        return (self, *(form for form in (self.blocked, self.float16) if form))


@dataclass(frozen=True)
class Block:
    """The graphs of one block of the network for tiles, as a layer set asks of it."""

    number: Count
    """Which block it is, counted from 1 at the image."""
    top: bool
    """Whether no layer above it has a loss."""
    forwards: GraphFile
    backwards: GraphFile

    @property
    def part(self) -> Part:
        """What is asked of the block."""
        return Part(self.number, self.forwards.layers, self.top)


@dataclass(frozen=True)
class Piece(GraphFile):
    """A graph that takes a piece of a picture at a time, or what was added up over all pieces."""

    halo: Annotated[int, Meta(ge=0, le=2**16)] = 0
    """Rows that a strip needs beyond its own, on each side that has rows beyond."""


@dataclass(frozen=True)
class WeightsFile:
    """The one file that holds every kernel, bias and read-out, and where they come from."""

    file: str
    sha256: Sha256
    dtype: Literal["float32", "float16"]
    source: Text
    source_sha256: Text
    licence: Text


@dataclass(frozen=True)
class Manifest:
    """All that is known about a model folder."""

    format: int
    name: Text
    network: Text
    pooling: PoolingKind
    preprocessing: Preprocessing
    layers: tuple[Layer, ...]
    weights: WeightsFile
    features: GraphFile
    targets: tuple[GraphFile, ...]
    gradients: tuple[GraphFile, ...]
    optimizers: dict[str, GraphFile]
    """The optimisers' graphs by name: ``lbfgs`` and ``adam``."""
    variation: GraphFile
    blocks: tuple[Block, ...] = ()
    """Each block as some layer sets ask of it; none in folders of format 2."""
    sums: tuple[GraphFile, ...] = ()
    """For each layer set, what follows from the sums over all tiles."""
    pieces: dict[str, Piece] = field(default_factory=dict)
    """The optimisers and the total variation for pieces of a picture, by name; none in folders of
    release 0.1."""
    root: GraphFile | None = None
    """From a style target to the one that ``bures`` takes; none in folders of formats 2 and 3."""

    @property
    def moments(self) -> bool:
        """Whether its style targets hold means, beside Gram matrices."""
        return self.format >= 4

    @property
    def guided(self) -> bool:
        """Whether its losses of style may be of parts of a picture."""
        return self.format >= 5

    @property
    def takes_beta2(self) -> bool:
        """Whether Adam is told how its second running mean decays; before, that was by `BETA2`."""
        return self.format >= 6

    @property
    def graphs(self) -> tuple[GraphFile, ...]:
        """All graphs of the folder."""
        network = (self.features, *self.targets, *self.gradients)
        tiles = [graph for block in self.blocks for graph in (block.forwards, block.backwards)]
        whole = (*network, *self.optimizers.values(), self.variation)
        roots = (self.root,) if self.root else ()
        return (*whole, *tiles, *self.sums, *self.pieces.values(), *roots)

    @property
    def graph_files(self) -> tuple[GraphFile | OtherForm, ...]:
        """All graphs of the folder, in all their forms."""
        others = (form for graph in self.graphs for form in graph.forms[1:])
        return (*self.graphs, *others)

    @property
    def files(self) -> tuple[WeightsFile | GraphFile | OtherForm, ...]:
        """All files of the folder except the manifest."""
        return (self.weights, *self.graph_files)

    def layer(self, name: str) -> Layer:
        """Return the layer called `name`.

        Raises
        ------
        OptionError
            The network has no such layer.
        """
        return find_layer(self.layers, name, f"The model '{self.name}'")


def to_json(manifest: Manifest) -> bytes:
    """Return the manifest as indented JSON, ending in a newline."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def read_manifest(folder: Path) -> Manifest:
    """Read ``model.json`` of a model folder, and check that it describes a model.

    Raises
    ------
    ModelError
        The folder has no manifest, or one that this release cannot read, or that contradicts
        itself.
    """
    path = folder / MANIFEST_FILE
    text = _read(path)
    try:
        version = msgspec.json.decode(text, type=_Version).format
        if version not in (*OLDER_FORMATS, FORMAT):
            known = ", ".join(map(str, (*OLDER_FORMATS, FORMAT)))
            raise ModelError(
                f"'{path}' has format {version}; this release of stylize reads formats {known}. "
                "Export the model again with this release, or install the one that wrote it."
            )
        manifest = msgspec.json.decode(text, type=Manifest)
        _check(manifest)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ModelError(
            f"'{path}' is damaged: {error}. Copy the folder again, or export it anew."
        ) from error
    return manifest


@dataclass(frozen=True)
class _Version:
    format: int


def _read(path: Path) -> bytes:
    try:
        with opened(path) as file:
            text = file.read(LARGEST_MANIFEST + 1)
    except OSError as error:
        raise ModelError(
            f"'{path.parent}' is not a model folder: there is no readable {MANIFEST_FILE} in it. "
            "'stylize models' lists the models found; 'stylize export vgg19' makes one."
        ) from error
    if len(text) > LARGEST_MANIFEST:
        raise ModelError(
            f"'{path}' has more than {LARGEST_MANIFEST // 2**20} MiB: it is no manifest of a "
            "model. Name another folder."
        )
    return text


def _check(manifest: Manifest) -> None:
    """Raise ValueError where the manifest contradicts itself, or the README beside this file."""
    channels = {layer.name: layer.channels for layer in manifest.layers}
    moments = manifest.moments
    if len(channels) < len(manifest.layers):
        raise ValueError("two of its layers have the same name")
    _check_names([file.file for file in manifest.files])
    for graph in manifest.graphs:
        _check_types(graph)
    _check_interface(manifest.features, interface.features(channels))
    _check_interface(manifest.variation, interface.VARIATION)
    for graph in manifest.targets:
        _check_layers(graph, channels)
        _check_interface(graph, interface.targets(graph.layers, channels, moments))
    for graph in manifest.gradients:
        _check_layers(graph, channels)
        _check_interface(graph, interface.gradient(graph.layers, channels, moments))
    for block in manifest.blocks:
        _check_layers(block.forwards, channels, may_be_none=not block.top)
        _check_block(block, manifest, channels)
    for graph in manifest.sums:
        _check_layers(graph, channels)
        _check_interface(graph, interface.sums(graph.layers, channels, moments))
    if manifest.root:
        _check_interface(manifest.root, interface.ROOT)
    for name, expected in PIECES.items() if manifest.pieces else ():
        if name not in manifest.pieces:
            raise ValueError(f"it names no graph of the piece {name}")
        _check_interface(
            manifest.pieces[name],
            expected if manifest.takes_beta2 else before_format_6(expected),
        )
    for name in OPTIMIZERS:
        if name not in manifest.optimizers:
            raise ValueError(f"it names no graph of the optimiser {name}")
        if fault := interface.optimizer_fault(manifest.optimizers[name].interface):
            raise ValueError(f"the graph of {name} is no optimiser's: {fault}")


def blocks_of(layers: Sequence[Layer]) -> list[tuple[Layer, ...]]:
    """Return the layers in blocks, each of which ends with a pooling, where the stride grows."""
    blocks: list[tuple[Layer, ...]] = []
    start, stride = 0, 1
    for end, layer in enumerate(layers, start=1):
        if layer.stride > stride or end == len(layers):
            blocks.append(tuple(layers[start:end]))
            start, stride = end, layer.stride
    return blocks


def _check_block(block: Block, manifest: Manifest, channels: Mapping[str, int]) -> None:
    file, layers = block.forwards.file, block.part.layers
    if block.number > len(blocks_of(manifest.layers)):
        raise ValueError(f"{file} is of block {block.number}, which the network has not")
    given = _block_layers(manifest, block.number)
    if not {*layers.content, *layers.style} <= {*given.convolutions, given.pooling}:
        raise ValueError(f"{file} looks at layers that are not in block {block.number}")
    if block.backwards.layers != layers:
        raise ValueError(f"{block.backwards.file} looks at other layers than {file}")
    if given.pooling is None and not block.top:
        raise ValueError(f"{file} is of the last block, above which there is no layer")
    kinds = manifest.moments, manifest.guided
    expected = interface.block(layers, given, block.top, channels, *kinds)
    for graph, each in zip((block.forwards, block.backwards), expected, strict=True):
        _check_interface(graph, each)


def _block_layers(manifest: Manifest, number: int) -> interface.BlockLayers:
    """Return the layers of a block, of which all but a pooling at its end have one stride."""
    blocks = blocks_of(manifest.layers)
    *others, last = blocks[number - 1]
    stride = 2 ** (number - 1)
    pooled = last.stride == 2 * stride
    convolutions = others if pooled else [*others, last]
    if not convolutions or any(layer.stride != stride for layer in convolutions):
        raise ValueError(f"block {number} is not of convolutions and a pooling to half the size")
    for layer in blocks[number - 1]:
        if layer.name.startswith("pool") != (layer.stride > stride):
            raise ValueError(f"poolings, and no other layers, are called pool: {layer.name!r}")
    return interface.BlockLayers(
        convolutions=tuple(layer.name for layer in convolutions),
        pooling=last.name if pooled else None,
        kind=manifest.pooling,
        below=blocks[number - 2][-1].channels if number > 1 else 3,
    )


def _check_names(files: Sequence[str]) -> None:
    for name in files:
        if not PLAIN.fullmatch(name):
            raise ValueError(f"it names {name!r}, which is not a file in it")
    if len(set(files)) < len(files):
        raise ValueError("it names a file twice")


def _check_layers(graph: GraphFile, channels: Mapping[str, int], may_be_none: bool = False) -> None:
    used = graph.layers.content + graph.layers.style
    if not used and not may_be_none:
        raise ValueError(f"{graph.file} looks at no layer")
    for name in used:
        if name not in channels:
            raise ValueError(f"{graph.file} looks at {name!r}, which is none of the layers")


def _check_interface(graph: GraphFile, expected: Interface) -> None:
    found = graph.interface
    for what, given, wanted, values in (
        ("inputs", found.inputs, expected.inputs, graph.inputs),
        ("outputs", found.outputs, expected.outputs, graph.outputs),
    ):
        if given != wanted or len(values) != len(given):
            raise ValueError(f"the {what} of {graph.file} are not those of such a graph")


def _check_types(graph: GraphFile) -> None:
    for value in (*graph.inputs, *graph.outputs):
        if (value.dtype == "bool") != value.name.startswith(interface.MASKS):
            raise ValueError(f"{value.name} of {graph.file} is of another type")
