"""A graph of a model folder, loaded for images of one size on one provider."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from stylize.models.errors import ProviderError, StylizeError
from stylize.models.folder import ModelFolder
from stylize.models.manifest import GraphFile
from stylize.runtime.providers import Provider, open_session

Array = npt.NDArray[np.float32]


class Program:
    """A function from named arrays to named arrays.

    Parameters
    ----------
    folder : ModelFolder
        Where the graph lies.
    graph : GraphFile
        Its entry in the manifest.
    size : tuple of int
        Height and width of the image.
    provider : Provider
        Where it runs.
    """

    def __init__(
        self, folder: ModelFolder, graph: GraphFile, size: tuple[int, int], provider: Provider
    ) -> None:
        dimensions = _dimensions(folder, size)
        values = (*graph.inputs, *graph.outputs)
        used = {dimension for value in values for dimension in value.shape}
        self.input_shapes = {
            value.name: tuple(n if isinstance(n, int) else dimensions[n] for n in value.shape)
            for value in graph.inputs
        }
        self._outputs = [value.name for value in graph.outputs]
        file = graph.blocked.file if graph.blocked and provider.blocked else graph.file
        self._what = f"{file} at {size[1]}x{size[0]} pixels, provider {provider.name}"
        with self._reporting():
            self._session = open_session(
                folder.path / file,
                {name: value for name, value in dimensions.items() if name in used},
                provider,
            )

    def __call__(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Run the graph once."""
        with self._reporting():
            outputs = self._session.run(self._outputs, feeds)
        # Copies: what ONNX Runtime returns keeps all memory of its session alive.
        return {name: np.array(value) for name, value in zip(self._outputs, outputs, strict=True)}

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Turn ONNX Runtime's errors, which have no common base, into ours."""
        try:
            yield
        except StylizeError:
            raise
        except Exception as error:
            raise ProviderError(
                f"ONNX Runtime failed on {self._what}: {error} "
                "If memory ran out, use a smaller size."
            ) from error


def _dimensions(folder: ModelFolder, size: tuple[int, int]) -> dict[str, int]:
    """Return a value for each symbolic dimension; poolings drop what is left over."""
    height, width = size
    dimensions = {"height": height, "width": width}
    for layer in folder.manifest.layers:
        dimensions[f"{layer.name}_height"] = height // layer.stride
        dimensions[f"{layer.name}_width"] = width // layer.stride
    return dimensions
