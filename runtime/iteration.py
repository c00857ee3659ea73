"""The iteration on the pixels, and what each step of it gives."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from stylize.models.errors import DivergenceError
from stylize.runtime.images import to_image
from stylize.runtime.objective import Evaluation, Objective
from stylize.runtime.optimizers import make_optimizer
from stylize.runtime.options import Options

Array = npt.NDArray[np.float32]

EXPLOSION = 10.0
"""A loss so many times the lowest one is no overshoot that the next steps would mend."""

SLOWING, RECOVERY = 0.5, 1.2
"""What an explosion multiplies the length of the steps by, and then each step, up to 1 again."""

MAX_RESTARTS = 10
"""In a row, without a better image: then the length of the steps is not to blame."""


@dataclass(frozen=True)
class Iterate:
    """One iteration: an image, and the losses evaluated at it.

    Attributes
    ----------
    iteration : int
        Counted from 1.
    seconds : float
        Since the first iteration began.
    total : float
        alpha L_c + beta L_s (eq. 7) in the normalisation that the options chose, and the
        variation times its weight.
    content, style : float
        L_c (eq. 1) and L_s (eq. 5), the means of the layers' losses, without weights.
    content_losses, style_losses : dict of str to float
        L_c and E_l (eq. 4) by layer.
    variation : float or None
        Total variation, ½ Σ of squared differences in grey levels; None where it has no weight.
    pixels : float32 array, shape (1, 3, height, width)
        RGB, nominally in 0...1 but not clipped.
    restarted_from : int or None
        The loss exploded here: the search goes on from that earlier iterate, by steps half as
        long.
    """

    iteration: int
    seconds: float
    total: float
    content: float
    style: float
    content_losses: dict[str, float]
    style_losses: dict[str, float]
    variation: float | None
    pixels: Array
    restarted_from: int | None = None

    @property
    def losses(self) -> dict[str, float]:
        """All losses by name: ``total``, ``content``, ``style``, ``content.L``, ``style.L``.

        And ``variation``, where it has a weight.
        """
        return {
            "total": self.total,
            "content": self.content,
            "style": self.style,
            **{f"content.{layer}": loss for layer, loss in self.content_losses.items()},
            **{f"style.{layer}": loss for layer, loss in self.style_losses.items()},
            **({} if self.variation is None else {"variation": self.variation}),
        }

    @property
    def image(self) -> Image.Image:
        """The image as a picture, clipped to what can be shown."""
        return to_image(self.pixels)


def minimise(objective: Objective, image: Array, options: Options) -> Iterator[Iterate]:
    """Walk downhill from `image`, one evaluation of the gradient a step.

    Where the loss explodes, the search goes back to the best image and on by smaller steps.

    Raises
    ------
    DivergenceError
        The first loss or its gradient is NaN or infinite, or they stay so however small the steps.
    """
    optimizer = make_optimizer(options)
    start = time.perf_counter()
    best: _Best | None = None
    pace, restarts = 1.0, 0
    for iteration in range(1, options.iterations + 1):
        evaluation = objective(image)
        seconds = time.perf_counter() - start
        if not _is_finite(evaluation) and (best is None or restarts == MAX_RESTARTS):
            raise DivergenceError(_divergence(iteration, evaluation.total))
        if best and _exploded(evaluation, best) and restarts < MAX_RESTARTS:
            yield _iterate(iteration, seconds, evaluation, image, best.iteration)
            optimizer.forget()
            image, evaluation = best.image, best.evaluation
            pace, restarts = SLOWING * pace, restarts + 1
        else:
            yield _iterate(iteration, seconds, evaluation, image)
            if best is None or evaluation.total < best.evaluation.total:
                best, restarts = _Best(iteration, image, evaluation), 0
        if iteration < options.iterations:
            image = optimizer.step(image, evaluation.gradient, pace)
            pace = min(1.0, RECOVERY * pace)


@dataclass(frozen=True)
class _Best:
    """The iteration with the lowest loss so far."""

    iteration: int
    image: Array
    evaluation: Evaluation


def _exploded(evaluation: Evaluation, best: _Best) -> bool:
    too_high = evaluation.total > EXPLOSION * best.evaluation.total
    return too_high or not _is_finite(evaluation)


def _is_finite(evaluation: Evaluation) -> bool:
    return math.isfinite(evaluation.total) and bool(np.isfinite(evaluation.gradient).all())


def _divergence(iteration: int, total: float) -> str:
    return (
        f"At iteration {iteration} the loss is {total}, and its gradient of no use. Either the "
        "model's weights are damaged (export it again), or the loss is too large for float32 "
        "(use smaller weights)."
    )


def _iterate(
    iteration: int,
    seconds: float,
    evaluation: Evaluation,
    image: Array,
    restarted_from: int | None = None,
) -> Iterate:
    return Iterate(
        iteration=iteration,
        seconds=seconds,
        total=evaluation.total,
        content=_mean(evaluation.content_losses),
        style=_mean(evaluation.style_losses),
        content_losses=evaluation.content_losses,
        style_losses=evaluation.style_losses,
        variation=evaluation.variation,
        pixels=image,
        restarted_from=restarted_from,
    )


def _mean(losses: dict[str, float]) -> float:
    return sum(losses.values()) / len(losses) if losses else 0.0
