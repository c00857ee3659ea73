"""The optimisers by name. Each makes a step of one evaluation of the gradient."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from stylize.runtime.adam import Adam
from stylize.runtime.lbfgs import LBFGS
from stylize.runtime.options import Options

Array = npt.NDArray[np.float32]


class Optimizer(Protocol):
    """What moves an image downhill."""

    def step(self, image: Array, gradient: Array, pace: float = 1.0) -> Array:
        """Return the next image, given the gradient of the loss at this one.

        It is `pace` times as far away as the optimiser would have it.
        """
        ...

    def forget(self) -> None:
        """Begin anew: the next step starts elsewhere."""
        ...


def make_optimizer(options: Options) -> Optimizer:
    """Return the optimiser that the options name, fresh."""
    if options.optimizer == "lbfgs":
        return LBFGS(options.history)
    return Adam(options.learning_rate)
