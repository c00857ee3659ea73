"""The optimisers by name. Each makes a step of one evaluation of the gradient."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from stylize.models.errors import OptionError
from stylize.runtime.adam import Adam
from stylize.runtime.lbfgs import LBFGS

Array = npt.NDArray[np.float32]


class Optimizer(Protocol):
    """What moves an image downhill."""

    def step(self, image: Array, gradient: Array) -> Array:
        """Return the next image, given the gradient of the loss at this one."""
        ...


def make_optimizer(name: str) -> Optimizer:
    """Return a fresh optimiser, ``lbfgs`` or ``adam``.

    Raises
    ------
    OptionError
        There is no optimiser of that name.
    """
    if name == "lbfgs":
        return LBFGS()
    if name == "adam":
        return Adam()
    raise OptionError(f"There is no optimiser '{name}'. Choose lbfgs or adam.")
