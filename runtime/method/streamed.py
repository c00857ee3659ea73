"""What the optimiser minimises, and the search for it, where pictures do not fit into memory."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stylize.models.folder import ModelFolder
from stylize.models.layers import LayerSet
from stylize.runtime.method.descent import BOUNDS
from stylize.runtime.method.held import Borrowed
from stylize.runtime.method.objective import Evaluation, Losses, Weights, checked
from stylize.runtime.method.options import Options
from stylize.runtime.providers.table import Provider, configure
from stylize.runtime.streaming.descent import LBFGS, Adam, StreamedDescent
from stylize.runtime.streaming.losses import StreamedLosses
from stylize.runtime.streaming.pieces import Pieces
from stylize.runtime.streaming.plan import Plan
from stylize.runtime.streaming.storage import Storage

Array = npt.NDArray[np.float32]


class Streamed:
    """A picture by tiles: its targets, and what the optimiser minimises.

    Parameters
    ----------
    folder : ModelFolder
        The model.
    layers : LayerSet
        The layers of its gradient graph.
    size : tuple of int
        Height and width of what is computed.
    plan : Plan
        A plan with tiles.
    provider : Provider
        The provider that computes the tiles.
    scratch : Path, optional
        The folder for what the plan has on disk.
    """

    def __init__(
        self,
        folder: ModelFolder,
        layers: LayerSet,
        size: tuple[int, int],
        plan: Plan,
        provider: Provider,
        scratch: Path | None,
    ) -> None:
        assert plan.tile
        self._layers = layers
        self._storage = Storage(scratch, plan.on_disk)
        host = configure("cpu", threads=provider.threads)
        places = plan.history + 1  # one is free for the next
        self._pieces = Pieces(folder, size, places, host, self._storage)
        self._losses = StreamedLosses(
            folder, layers, size, plan.tile, provider, host, self._storage
        )

    def content_targets(self, photo: Array) -> dict[str, Array]:
        """Return ``content_target.L`` of a photo of this size."""
        return self._losses.content_targets(photo)

    def style_targets(self, painting: Array) -> dict[str, Array]:
        """Return ``style_target.L`` of a painting of this size."""
        return self._losses.style_targets(painting)

    def objective(
        self,
        targets: Mapping[str, Array],
        content_weights: Mapping[str, float],
        style_weights: Mapping[str, float],
        tv_weight: float = 0.0,
    ) -> "StreamedObjective":
        """Return what the optimiser minimises, as `Model.objective` does."""
        weights = Weights(self._layers, content_weights, style_weights, tv_weight)
        return StreamedObjective(self._losses, self._pieces, targets, weights)


class StreamedObjective:
    """What the optimiser minimises, computed by tiles.

    Attributes
    ----------
    shape : tuple of int
        The shape of an image.

    Parameters
    ----------
    streamed : StreamedLosses
        The losses.
    pieces : Pieces
        The graphs for pieces of images of that size.
    targets : mapping of str to array
        ``content_target.L`` of the photo and ``style_target.L`` of the painting.
    weights : Weights
        The factor of each layer's loss, and of the variation.
    """

    def __init__(
        self,
        streamed: StreamedLosses,
        pieces: Pieces,
        targets: Mapping[str, Array],
        weights: Weights,
    ) -> None:
        self.shape = streamed.shape
        self.pieces = pieces
        self._streamed = streamed
        self._weights = weights
        self._found: dict[str, Array] = {}
        streamed.put({**weights.given, **targets})

    def evaluate(self, image: Array, gradient: Array) -> np.float32:
        """Return the total loss at an image, in the unit of the graphs, and write its gradient."""
        self._streamed.evaluate(image, gradient)
        found = {name: value.copy() for name, value in self._streamed.numbers.items()}
        if weight := self._weights.of_variation:
            images = {"image": image, "other_gradient": gradient}
            numbers = {"tv_weight": np.array(weight, np.float32)}
            found |= self.pieces.over_tiles(
                "variation.strip", images, numbers, ("gradient", gradient)
            )
            found["total"] += np.float32(weight) * found["variation"]
        self._found = found
        return np.float32(found["total"])

    @property
    def losses(self) -> Losses:
        """The losses at the image that was evaluated last."""
        return self._weights.losses(self._found)

    def __call__(self, image: Array) -> Evaluation:
        """Evaluate at an RGB image, as `stylize.runtime.method.objective.Objective` does."""
        gradient = np.empty(self.shape, np.float32)
        self.evaluate(checked(image, self.shape), gradient)
        gradient = self._weights.gradient_in_given_unit(gradient)
        return Evaluation(**vars(self.losses), gradient=gradient)

    def finish(self) -> None:
        """Let go of all that evaluates."""
        del self._streamed, self.pieces

    def in_given_unit(self, total: float) -> float:
        """Return a total loss of the graphs in the unit of the weights that were given."""
        return self._weights.in_given_unit(total)


class StreamedSearch:
    """Steps downhill through pictures of any size.

    Attributes
    ----------
    objective : StreamedObjective
        What is minimised.

    Parameters
    ----------
    objective : StreamedObjective
        What is minimised.
    image : float32 array, shape (1, 3, height, width)
        The image to begin with; it is clipped to the bounds of pixels.
    options : Options
        Only `optimizer`, `learning_rate` and `pixels` are used.
    """

    def __init__(self, objective: StreamedObjective, image: Array, options: Options) -> None:
        self.objective = objective
        self._descent = StreamedDescent(
            objective.evaluate,
            objective.pieces,
            LBFGS if options.optimizer == "lbfgs" else Adam,
            image,
            BOUNDS[options.pixels],
            options.learning_rate,
        )

    def step(self) -> None:
        """Evaluate the image, and find the next."""
        self._descent.step()

    def hold(self, iteration: int) -> Borrowed:
        """Return the image that the last step evaluated, or the best, until it is gone."""
        best = iteration == self.best_iteration
        return Borrowed(self._descent, iteration, self.objective.shape, best)

    def finish(self) -> None:
        """Let go of all but the images, which somebody may still look at."""
        self._descent.finish()
        self.objective.finish()

    @property
    def best_iteration(self) -> int:
        """The step that evaluated the best image, counted from 1."""
        return self._descent.best_iteration

    @property
    def best_total(self) -> float:
        """The loss of the best image."""
        return self.objective.in_given_unit(self._descent.best_total)

    @property
    def restarted(self) -> bool:
        """Whether the loss exploded at the last step, so that the next begins at the best image."""
        return self._descent.restarted

    @property
    def failed(self) -> bool:
        """Whether going on is of no use, since no step leads to a finite loss."""
        return self._descent.failed
