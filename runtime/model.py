"""An opened model: what its graphs compute, on a provider, for images of any size."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stylize.models.catalog import find_model
from stylize.models.folder import ModelFolder, open_folder
from stylize.models.layers import LayerSet
from stylize.models.manifest import GraphFile
from stylize.runtime.objective import Objective
from stylize.runtime.program import Program
from stylize.runtime.providers import Provider, find_provider

Array = npt.NDArray[np.float32]


class Model:
    """A model folder that is ready to run.

    Attributes
    ----------
    folder : ModelFolder
        Where it lies and what its manifest says.
    provider : Provider
        Where its graphs run.
    """

    def __init__(self, folder: ModelFolder, provider: Provider) -> None:
        self.folder = folder
        self.provider = provider
        self._loaded: dict[tuple[str, tuple[int, int]], Program] = {}

    @classmethod
    def open(cls, model: str | Path | None = None, provider: str = "cpu") -> "Model":
        """Open a model folder and check it.

        Parameters
        ----------
        model : str or Path, optional
            A folder, or the name of a model in the search folders. Without it, ``vgg19`` where
            an exported one is found, else the small model that is embedded in the package.
        provider : str
            ``cpu`` or ``cuda``.

        Raises
        ------
        ModelError
            There is no such model, or its files are not what its manifest says.
        ProviderError
            The provider is unknown or not installed.
        """
        path = find_model(str(model) if model is not None else None)
        return cls(open_folder(path), find_provider(provider))

    def features(self, image: Array) -> dict[str, Array]:
        """Return every layer's response, ``conv1_1`` ..., and Gram matrix, ``gram.conv1_1`` ...

        Parameters
        ----------
        image : float32 array, shape (1, 3, height, width)
            RGB in 0...1.

        Returns
        -------
        dict of str to float32 array
            F, shape (1, N, height // stride, width // stride), after the ReLU, and F Fᵀ / M,
            shape (N, N), for each layer; without those that have no response to an image as
            small (``pool5`` needs 32 pixels).
        """
        values = self._program(self.folder.manifest.features, image)({"image": image})
        strides = {layer.name: layer.stride for layer in self.folder.manifest.layers}
        smallest = min(image.shape[2:])
        return {
            name: value
            for name, value in values.items()
            if strides[name.removeprefix("gram.")] <= smallest
        }

    def targets(self, image: Array, layers: LayerSet) -> dict[str, Array]:
        """Return what the losses compare with: ``content_target.L`` and ``style_target.L``.

        The first is F of a photo, the second F Fᵀ / M of a painting, for the layers asked for.
        """
        graph = self.folder.targets_graph(layers)
        return self._program(graph, image)({"image": image})

    def objective(
        self,
        size: tuple[int, int],
        targets: Mapping[str, Array],
        content_weights: Mapping[str, float],
        style_weights: Mapping[str, float],
        tv_weight: float = 0.0,
    ) -> Objective:
        """Return the total loss (eq. 7) and its gradient, as a function of the image.

        The last graph stays loaded: another objective of the same layers and size is ready at
        once.

        Parameters
        ----------
        size : tuple of int
            The image's height and width.
        targets : mapping of str to array
            Of the photo (at the same size) and of the painting (at any size).
        content_weights, style_weights : mapping of str to float
            What each layer's loss is multiplied by: alpha, and beta w_l.
        tv_weight : float
            What the total variation is multiplied by.
        """
        layers = LayerSet(tuple(content_weights), tuple(style_weights))
        graph = self.folder.gradient_graph(layers)
        if (graph.file, size) not in self._loaded:
            self._loaded.clear()  # first: two at a time would need twice the memory
            self._loaded[graph.file, size] = Program(self.folder, graph, size, self.provider)
        return Objective(
            self._loaded[graph.file, size],
            graph.layers,
            targets,
            content_weights,
            style_weights,
            tv_weight,
        )

    def _program(self, graph: GraphFile, image: Array) -> Program:
        _, _, height, width = image.shape
        return Program(self.folder, graph, (height, width), self.provider)
