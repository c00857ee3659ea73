"""A model folder on disk, checked against its manifest, and the choice among its graphs."""

import mmap
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from stylize.models.catalog import MANIFEST_FILE, embedded_folder
from stylize.models.errors import ModelError
from stylize.models.files import map_weights, read_graph
from stylize.models.layers import LayerSet
from stylize.models.manifest import (
    Block,
    GraphFile,
    Layer,
    Manifest,
    OtherForm,
    Piece,
    blocks_of,
    read_manifest,
)
from stylize.models.parts import Part, parts
from stylize.models.references import Reference, references


@dataclass(frozen=True)
class StoredGraph:
    """A graph and the weights that it refers to, with every byte as it was checked.

    Attributes
    ----------
    name : str
        Name of its file, for messages.
    model : bytes
        The ONNX model.
    references : tuple of Reference
        All that it refers to in `weights`, and it refers to nothing else.
    weights : mmap or bytes
        The content of the weights file. It must outlive what was made of it.
    """

    name: str
    model: bytes
    references: tuple[Reference, ...] = ()
    weights: mmap.mmap | bytes = field(default=b"", repr=False)

    def forget_pages(self) -> None:
        """Let the weights leave this process's memory; what is looked at again comes back."""
        if isinstance(self.weights, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            self.weights.madvise(mmap.MADV_DONTNEED)


@dataclass(frozen=True)
class ModelFolder:
    """A folder whose files are those that its manifest describes.

    Attributes
    ----------
    path : Path
        Where it lies.
    manifest : Manifest
        What it holds.
    weights : mmap or bytes
        The content of its weights file.
    """

    path: Path
    manifest: Manifest
    weights: mmap.mmap | bytes = field(default=b"", repr=False, compare=False)

    @property
    def files(self) -> list[Path]:
        """The paths of all its files."""
        names = (MANIFEST_FILE, *(file.file for file in self.manifest.files))
        return [self.path / name for name in names]

    def read(self, graph: GraphFile | OtherForm) -> StoredGraph:
        """Read a graph, and check it and all that it refers to.

        Raises
        ------
        ModelError
            The file was changed, is no graph, or refers to something else than the weights.
        """
        path = self.path / graph.file
        model = read_graph(path, graph.sha256)
        try:
            found = references(model)
            for reference in found:
                self._check_place(reference)
        except ValueError as error:
            raise ModelError(
                f"'{path}' cannot be used: {error}. Get the model again from somebody you trust, "
                "or export it yourself."
            ) from error
        return StoredGraph(graph.file, model, found, self.weights)

    def _check_place(self, reference: Reference) -> None:
        file = self.manifest.weights.file
        if reference.file != file:
            raise ValueError(f"it refers to '{reference.file}', which is not the model's {file}")
        if reference.offset + reference.length > len(self.weights):
            raise ValueError(f"'{reference.name}' lies beyond the end of {file}")

    def gradient_graph(self, layers: LayerSet) -> GraphFile:
        """Return the gradient graph that covers `layers` and computes the least beyond them."""
        return self._least(self.manifest.gradients, layers)

    def guided_graph(self, layers: LayerSet) -> GraphFile | None:
        """Return the gradient graph of parts of a picture; None if only tiles will do."""
        try:
            return self.gradient_graph(replace(layers, guided=True))
        except ModelError:
            return None

    def targets_graph(self, layers: LayerSet) -> GraphFile:
        """Return the targets graph that covers `layers` and computes the least beyond them."""
        return self._least(self.manifest.targets, layers)

    def blocks(self, layers: LayerSet) -> list[Block]:
        """Return the graphs of each block for tiles, from the image upwards.

        Parameters
        ----------
        layers : LayerSet
            Those of a gradient graph.

        Raises
        ------
        ModelError
            The model was written by a release without such graphs.
        """
        names = [[layer.name for layer in block] for block in self._blocks]
        return [self._block(part) for part in parts(names, layers)]

    def sums_graph(self, layers: LayerSet) -> GraphFile:
        """Return the graph of what follows from sums over all tiles; see `blocks`."""
        for graph in self.manifest.sums:
            if graph.layers == layers:
                return graph
        raise self._without_tiles()

    def piece(self, name: str) -> Piece:
        """Return a graph for pieces of a picture; see `blocks`."""
        if name not in self.manifest.pieces:
            raise self._without_tiles()
        return self.manifest.pieces[name]

    def halo(self, block: Block) -> int:
        """Return how far a tile reaches beyond its own part: one position for each convolution."""
        layers, used = self._blocks[block.number - 1], block.part.layers
        if block.top:
            seen = [layer.name in used.content + used.style for layer in layers]
            layers = layers[: len(seen) - seen[::-1].index(True)]
        return sum(layer.stride == layers[0].stride for layer in layers)

    @property
    def _blocks(self) -> list[tuple[Layer, ...]]:
        return blocks_of(self.manifest.layers)

    def _block(self, part: Part) -> Block:
        for block in self.manifest.blocks:
            if block.part == part:
                return block
        raise self._without_tiles()

    def _without_tiles(self) -> ModelError:
        return ModelError(
            f"The model '{self.manifest.name}' was exported by an earlier release, whose pictures "
            "must fit into memory in one piece. Export it again, allow more memory, or use a "
            "smaller size."
        )

    def dimensions(self, size: tuple[int, int]) -> dict[str, int]:
        """Return what the names in the graphs' shapes stand for, at a height and width.

        Poolings drop what is left over.
        """
        height, width = size
        dimensions = {"height": height, "width": width}
        for layer in self.manifest.layers:
            dimensions[f"{layer.name}_height"] = height // layer.stride
            dimensions[f"{layer.name}_width"] = width // layer.stride
        return dimensions

    def least_side(self, layers: LayerSet) -> int:
        """Return the pixels that a side of an image must have for each of `layers` to respond.

        A response has height // stride rows, so it is the largest stride; 1 without any layer.
        Give the layers of the graph that runs, which may be more than were asked for.

        Raises
        ------
        OptionError
            The network has no such layer.
        """
        used = layers.content + layers.style
        return max((self.manifest.layer(name).stride for name in used), default=1)

    def _least(self, graphs: Sequence[GraphFile], layers: LayerSet) -> GraphFile:
        for name in layers.content + layers.style:
            self.manifest.layer(name)
        fitting = [graph for graph in graphs if graph.layers.covers(layers)]
        if not fitting:
            raise ModelError(self._missing(layers))
        return min(fitting, key=self._cost)

    def _cost(self, graph: GraphFile) -> tuple[int, int]:
        """Return the depth of the deepest layer, then the number of losses."""
        names = [layer.name for layer in self.manifest.layers]
        used = graph.layers.content + graph.layers.style
        return max(map(names.index, used)), len(used)

    def _missing(self, layers: LayerSet) -> str:
        options = [f"--content-layer {name}" for name in layers.content]
        options += [f"--style-layer {name}" for name in layers.style]
        lacks = f"The model '{self.manifest.name}' ({self.path}) has no graph for {layers}. "
        if layers.statistics != "gram" and not self.manifest.moments:
            return (
                f"{lacks}The release that exported it compared Gram matrices only. Run 'stylize "
                "export vgg19' again, or use --style-statistics gram."
            )
        if self.path == embedded_folder():
            return (
                f"{lacks}The embedded model has those of the paper only. Export VGG-19 with these, "
                f"and use it: stylize export vgg19 {' '.join(options)}"
            )
        return (
            f"{lacks}Run 'stylize export vgg19' again with the options you used, and "
            f"{' '.join(options)}"
        )


def open_folder(path: Path) -> ModelFolder:
    """Open a model folder and check every file in it against the manifest.

    Raises
    ------
    ModelError
        There is no manifest, or it is not one of a model, or a file is missing, cannot be read or
        has a wrong sha256.
    """
    manifest = read_manifest(path)
    for file in manifest.graph_files:
        read_graph(path / file.file, file.sha256)
    weights = manifest.weights
    return ModelFolder(path, manifest, map_weights(path / weights.file, weights.sha256))
