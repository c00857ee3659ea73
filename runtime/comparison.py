"""Providers compared: whether one computes what the CPU does in float32, how fast, in how much.

An evaluation is compared by its losses and its gradient, a short optimisation by its final loss
alone: the smallest difference leads it to other pixels.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from math import inf, nan

import numpy as np
import numpy.typing as npt

from stylize.models.errors import DivergenceError
from stylize.models.folder import ModelFolder
from stylize.runtime.footprint import Footprint
from stylize.runtime.model import Model
from stylize.runtime.objective import Losses
from stylize.runtime.options import Options
from stylize.runtime.providers import Precision, Provider, configure
from stylize.runtime.scene import Picture, Scene

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Tolerance:
    """The largest relative differences from the reference that rounding explains.

    Attributes
    ----------
    losses : float
        Of any loss at one image.
    gradient : float
        Of the gradient there, in the L2 norm.
    final : float
        Of the lowest loss of a short optimisation.
    reason : str
        Where the differences come from.
    """

    losses: float
    gradient: float
    final: float
    reason: str


FLOAT32 = Tolerance(
    losses=2e-4,
    gradient=1e-3,
    final=1e-2,
    reason="Long sums in another order move a loss. A response near 0 may fall on the other side "
    "of its ReLU, and takes its whole gradient with it.",
)

TOLERANCES: Mapping[tuple[str, Precision], Tolerance] = {
    ("cpu", "float32"): FLOAT32,
    ("openvino", "float32"): FLOAT32,
    ("openvino", "bfloat16"): Tolerance(
        losses=2e-3,
        gradient=1e-1,
        final=5e-2,
        reason="Responses and products are rounded to 8 bits, which flips many ReLUs: measured "
        "on VGG-19, losses 5e-4 and the gradient 4e-2 apart.",
    ),
    ("cuda", "float32"): FLOAT32,
    ("cuda", "tf32"): Tolerance(
        losses=5e-3,
        gradient=2e-2,
        final=2e-2,
        reason="Factors of products are rounded to 11 bits. Expected, not measured.",
    ),
    ("cuda", "float16"): Tolerance(
        losses=1e-2,
        gradient=5e-2,
        final=5e-2,
        reason="Responses and products are rounded to 11 bits, and small gradients to fewer. "
        "Expected, not measured.",
    ),
}
"""By provider and precision; what nobody has tried must do as well as the others in float32."""


def tolerance_of(provider: Provider) -> Tolerance:
    """Return how far a provider may be from the reference."""
    return TOLERANCES.get((provider.name, provider.precision), FLOAT32)


def reference_provider() -> Provider:
    """Return what others are compared with: the CPU in float32, on the graphs' plain form.

    That form is the one whose nodes are the method's formulas, and most other providers' own.
    """
    return replace(configure("cpu", "float32"), form="plain")


@dataclass(frozen=True)
class Task:
    """What a provider is given to compute.

    Attributes
    ----------
    folder : ModelFolder
        A model.
    photo, painting : PIL image or path
        What the model is to see.
    options : Options
        Of them the size, the losses, and the optimisation; it starts from the photo.
    """

    folder: ModelFolder
    photo: Picture
    painting: Picture
    options: Options


@dataclass(frozen=True)
class Measurement:
    """What a provider made of a task.

    Attributes
    ----------
    losses : dict of str to float
        At an image half-way between the photo and noise: ``total``, ``content.L``, ``style.L``.
    gradient : float32 array, shape (1, 3, height, width)
        Of the total, there.
    final : float
        The lowest total of the optimisation; NaN if it diverged.
    seconds : float
        The median of its steps.
    memory : int or None
        Bytes taken beyond those that were taken before, see `Footprint`; None where unknown.
    """

    losses: dict[str, float]
    gradient: Array
    final: float
    seconds: float
    memory: int | None


@dataclass(frozen=True)
class Comparison:
    """The relative differences of a measurement from another; see `Tolerance`."""

    losses: float
    gradient: float
    final: float

    def within(self, tolerance: Tolerance) -> bool:
        """Tell whether none is beyond its tolerance; NaN is."""
        return (
            self.losses <= tolerance.losses
            and self.gradient <= tolerance.gradient
            and self.final <= tolerance.final
        )


def measure(task: Task, provider: Provider) -> Measurement:
    """Let a provider compute a task, the targets too.

    Raises
    ------
    ImageError
        A picture cannot be read or used.
    ModelError, OptionError
        The model has no graph for the losses, or no such layer.
    ProviderError
        The provider cannot compute the graphs.
    """
    footprint = Footprint(provider.memory)
    model = Model(task.folder, provider)
    scene = Scene(model, task.photo, task.painting)
    losses, gradient = _evaluate(scene, task.options)
    final, seconds = _optimise(scene, task.options)
    return Measurement(losses, gradient, final, seconds, footprint.bytes)


def compare(found: Measurement, reference: Measurement) -> Comparison:
    """Return how far a measurement is from the reference's."""
    return Comparison(
        losses=losses_apart(found.losses, reference.losses),
        gradient=gradients_apart(found.gradient, reference.gradient),
        final=losses_apart({"final": found.final}, {"final": reference.final}),
    )


def losses_apart(found: Mapping[str, float], expected: Mapping[str, float]) -> float:
    """Return the largest relative difference of losses by name; NaN if one is NaN."""
    return float(np.max([_apart(found[name], expected[name]) for name in expected]))


def gradients_apart(found: Array, expected: npt.NDArray[np.floating]) -> float:
    """Return the relative difference of gradients in the L2 norm; NaN if a number is NaN."""
    return _apart(float(np.linalg.norm(found - expected)), 0.0, float(np.linalg.norm(expected)))


def _apart(found: float, expected: float, scale: float | None = None) -> float:
    difference = abs(found - expected)
    size = abs(expected) if scale is None else scale
    if size:
        return difference / size
    return difference and inf  # of nothing, anything is infinitely far


def _evaluate(scene: Scene, options: Options) -> tuple[dict[str, float], Array]:
    # At the photo itself the content's loss and gradient would be 0.
    photo, noise = (scene.start(replace(options, init=init)) for init in ("photo", "noise"))
    found = scene.objective(options)((photo + noise) / 2)
    return named_losses(found), found.gradient


def named_losses(losses: Losses) -> dict[str, float]:
    """Return the total and every layer's loss by name."""
    content = {f"content.{layer}": loss for layer, loss in losses.content_losses.items()}
    style = {f"style.{layer}": loss for layer, loss in losses.style_losses.items()}
    return {"total": losses.total, **content, **style}


def _optimise(scene: Scene, options: Options) -> tuple[float, float]:
    """Return the lowest total, and the median seconds of a step."""
    final, moments = nan, [0.0]
    with suppress(DivergenceError):
        for iterate in scene.render(replace(options, init="photo"), every=1):
            moments.append(iterate.seconds)
        final = iterate.best.total
    return final, float(np.median(np.diff(moments))) if len(moments) > 1 else nan
