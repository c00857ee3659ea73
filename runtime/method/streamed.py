"""What the optimiser minimises, and the search for it, where pictures do not fit into memory."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt

from stylize.runtime.method.descent import given_by
from stylize.runtime.method.held import Borrowed, Holder
from stylize.runtime.method.iteration import Steps
from stylize.runtime.method.moments import Moments
from stylize.runtime.method.objective import Evaluation, Losses, Weights, checked
from stylize.runtime.method.options import Options
from stylize.runtime.method.standing import Entry, State
from stylize.runtime.streaming.descent import StreamedDescent
from stylize.runtime.streaming.pieces import Plane, Row

Array = npt.NDArray[np.float32]


NUMBER = "number."
"""Prefix of what is no image in a state."""


class Search(Steps, Holder, Protocol):
    """Steps downhill through pictures of any size, of which it holds a few."""


class Picture(Protocol):
    """A picture by tiles, computed here or elsewhere."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an image."""

    @property
    def found(self) -> Mapping[str, Array]:
        """The losses at the image that was evaluated last, as the graphs told of them."""

    def look_at(self, photo: Array) -> dict[str, float]:
        """Look at the photo, which images are compared with; return its targets' squares."""

    def style_targets(
        self, painting: Array, guidance: Mapping[str, Array] | None = None
    ) -> dict[str, Array]:
        """Return ``style_target.L`` of a painting of this size, or of a part of it."""

    def put(self, given: Mapping[str, Array], tv_weight: float) -> None:
        """Set the targets of style, and the weights of the losses and of the variation.

        Of regions, the weights of positions, ``guidance.L``, are among them.
        """

    def evaluate(self, image: Array, gradient: Array) -> np.float32:
        """Return the total loss at an image, in the unit of the graphs, and write its gradient."""

    def descent(self, image: Array, given: Mapping[str, float]) -> Search:
        """Return a search from an image; the optimiser is given numbers at each step."""


class StreamedObjective:
    """What the optimiser minimises, computed by tiles.

    Attributes
    ----------
    shape : tuple of int
        The shape of an image.

    Parameters
    ----------
    picture : Picture
        What computes the losses.
    targets : mapping of str to array
        ``style_target.L`` of the painting.
    weights : Weights
        The factor of each layer's loss, and of the variation.
    """

    def __init__(self, picture: Picture, targets: Mapping[str, Array], weights: Weights) -> None:
        self.shape = picture.shape
        self._picture = picture
        self._weights = weights
        picture.put({**weights.given, **targets}, weights.of_variation)

    @property
    def losses(self) -> Losses:
        """The losses at the image that was evaluated last."""
        return self._weights.losses(self._picture.found)

    def __call__(self, image: Array) -> Evaluation:
        """Evaluate at an RGB image, as `stylize.runtime.method.objective.Objective` does."""
        gradient = np.empty(self.shape, np.float32)
        self._picture.evaluate(checked(image, self.shape), gradient)
        gradient = self._weights.gradient_in_given_unit(gradient)
        return Evaluation(**vars(self.losses), gradient=gradient)

    def evaluate(self, image: Array, gradient: Array) -> np.float32:
        """Return the total loss at an image, in the unit of the graphs, and write its gradient."""
        return self._picture.evaluate(image, gradient)

    def search(self, image: Array, options: Options) -> Search:
        """Return a search from an image."""
        return self._picture.descent(image, given_by(options))

    def finish(self) -> None:
        """Let go of all that evaluates."""
        del self._picture

    @property
    def unit(self) -> int:
        """The power of two by which gradients are divided in the graphs."""
        return self._weights.unit

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
        Only those of `given_by` are used; the plan chose the optimiser.
    """

    def __init__(self, objective: StreamedObjective, image: Array, options: Options) -> None:
        self.objective = objective
        self._descent = objective.search(image, options)

    def step(self) -> None:
        """Evaluate the image, and find the next."""
        self._descent.step()

    @property
    def next_image(self) -> Array:
        """The image that the next step will evaluate, which changes it; no copy."""
        descent = self._descent
        assert isinstance(descent, StreamedDescent)
        return descent.next_image

    @property
    def moments(self) -> Moments | None:
        """Copies of Adam's running means; None of L-BFGS, or if workers of a cluster have them."""
        descent = self._descent
        if not isinstance(descent, StreamedDescent) or "m" not in descent.state:
            return None
        m, v = (descent.state[name].read().copy() for name in ("m", "v"))
        return Moments(float(descent.numbers["t"]), m, v, self.objective.unit)

    def carry(self, moments: Moments) -> None:
        """Go on from Adam's running means."""
        if isinstance(self._descent, StreamedDescent):
            here = moments.in_unit(self.objective.unit)
            self._descent.carry({"t": np.array(here.t, np.float32)})
            for name, image in {"m": here.m, "v": here.v}.items():
                self._descent.state[name].write(image)

    def hold(self, iteration: int) -> Borrowed:
        """Return the image that the last step evaluated, or the best, until it is gone."""
        best = iteration == self.best_iteration
        return Borrowed(self._descent, iteration, self.objective.shape, best)

    def state_after(self, step: int) -> State | None:
        """Return all that the next step depends on, after the last one.

        None if that was another, if the next has begun to move, or if the workers of a cluster have
        it: they keep their own.
        """
        descent = self._descent
        if not isinstance(descent, StreamedDescent) or descent.moving or descent.iteration != step:
            return None
        numbers = {NUMBER + name: Entry.of(each) for name, each in descent.numbers.items()}
        images = {
            name: _entry(image, self.objective.shape) for name, image in descent.state.items()
        }
        return numbers | images

    def resume(self, state: State) -> None:
        """Go on from another search's state."""
        descent = self._descent
        assert isinstance(descent, StreamedDescent)
        descent.resume({name: state[NUMBER + name].read() for name in descent.numbers})
        for name, image in descent.state.items():
            image.write(state[name].read())

    def finish(self) -> None:
        """Let go of all but the images, which somebody may still look at."""
        self._descent.finish()
        self.objective.finish()

    @property
    def iteration(self) -> int:
        """How many steps there were."""
        descent = self._descent
        assert isinstance(descent, StreamedDescent)
        return descent.iteration

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


def _entry(image: Plane | Row, shape: tuple[int, ...]) -> Entry:
    return Entry(shape, "float32", image.read)
