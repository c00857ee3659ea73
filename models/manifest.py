"""The manifest of a model folder, ``model.json``: what the folder holds and how to use it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from stylize.models.catalog import MANIFEST_FILE
from stylize.models.errors import ModelError
from stylize.models.layers import LayerSet, PoolingKind, find_layer
from stylize.models.preprocessing import Preprocessing

FORMAT = 2
"""Version of the folder's format; a change that old readers would misread raises it."""


@dataclass(frozen=True)
class Layer:
    """A layer that gives a response: a convolution (after its ReLU) or a pooling."""

    name: str
    channels: int
    stride: int
    """Image pixels from one response to the next; there are height // stride rows of them."""
    represents: int | None = None
    """Channels of the layer that this one was distilled from, if it was."""

    @property
    def represented_channels(self) -> int:
        """N in the losses: the channels, or those that they represent."""
        return self.represents or self.channels


@dataclass(frozen=True)
class Value:
    """An input or output of a graph; a dimension given by a name depends on the image's size."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class OtherForm:
    """An ONNX graph that computes the same as another, written otherwise."""

    file: str
    sha256: str


@dataclass(frozen=True)
class GraphFile:
    """An ONNX graph of the folder and the layers that it looks at, if any."""

    file: str
    sha256: str
    opset: int
    layers: LayerSet
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    blocked: OtherForm | None = None
    """The same function, faster if ONNX Runtime's CPU provider has its blocked layout."""
    float16: OtherForm | None = None
    """The same function with responses and their gradients in float16."""

    def form(self, name: str) -> "GraphFile | OtherForm":
        """Return the form called `name` if there is one, else the plain graph."""
        return {"blocked": self.blocked, "float16": self.float16}.get(name) or self

    @property
    def forms(self) -> "tuple[GraphFile | OtherForm, ...]":
        """The plain graph and the others that there are."""
        return (self, *(form for form in (self.blocked, self.float16) if form))


@dataclass(frozen=True)
class WeightsFile:
    """The one file that holds every kernel, bias and read-out, and where they come from."""

    file: str
    sha256: str
    dtype: Literal["float32", "float16"]
    source: str
    source_sha256: str
    licence: str


@dataclass(frozen=True)
class Manifest:
    """All that is known about a model folder."""

    format: int
    name: str
    network: str
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

    @property
    def graphs(self) -> tuple[GraphFile, ...]:
        """All graphs of the folder."""
        network = (self.features, *self.targets, *self.gradients)
        return (*network, *self.optimizers.values(), self.variation)

    @property
    def files(self) -> tuple[WeightsFile | GraphFile | OtherForm, ...]:
        """All files of the folder except the manifest."""
        others = (form for graph in self.graphs for form in graph.forms[1:])
        return (self.weights, *self.graphs, *others)

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
    """Read ``model.json`` of a model folder.

    Raises
    ------
    ModelError
        The folder has no manifest, or one that this release cannot read.
    """
    path = folder / MANIFEST_FILE
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"'{folder}' is not a model folder: there is no readable {MANIFEST_FILE} in it. "
            "'stylize models' lists the models found; 'stylize export vgg19' makes one."
        ) from error
    try:
        version = msgspec.json.decode(text, type=_Version).format
        if version != FORMAT:
            raise ModelError(
                f"'{path}' has format {version}; this release of stylize reads format {FORMAT}. "
                "Export the model again with this release, or install the one that wrote it."
            )
        return msgspec.json.decode(text, type=Manifest)
    except msgspec.MsgspecError as error:
        raise ModelError(
            f"'{path}' is damaged: {error}. Copy the folder again, or export it anew."
        ) from error


@dataclass(frozen=True)
class _Version:
    format: int
