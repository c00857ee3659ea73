"""Objectives that are formulas, for tests of the optimisers and of the iteration."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from stylize.runtime import Model
from stylize.runtime.engine.choice import find_provider
from stylize.runtime.engine.program import Program
from stylize.runtime.engine.tensors import Memory, Tensor, number, read
from stylize.runtime.method.descent import Descent
from stylize.runtime.method.objective import Losses
from stylize.runtime.method.options import OptimizerName, Options, Pixels
from stylize.runtime.providers.table import Provider

Array = npt.NDArray[np.float32]
Formula = Callable[[Array], tuple[float, Array]]
"""Of an image to a loss and its gradient."""


class Field:
    """Stands for an `Objective` whose loss and gradient a formula tells."""

    def __init__(
        self, formula: Formula, shape: tuple[int, ...], provider: Provider | None = None
    ) -> None:
        self.formula = formula
        self.shape = shape
        self.memory = Memory(provider or find_provider("cpu"))
        self.total, self.gradient = self.memory.empty(()), self.memory.empty(shape)

    def bind(self, image: Tensor) -> Callable[[], None]:
        def run() -> None:
            total, gradient = self.formula(read(image))
            self.total.update_inplace(np.array(total, np.float32))
            self.gradient.update_inplace(np.ascontiguousarray(gradient, np.float32))

        return run

    @property
    def losses(self) -> Losses:
        return Losses(number(self.total), {}, {}, None)

    def in_given_unit(self, total: float) -> float:
        return total


def optimizer_of(
    shape: tuple[int, ...], name: OptimizerName = "lbfgs", history: int = 10
) -> Program:
    return Model.open("compact", "cpu").optimizer(shape[2:], name, history)


def walk(
    formula: Formula,
    start: Array,
    name: OptimizerName = "lbfgs",
    history: int = 10,
    learning_rate: float = 0.02,
    pixels: Pixels = "free",
) -> Iterator[Array]:
    """Yield each image, from `start` on."""
    optimizer = optimizer_of(start.shape, name, history)
    options = Options(learning_rate=learning_rate, pixels=pixels)
    descent = Descent(optimizer, Field(formula, start.shape), start, options)
    while True:
        descent.step()
        yield read(descent.image)
