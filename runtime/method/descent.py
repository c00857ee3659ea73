"""The optimiser at work: its graph, what it remembers, and the image that it moves."""

from functools import partial

import numpy as np
import numpy.typing as npt

from stylize.runtime.engine.program import Program
from stylize.runtime.engine.tensors import Tensor, number, read, translating_errors
from stylize.runtime.method.held import Copied
from stylize.runtime.method.moments import Moments
from stylize.runtime.method.objective import Objective
from stylize.runtime.method.options import Options, Pixels
from stylize.runtime.method.standing import Entry, State
from stylize.runtime.streaming.descent import INITIAL as FIRST
from stylize.runtime.streaming.descent import NEXT

Array = npt.NDArray[np.float32]

INITIAL = {**FIRST, "reach": 1.0}
"""The state that an optimiser begins with; what is not named here begins at zero. ``reach`` is
L-BFGS's in folders of release 0.1."""

BOUNDS: dict[Pixels, tuple[float, float]] = {"bounded": (0.0, 1.0), "free": (-np.inf, np.inf)}
"""What pixels are held between, by ``Options.pixels``; folders of release 0.1 know no bounds."""

IN_PLACE = "history"
"""The one large part of the state. The graph writes two of its rows in place. That is safe, since
only the node that writes them reads it."""


def given_by(options: Options) -> dict[str, float]:
    """Return what optimisers are told at each step: Adam's numbers, and the bounds of pixels."""
    least, most = BOUNDS[options.pixels]
    return {
        "learning_rate": options.learning_rate,
        "beta2": options.beta2,
        "least": least,
        "most": most,
    }


class Descent:
    """Steps downhill, each one evaluation and one update, without leaving the provider's memory.

    Images and state exist twice: each step reads the one and writes the other.

    Attributes
    ----------
    objective : Objective
        What is minimised.

    Parameters
    ----------
    optimizer : Program
        A graph of an optimiser.
    objective : Objective
        What is minimised.
    image : float32 array, shape (1, 3, height, width)
        The image to begin with; it is clipped to the bounds of pixels.
    options : Options
        Only those of `given_by` are used.
    """

    def __init__(
        self, optimizer: Program, objective: Objective, image: Array, options: Options
    ) -> None:
        memory = objective.memory
        self.objective = objective
        numbers = given_by(options)
        given = {
            "total": objective.total,
            "gradient": objective.gradient,
            **{name: memory.put(number) for name, number in numbers.items()},
        }
        outputs = optimizer.output_shapes
        self._others = {
            name: memory.empty(shape) for name, shape in outputs.items() if NEXT not in name
        }
        state = {name.removeprefix(NEXT): shape for name, shape in outputs.items() if NEXT in name}
        begin = image.clip(numbers["least"], numbers["most"])
        first = {
            name: memory.put(begin)
            if name == "image"
            else memory.full(shape, INITIAL.get(name, 0.0))
            for name, shape in state.items()
        }
        second = {name: memory.empty(shape) for name, shape in state.items()}
        if IN_PLACE in state:
            second[IN_PLACE] = first[IN_PLACE]

        self._now, self._next = first, second
        self._turns = [
            (
                objective.bind(now["image"]),
                optimizer.bind(
                    {**given, **now},
                    {**self._others, **{NEXT + name: tensor for name, tensor in then.items()}},
                ),
            )
            for now, then in ((first, second), (second, first))
        ]

    def step(self) -> None:
        """Evaluate the image, and find the next."""
        evaluate, advance = self._turns[0]
        evaluate()
        advance()
        self._turns.reverse()
        self._now, self._next = self._next, self._now

    @property
    def image(self) -> Tensor:
        """The image that the last step evaluated."""
        return self._next["image"]

    @property
    def next_image(self) -> Array:
        """A copy, in the CPU's memory, of the image that the next step will evaluate."""
        return read(self._now["image"])

    @property
    def best_image(self) -> Tensor:
        """The image with the lowest loss so far."""
        return self._now["best_image"]

    def hold(self, iteration: int) -> Copied:
        """Return a copy of the image of the last step, or of the best."""
        best = iteration == self.best_iteration
        return Copied(self.objective.memory.copy(self.best_image if best else self.image))

    def state_after(self, step: int) -> State | None:
        """Return all that the next step depends on, after one of the last two; None if it is gone.

        What is written in place does no harm: the step that was begun, or made, writes the same
        rows again before they are read.
        """
        for state in (self._now, self._next):
            if number(state["iteration"]) == step:
                return {name: self._entry(tensor) for name, tensor in state.items()}
        return None

    def _entry(self, tensor: Tensor) -> Entry:
        look = self.objective.memory.look
        return Entry(tuple(tensor.shape()), "float32", partial(look, tensor))

    def resume(self, state: State) -> None:
        """Go on from another search's state."""
        for name, tensor in self._now.items():
            with translating_errors("an image"):
                tensor.update_inplace(state[name].read())

    @property
    def moments(self) -> Moments | None:
        """Copies of Adam's running means; None of L-BFGS."""
        if "m" not in self._now:
            return None
        t, m, v = (read(self._now[name]) for name in ("t", "m", "v"))
        return Moments(float(t), m, v, self.objective.unit)

    def carry(self, moments: Moments) -> None:
        """Go on from Adam's running means."""
        here = moments.in_unit(self.objective.unit)
        given = {"t": np.array(here.t, np.float32), "m": here.m, "v": here.v}
        for name, value in given.items():
            self._now[name].update_inplace(value)

    def finish(self) -> None:
        """Let go of nothing: graphs stay loaded for the next picture."""

    @property
    def iteration(self) -> int:
        """How many steps there were."""
        return int(number(self._now["iteration"]))

    @property
    def best_iteration(self) -> int:
        """The step that evaluated the best image, counted from 1."""
        return int(number(self._now["best_iteration"]))

    @property
    def best_total(self) -> float:
        """The loss of the best image."""
        return self.objective.in_given_unit(number(self._now["best_total"]))

    @property
    def restarted(self) -> bool:
        """Whether the loss exploded at the last step, so that the next begins at the best image."""
        return bool(number(self._others["restarted"]))

    @property
    def failed(self) -> bool:
        """Whether going on is of no use, since no step leads to a finite loss."""
        return bool(number(self._others["failed"]))
