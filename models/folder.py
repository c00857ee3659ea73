"""A model folder on disk, checked against its manifest, and the choice among its graphs."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stylize.models.errors import ModelError
from stylize.models.layers import LayerSet
from stylize.models.manifest import GraphFile, Manifest, read_manifest


@dataclass(frozen=True)
class ModelFolder:
    """A folder whose files are those that its manifest describes."""

    path: Path
    manifest: Manifest

    def gradient_graph(self, layers: LayerSet) -> GraphFile:
        """Return the gradient graph that covers `layers` and computes the least beyond them."""
        return self._least(self.manifest.gradients, layers)

    def targets_graph(self, layers: LayerSet) -> GraphFile:
        """Return the targets graph that covers `layers` and computes the least beyond them."""
        return self._least(self.manifest.targets, layers)

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
        return (
            f"The model '{self.manifest.name}' ({self.path}) has no graph for {layers}. "
            f"Run 'stylize export vgg19' again with the options you used, and {' '.join(options)}"
        )


def open_folder(path: Path) -> ModelFolder:
    """Open a model folder and check every file in it against the manifest.

    Raises
    ------
    ModelError
        There is no manifest, or a file is missing, or has a wrong name or a wrong sha256.
    """
    manifest = read_manifest(path)
    for file in manifest.files:
        _check_file(path, file.file, file.sha256)
    return ModelFolder(path, manifest)


def sha256(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_file(folder: Path, name: str, expected: str) -> None:
    path = folder / name
    if Path(name).name != name:
        raise ModelError(f"The manifest of '{folder}' names '{name}', which is not a file in it.")
    if not path.is_file():
        raise ModelError(
            f"The model folder '{folder}' is incomplete: {name} is missing. "
            "Copy the whole folder again, or export it anew."
        )
    found = sha256(path)
    if found != expected:
        raise ModelError(
            f"'{path}' ({path.stat().st_size} bytes) is damaged or was changed: its sha256 is "
            f"{found}, the manifest says {expected}. Copy the folder again, or export it anew."
        )
