"""An opened model: what its graphs compute, on a provider, for images of any size."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stylize.models.catalog import find_model
from stylize.models.errors import ModelError
from stylize.models.folder import ModelFolder, open_folder
from stylize.models.interface import REGIONS
from stylize.models.layers import LayerSet, Statistics
from stylize.models.manifest import GraphFile
from stylize.runtime.cluster.extra import connect
from stylize.runtime.engine.choice import find_provider
from stylize.runtime.engine.memory import memory_to_spare
from stylize.runtime.engine.program import Program
from stylize.runtime.method.objective import Factor, Objective, Weights
from stylize.runtime.method.options import OptimizerName
from stylize.runtime.method.streamed import Picture, StreamedObjective
from stylize.runtime.pictures.arrays import as_array
from stylize.runtime.pictures.sizes import check_sides
from stylize.runtime.providers.hardware import give_back_freed_memory
from stylize.runtime.providers.table import Provider, exact, host_of
from stylize.runtime.streaming.picture import StreamedPicture
from stylize.runtime.streaming.plan import Budget, Case, Plan, make_plan, plan_targets
from stylize.runtime.streaming.shares import largest_share

if TYPE_CHECKING:
    from stylize.runtime.cluster.connection import Cluster

Array = npt.NDArray[np.float32]

WHATEVER_FITS = Budget()


class Model:
    """A model folder that is ready to run.

    Attributes
    ----------
    folder : ModelFolder
        Its path and its manifest.
    provider : Provider
        The provider that runs its graphs.
    budget : Budget
        What pictures may take of memory.

    Parameters
    ----------
    cluster : Cluster, optional
        Workers, on this machine or on others, that compute large pictures together.
    """

    def __init__(
        self,
        folder: ModelFolder,
        provider: Provider,
        budget: Budget = WHATEVER_FITS,
        cluster: "Cluster | None" = None,
    ) -> None:
        self.folder = folder
        self.provider = provider
        self.budget = budget
        self._cluster = cluster
        self._loaded: dict[str, tuple[object, Program]] = {}

    def __repr__(self) -> str:
        name = self.folder.manifest.name
        return f"<Model '{name}' on {self.provider.name} in {self.provider.precision}>"

    @classmethod
    def open(
        cls,
        model: str | Path | None = None,
        provider: str | Provider = "auto",
        budget: Budget = WHATEVER_FITS,
        cluster: str | None = None,
    ) -> "Model":
        """Open a model folder and check it.

        Parameters
        ----------
        model : str or Path, optional
            A folder, or the name of a model in the search folders. Without it, ``vgg19`` if an
            exported one is found, else the small model that is embedded in the package.
        provider : str or Provider
            A name: ``auto`` for the fastest that works here, ``cpu``, ``cuda``, ``openvino`` ...
            For another precision or other options than the usual ones, give what
            `stylize.runtime.engine.choice.find_provider` returned.
        budget : Budget
            What pictures may take of memory; larger ones are computed by tiles. By default, what
            can be spared.
        cluster : str, optional
            Workers that compute large pictures together: the address of a scheduler,
            ``tcp://HOST:8786``, or a number of workers on this machine. What may be taken of
            memory is each worker's.

        Raises
        ------
        ModelError
            There is no such model, or its files are not what its manifest says.
        ProviderError
            The provider is not installed or does not work.
        OptionError
            There is no provider of that name, or nobody answers at the scheduler's address.
        ExtraError
            There is to be a cluster, and the extra for that is not installed.
        """
        path = find_model(str(model) if model is not None else None)
        found = provider if isinstance(provider, Provider) else find_provider(provider)
        folder = open_folder(path)
        return cls(folder, found, budget, connect(cluster) if cluster else None)

    def features(self, image: Array, only: Sequence[str] | None = None) -> dict[str, Array]:
        """Return every layer's response, ``conv1_1`` ..., and Gram matrix, ``gram.conv1_1`` ...

        Parameters
        ----------
        image : float32 array, shape (1, 3, height, width)
            RGB in 0...1.
        only : sequence of str, optional
            Names of those that are wanted; others take no memory.

        Returns
        -------
        dict of str to float32 array
            F, shape (1, N, height // stride, width // stride), after the ReLU, and F Fᵀ / M,
            shape (N, N), for each layer. Layers that have no response to an image as small are
            left out (``pool5`` needs 32 pixels).

        Raises
        ------
        ImageError
            That is no such array; `to_array` makes one of a picture.
        OptionError
            The model has no such layer.
        """
        image = as_array(image)
        for name in only or ():
            self.folder.manifest.layer(name.removeprefix("gram."))
        program = self._program(self.folder.manifest.features, image, self.provider)
        values = program({"image": image}, only)
        strides = {layer.name: layer.stride for layer in self.folder.manifest.layers}
        smallest = min(image.shape[2:])
        return {
            name: value
            for name, value in values.items()
            if strides[name.removeprefix("gram.")] <= smallest
        }

    def targets(self, image: Array, layers: LayerSet) -> dict[str, Array]:
        """Return what the losses compare with: ``content_target.L`` and ``style_target.L``.

        The first is F of a photo, the second F Fᵀ / M of a painting, bordered by the mean of F and
        1, for the layers asked for. Folders of formats 2 and 3 have no border.

        Raises
        ------
        ImageError
            The image is no float array of shape (1, 3, height, width), or too small for a layer.
        ModelError, OptionError
            The model has no graph for the layers, or no such layer.
        """
        image = as_array(image)
        graph = self.folder.targets_graph(replace(layers, statistics="gram"))  # the same for all
        _, _, height, width = image.shape
        least = self.folder.least_side(graph.layers)
        check_sides((width, height), "The image is", "Use a larger one.", least)
        return self._program(graph, image, self._provider(layers))({"image": image})

    def style_targets(
        self,
        painting: Array,
        layers: LayerSet,
        plan: Plan,
        guidance: Mapping[str, Array] | None = None,
    ) -> dict[str, Array]:
        """Return the same of a painting, or of a part of it, by tiles: ``style_target.L``.

        Parameters
        ----------
        painting : float32 array, shape (1, 3, height, width)
            RGB in 0...1.
        layers : LayerSet
            All layers that have a loss; only those of style are looked at.
        plan : Plan
            From `plan_targets`, with tiles.
        guidance : mapping of str to array, optional
            ``guidance.L`` of the part, for all layers of style.
        """
        size = painting.shape[2], painting.shape[3]
        return self.streamed(size, layers, plan).style_targets(painting, guidance)

    def objective(
        self,
        size: tuple[int, int],
        targets: Mapping[str, Array],
        content_weights: Mapping[str, float],
        style_weights: Mapping[str, Factor],
        tv_weight: float = 0.0,
        statistics: Statistics = "gram",
        shares: Sequence[float] = (),
    ) -> Objective:
        """Return the total loss (eq. 7) and its gradient, as a function of the image.

        The last graph stays loaded: another objective of the same layers and size is ready at
        once.

        Parameters
        ----------
        size : tuple of int
            The image's height and width.
        targets : mapping of str to array
            Targets of the photo (at the same size) and of the painting (at any size).
        content_weights, style_weights : mapping of str to float
            The factor of each layer's loss: alpha, and beta w_l. If there are regions, each layer
            of style has a tuple of as many.
        tv_weight : float
            The factor of the total variation.
        statistics : {"gram", "gram+moments", "bures"}
            What losses of style compare.
        shares : sequence of float
            The share of the picture that each region has, if there are any.
        """
        names = tuple(content_weights), tuple(style_weights)
        layers = LayerSet(*names, statistics, guided=bool(shares))
        graph = self._gradient_graph(layers)
        provider = self._provider(layers)
        dimensions = self.folder.dimensions(size) | {REGIONS: len(shares)}
        program = self._kept("gradient", graph, dimensions, provider)
        weights = Weights(graph.layers, content_weights, style_weights, tv_weight, shares)
        targets = self._compared(targets, layers)
        return Objective(program, targets, weights, self._variation(size) if tv_weight else None)

    def _compared(self, targets: Mapping[str, Array], layers: LayerSet) -> Mapping[str, Array]:
        """Return targets as the losses take them: for ``bures``, covariances become their roots."""
        root = self.folder.manifest.root
        if layers.statistics != "bures" or root is None:
            return targets
        found = dict(targets)
        for name in (f"style_target.{layer}" for layer in layers.style):
            target = targets[name]
            dimensions = {"height": 0, "width": 0, "channels": target.shape[-1]}
            program = Program(self.folder, root, dimensions, host_of(self.provider))
            matrices = target.reshape(-1, *target.shape[-2:])  # there may be regions
            roots = [program({"style_target": each})["rooted_target"] for each in matrices]
            found[name] = np.stack(roots).reshape(target.shape)
        return found

    def _provider(self, layers: LayerSet) -> Provider:
        """Return the provider for losses: roots of covariances need all of float32's digits."""
        return exact(self.provider) if layers.statistics == "bures" else self.provider

    def _gradient_graph(self, layers: LayerSet) -> GraphFile:
        graph = self.folder.gradient_graph(layers)
        if self._provider(layers).form == "float16" and graph.float16 is None:
            raise ModelError(
                f"The model '{self.folder.manifest.name}' has no graphs in float16. Export it "
                "again, or choose another --precision."
            )
        return graph

    def plan(
        self,
        size: tuple[int, int],
        layers: LayerSet,
        optimizer: OptimizerName,
        history: int,
        spare: int | None = None,
        regions: int = 0,
        averaged: bool = False,
    ) -> Plan:
        """Return how a picture is computed: whole, or by tiles, and what lies where.

        Parameters
        ----------
        size : tuple of int
            Height and width of what is computed: the picture with its margin.
        layers : LayerSet
            The layers that have a loss.
        optimizer : {"lbfgs", "adam"}
            The optimiser that is wanted.
        history : int
            Steps that L-BFGS is to remember.
        spare : int, optional
            Bytes of memory that are free here; without it, they do not count.
        regions : int
            Parts of it that have losses of style of their own; 0: there is one, of all of it.
        averaged : bool
            Whether the running mean of its images is kept, too.

        Raises
        ------
        OptionError
            It does not fit into the memory that was given, or what is to lie on the disk not there.
        ModelError
            It must be computed by tiles, and the model has no graphs for these.
        """
        share, workers = self._share(size)
        case = self._case(share, layers, optimizer, history, regions)
        case = replace(case, averaged=averaged and not workers)
        return make_plan(case, self.budget, self._spare_of_each if workers else spare, workers)

    def plan_targets(
        self,
        size: tuple[int, int],
        layers: LayerSet,
        spare: int | None = None,
        tile: tuple[int, int] | None = None,
        masked: bool = False,
    ) -> Plan:
        """Return how a painting of a height and width is looked at; see `plan`.

        `tile` is that of the picture's own plan. If it is `masked`, only a part of it counts.
        """
        share, workers = self._share(size)
        case = self._case(share, layers, "adam", 0, regions=int(masked))
        case = replace(case, guided=None)  # that of a painting's targets takes no weights
        spare = self._spare_of_each if workers else spare
        return plan_targets(case, self.budget, spare, tile, workers)

    def _share(self, size: tuple[int, int]) -> tuple[tuple[int, int], int]:
        """Return height and width of the largest share, and how many workers have one.

        There are none, and it is the whole picture, if that is computed here.
        """
        height, width = size
        workers = self._cluster.workers_for(size) if self._cluster else 0
        return (largest_share(height, workers or 1), width), workers

    def memory_to_spare(self, plan: Plan | None = None) -> int | None:
        """Return how many bytes a picture may take; None if nobody knows.

        Parameters
        ----------
        plan : Plan, optional
            Its plan; of a shared one, each worker's count.
        """
        if plan and plan.workers:
            return self._spare_of_each
        here = self.budget.spare
        return memory_to_spare(self.provider) if here is None else here

    @cached_property
    def _spare_of_each(self) -> int | None:
        """Bytes that each worker may take, found out before the first of them takes any."""
        on_device = self.provider.memory != "cpu"
        return None if on_device or not self._cluster else self._cluster.memory_to_spare()

    def _case(
        self,
        size: tuple[int, int],
        layers: LayerSet,
        optimizer: OptimizerName,
        history: int,
        regions: int,
    ) -> Case:
        used = self.folder.gradient_graph(replace(layers, guided=False)).layers
        on_device = self.provider.memory != "cpu"
        if not regions:
            return Case(self.folder, used, size, optimizer, history, on_device)
        if not self.folder.manifest.guided:
            raise ModelError(
                f"The model '{self.folder.manifest.name}' was exported by an earlier release, which"
                " had no regions. Run 'stylize export vgg19' again."
            )
        graph = self.folder.guided_graph(layers)
        guided = graph.layers if graph else None
        return Case(self.folder, used, size, optimizer, history, on_device, regions, guided)

    def _layers_of_tiles(self, layers: LayerSet) -> LayerSet:
        """Return the layers at which graphs for tiles look, which are the same for regions."""
        return self._gradient_graph(replace(layers, guided=False)).layers

    def streamed(self, size: tuple[int, int], layers: LayerSet, plan: Plan) -> Picture:
        """Return what computes a picture by tiles.

        Parameters
        ----------
        size : tuple of int
            Height and width of what is computed.
        layers : LayerSet
            The layers that have a loss.
        plan : Plan
            A plan with tiles.
        """
        layers = self._layers_of_tiles(layers)
        self._loaded.clear()  # whole graphs of a scale before, which no plan has
        give_back_freed_memory()
        given = self.folder, layers, size, plan, self._provider(layers), self.budget.scratch
        if plan.workers and self._cluster:
            from stylize.runtime.cluster.picture import ClusterPicture

            return ClusterPicture(self._cluster, *given)
        return StreamedPicture(*given)

    def streamed_objective(
        self,
        picture: Picture,
        targets: Mapping[str, Array],
        content_weights: Mapping[str, float],
        style_weights: Mapping[str, Factor],
        tv_weight: float = 0.0,
        statistics: Statistics = "gram",
        shares: Sequence[float] = (),
    ) -> StreamedObjective:
        """Return what is minimised in a picture by tiles; see `objective`."""
        asked = LayerSet(tuple(content_weights), tuple(style_weights), statistics)
        layers = self._layers_of_tiles(asked)
        weights = Weights(layers, content_weights, style_weights, tv_weight, shares)
        targets = self._compared(targets, asked)
        return StreamedObjective(picture, targets, weights)

    def optimizer(self, size: tuple[int, int], name: OptimizerName, history: int) -> Program:
        """Return the graph of an optimiser, for images of a height and width.

        Parameters
        ----------
        size : tuple of int
            The image's height and width.
        name : {"lbfgs", "adam"}
            The name of the optimiser.
        history : int
            Steps that L-BFGS remembers, from 1 to `stylize.runtime.method.options.MAX_HISTORY`.
        """
        height, width = size
        places = history + 1  # one is free for the next
        dimensions = {"height": height, "width": width, "places": places, "rows": 2 * places}
        graph = self.folder.manifest.optimizers[name]
        return self._kept("optimizer", graph, dimensions, host_of(self.provider))

    def _variation(self, size: tuple[int, int]) -> Program:
        dimensions = dict(zip(("height", "width"), size, strict=True))
        graph = self.folder.manifest.variation
        return self._kept("variation", graph, dimensions, host_of(self.provider))

    def _kept(
        self, role: str, graph: GraphFile, dimensions: dict[str, int], provider: Provider
    ) -> Program:
        """Return a graph for a role; load it, unless it is the last that was loaded for that."""
        key = graph.file, dimensions
        # What was recorded stays in memory as long as the graph does.
        if role not in self._loaded or self._loaded[role][0] != key or provider.records:
            self._loaded.pop(role, None)  # first, since two at a time would need twice the memory
            self._loaded[role] = key, Program(self.folder, graph, dimensions, provider)
        return self._loaded[role][1]

    def _program(self, graph: GraphFile, image: Array, provider: Provider) -> Program:
        _, _, height, width = image.shape
        dimensions = self.folder.dimensions((height, width))
        return Program(self.folder, graph, dimensions, provider.without_recording)
