"""The optimisers at work on pictures of any size, of which they look at a piece at a time.

The graphs and their order are those of ``models/README.md``; they step as the optimisers of whole
images do, but for rounding.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylize.runtime.streaming.pieces import History, Numbers, Pieces, Plane, Row

Array = npt.NDArray[np.float32]

NEXT = "next_"
"""Prefix of numbers that go in again at the next step, then without it."""

INITIAL = {"best_total": np.inf, "pace": 1.0}
"""The numbers that a search begins with; what is not named here begins at zero."""

Evaluate = Callable[[Array, Array], np.float32]
"""A function of an image and of an array that receives the gradient, which returns the loss."""


@dataclass(frozen=True)
class Place:
    """An image and the gradient there."""

    image: Plane
    gradient: Plane


class _Optimizer(ABC):
    """What an optimiser does after each evaluation."""

    def __init__(self, pieces: Pieces, numbers: Numbers) -> None:
        self.pieces = pieces
        self.numbers = numbers

    @abstractmethod
    def move(self, here: Place, target: Plane) -> None:
        """Write the next image."""

    @property
    @abstractmethod
    def state(self) -> dict[str, Plane | Row]:
        """The images that it remembers from one step to the next, by name."""

    def decide(self, name: str) -> None:
        """Run a graph of numbers, and remember what comes out."""
        self.remember(self.pieces.decide(name, self.numbers))

    def remember(self, found: Mapping[str, Array]) -> None:
        """Let numbers that came out of a graph go into the next."""
        self.numbers |= {name.removeprefix(NEXT): value for name, value in found.items()}


class Adam(_Optimizer):
    """Adam, which remembers two images."""

    def __init__(self, pieces: Pieces, numbers: Numbers) -> None:
        super().__init__(pieces, numbers)
        self._moments = {"m": pieces.plane(), "v": pieces.plane()}

    @property
    def state(self) -> dict[str, Plane | Row]:
        """The images that it remembers from one step to the next, by name."""
        return {**self._moments}

    def move(self, here: Place, target: Plane) -> None:
        """Write the next image."""
        written = {"next_image": target, **{NEXT + name: m for name, m in self._moments.items()}}
        found = self.pieces.over_runs(
            "adam.move",
            {"image": here.image, "gradient": here.gradient, **self._moments},
            self.numbers,
            written,
        )
        # A sum over all runs, each of which gives the same.
        self.numbers["t"] = np.asarray(found["next_t"] / self.pieces.runs, np.float32)


class LBFGS(_Optimizer):
    """L-BFGS, which remembers two images for each step, and five more."""

    def __init__(self, pieces: Pieces, numbers: Numbers) -> None:
        super().__init__(pieces, numbers)
        self._history = pieces.history()
        self._gradient, self._last = pieces.plane(), pieces.plane()
        self._step = pieces.plane()

    @property
    def state(self) -> dict[str, Plane | Row]:
        """The images that it remembers from one step to the next, by name."""
        rows = {f"history.{number}": row for number, row in enumerate(self._history.rows)}
        return {"by_coordinates": self._gradient, "step": self._step, **rows}

    def move(self, here: Place, target: Plane) -> None:
        """Write the next image."""
        over_runs, over_tiles = self.pieces.over_runs, self.pieces.over_tiles
        self._gradient, self._last = self._last, self._gradient
        over_tiles(
            "coordinates",
            {"gradient": here.gradient.image},
            {},
            ("by_coordinates", self._gradient.image),
        )
        seen: dict[str, Plane | History] = {
            "gradient": self._gradient,
            "history": self._history,
        }
        both = {"last_gradient": self._last, "step": self._step}
        self.remember(
            over_runs("lbfgs.products", seen | both, self.numbers, {"next_history": self._history})
        )
        self.decide("lbfgs.decide")
        self.remember(over_runs("lbfgs.step", seen, self.numbers, {"step": self._step}))
        self.decide("lbfgs.shorten")
        over_tiles(
            "lbfgs.move",
            {"image": here.image.image, "step": self._step.image},
            self.numbers,
            ("next_image", target.image),
        )


OPTIMIZERS: Mapping[str, type[LBFGS] | type[Adam]] = {"lbfgs": LBFGS, "adam": Adam}


class StreamedDescent:
    """Steps downhill, each one evaluation and one move.

    Attributes
    ----------
    moving : bool
        Whether a step is being decided and made, or was interrupted there: then `state` and
        `numbers` are half of the one step, half of the next. An evaluation changes neither.

    Parameters
    ----------
    evaluate : function
        Finds the loss at an image, and writes its gradient.
    pieces : Pieces
        The graphs, for images of this size.
    optimizer : type
        `LBFGS` or `Adam`.
    image : float32 array, shape (1, 3, height, width)
        The image to begin with; it is clipped to the bounds of pixels.
    given : mapping of str to float
        What the graphs are given at each step: `least` and `most`, which pixels are held between,
        and `learning_rate` and `beta2` of Adam.
    """

    def __init__(
        self,
        evaluate: Evaluate,
        pieces: Pieces,
        optimizer: type[LBFGS] | type[Adam],
        image: Array,
        given: Mapping[str, float],
    ) -> None:
        self._evaluate = evaluate
        self._pieces = pieces
        self._numbers = pieces.numbers()
        for name, value in {**INITIAL, **given, "size": pieces.elements}.items():
            self._numbers[name] = np.array(value, np.float32)
        self._optimizer = optimizer(pieces, self._numbers)
        # One image is evaluated, one is the best so far, and one becomes the next.
        self._images = [pieces.plane() for _ in range(3)]
        self._gradients = [pieces.plane() for _ in range(2)]
        self._best: Place | None = None
        self._next = self._images[0]
        pieces.put(image, (given["least"], given["most"]), self._next)
        self._evaluated: dict[Plane, int] = {}
        self.moving = False

    def step(self) -> None:
        """Evaluate the image, and find the next."""
        numbers = self._numbers
        here = Place(self._next, self._unused(self._gradients))
        numbers["total"] = np.array(self._evaluate(here.image.image, here.gradient.image))
        self.moving = True
        self._optimizer.remember(self._pieces.over_runs("slope", {"gradient": here.gradient}, {}))
        self._optimizer.decide("judge")
        self._evaluated[here.image] = int(numbers["iteration"])
        # Chosen first: until the next iterate is told, the best one before may be looked at.
        self._next = self._unused(self._images, here.image)
        self._evaluated.pop(self._next, None)
        if numbers["better"]:
            self._best = here
        start = self._best if self._best and numbers["restarted"] else here
        self._optimizer.move(start, self._next)
        self.moving = False

    @property
    def state(self) -> dict[str, Plane | Row]:
        """The images that the next step depends on, by name."""
        best = (
            {"best": self._best.image, "best_gradient": self._best.gradient} if self._best else {}
        )
        return {"image": self._next, **best, **self._optimizer.state}

    @property
    def next_image(self) -> Array:
        """The image that the next step will evaluate; no copy."""
        return self._next.image

    def carry(self, numbers: Mapping[str, Array]) -> None:
        """Go on from some numbers of another search."""
        self._numbers.update(numbers)

    @property
    def numbers(self) -> Numbers:
        """The numbers that the next step depends on."""
        return dict(self._numbers)

    def resume(self, numbers: Mapping[str, Array]) -> None:
        """Go on from another search's numbers; its images are to be written to `state`."""
        self._numbers.update(numbers)
        self._next = self._images[0]
        self._best, self._evaluated = None, {}
        if self.best_iteration:
            self._best = Place(self._images[1], self._gradients[0])
            self._evaluated[self._images[1]] = self.best_iteration

    def finish(self) -> None:
        """Let go of all but the images; there will be no more steps."""
        self.moving = True  # there is no state any more
        del self._evaluate, self._optimizer, self._pieces, self._best, self._next
        self._images.clear()
        self._gradients.clear()

    def _unused(self, planes: list[Plane], here: Plane | None = None) -> Plane:
        """Return a plane that neither the best place nor this one needs."""
        best = (self._best.image, self._best.gradient) if self._best else ()
        return next(plane for plane in planes if plane is not here and plane not in best)

    def image_of(self, iteration: int) -> Array | None:
        """Return the image that a step evaluated, counted from 1, unless it is gone.

        The last one is there, and the best. It is no copy.
        """
        for plane, evaluated in self._evaluated.items():
            if evaluated == iteration:
                return plane.image
        return None

    @property
    def iteration(self) -> int:
        """How many steps there were."""
        return int(self._numbers["iteration"])

    @property
    def best_iteration(self) -> int:
        """The step that evaluated the best image, counted from 1."""
        return int(self._numbers["best_iteration"])

    @property
    def best_total(self) -> float:
        """The loss of the best image."""
        return float(self._numbers["best_total"])

    @property
    def restarted(self) -> bool:
        """Whether the loss exploded at the last step, so that the next begins at the best image."""
        return bool(self._numbers["restarted"])

    @property
    def failed(self) -> bool:
        """Whether going on is of no use, since no step leads to a finite loss."""
        return bool(self._numbers["failed"])
