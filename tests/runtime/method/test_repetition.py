"""The history of L-BFGS is written in place, and a step may run more than once for all that.

While CUDA records a step, ONNX Runtime runs it up to three times.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from every_provider import MODES, provider_or_skip
from field import Array, Field

pytest.importorskip("onnxruntime", reason="runs the optimiser's graph")

from stylize.models.catalog import embedded_folder
from stylize.models.folder import open_folder
from stylize.runtime.engine.program import Program
from stylize.runtime.engine.tensors import Tensor, read
from stylize.runtime.method.descent import Descent
from stylize.runtime.method.model import Model
from stylize.runtime.method.options import Options
from stylize.runtime.providers.table import Precision, Provider

SHAPE = (1, 3, 8, 8)
CURVATURES = np.geomspace(1, 300, 192, dtype=np.float32).reshape(SHAPE)
START = np.random.default_rng(0).random(SHAPE, np.float32)
HISTORY, STEPS = 3, 12
"""The history is full after a few steps, and places are written again."""


class Repeated:
    """A program that runs several times whenever it is asked to."""

    def __init__(self, program: Program, times: int) -> None:
        self.output_shapes = program.output_shapes
        self._bind, self._times = program.bind, times

    def bind(
        self, inputs: Mapping[str, Tensor], outputs: Mapping[str, Tensor]
    ) -> Callable[[], None]:
        run = self._bind(inputs, outputs)

        def runs() -> None:
            for _ in range(self._times):
                run()

        return runs


def bowl(image: Array) -> tuple[float, Array]:
    away = image - np.float32(0.5)
    return float((CURVATURES * away**2).sum() / 2), CURVATURES * away


def descend(provider: Provider, times: int) -> list[Array]:
    """Return the images of some steps, of which each updates the image several times."""
    model = Model(open_folder(embedded_folder()), provider)
    optimizer = Repeated(model.optimizer(SHAPE[2:], "lbfgs", HISTORY), times)
    descent = Descent(optimizer, Field(bowl, SHAPE, provider), START, Options())  # type: ignore[arg-type]
    images = []
    for _ in range(STEPS):
        descent.step()
        images.append(read(descent.image))
    return images


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode.values[0][1] == "float32"])
def test_a_step_that_runs_again_is_the_same_step(mode: tuple[str, Precision]) -> None:
    provider = provider_or_skip(*mode)
    once = descend(provider, 1)
    assert bowl(once[-1])[0] < bowl(START)[0] / 100
    np.testing.assert_array_equal(descend(provider, 3), once)
    np.testing.assert_array_equal(descend(provider.without_recording, 1), once)
