"""PyTorch's L-BFGS on the pixels, as the programs that followed the paper have it.

``python reference.py MODEL FOLDER EVALUATIONS`` makes the picture of a `Task` in a process of its
own, as a user's program would.
"""

import sys
import time
from math import log2
from pathlib import Path

import torch
from case import Array
from contestants import CONTESTANTS
from task import Task
from torch_step import TorchStep

GREY_LEVELS = 255
LAYOUT = CONTESTANTS["torch_channels_last"]
"""PyTorch's faster one on CPUs."""
HISTORY = 100
"""Pairs that L-BFGS remembers; PyTorch's default, and that of the programs."""
FIRST_LOSS = 1e6
"""About what PyTorch is given to minimise at first, whatever the weights. It forgets pairs whose
product is 1e-10 or less, and so would all of them where losses are small."""


class Reference(TorchStep):
    """A picture in the making, in grey levels.

    Parameters
    ----------
    task : Task
        Where to start, and the targets and weights.
    """

    def __init__(self, task: Task) -> None:
        weights, self._tv_weight = task.load_weights()
        super().__init__(task, LAYOUT, weights)
        self.seconds: list[float] = []
        self.totals: list[float] = []
        self._pixels = (GREY_LEVELS * self._image).contiguous().requires_grad_()
        self._best = self._pixels.detach()

    def minimise(self, evaluations: int, history: int = HISTORY) -> None:
        """Walk downhill, without a line search, until there are so many `totals`.

        `seconds` are those since the first began, at the end of each.
        """
        begun = time.perf_counter()

        def evaluate() -> torch.Tensor:
            total = self._evaluate()
            self.seconds.append(time.perf_counter() - begun)
            return total

        while left := evaluations - len(self.totals):  # it may stop before, and then begins anew
            optimizer = torch.optim.LBFGS(
                [self._pixels],
                lr=1,
                max_iter=left,
                max_eval=left,
                history_size=history,
                tolerance_grad=0,
                tolerance_change=0,
            )
            optimizer.step(evaluate)

    @property
    def best(self) -> Array:
        """The image with the lowest loss, in 0...1, shape (1, 3, height, width); not clipped."""
        return (self._best / GREY_LEVELS).numpy()

    def _evaluate(self) -> torch.Tensor:
        total = self._total(self._pixels / GREY_LEVELS)
        if not self.totals:
            self._unit = 2.0 ** round(log2(FIRST_LOSS / float(total.detach())))
        (gradient,) = torch.autograd.grad(total * self._unit, self._pixels)
        self._pixels.grad = gradient.contiguous()
        loss = float(total.detach())
        if not self.totals or loss < min(self.totals):
            self._best = self._pixels.detach().clone()
        self.totals.append(loss)
        return total.detach() * self._unit

    def _total(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the total loss (eq. 7), with ½ Σ of squared differences in grey levels."""
        total = super()._total(pixels)
        if not self._tv_weight:
            return total
        here = pixels[..., :-1, :-1]
        down, across = pixels[..., 1:, :-1] - here, pixels[..., :-1, 1:] - here
        squares = down.square().sum() + across.square().sum()
        return total + self._tv_weight * GREY_LEVELS**2 / 2 * squares


def main(model: str, folder: str, evaluations: str) -> None:
    """Make the picture."""
    task = Task(Path(model), Path(folder))
    reference = Reference(task)
    reference.minimise(int(evaluations))
    task.store_made(reference.seconds, reference.totals, reference.best)


if __name__ == "__main__":
    main(*sys.argv[1:])
