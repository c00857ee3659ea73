"""Whether a provider computes what the CPU does in float32, how fast, and in how much memory.

An evaluation is compared by its losses and its gradient. A short optimisation is compared by its
final loss alone, since the smallest difference leads it to other pixels. It uses Adam: without a
line search, the first steps of L-BFGS turn a difference of 1e-4 in the gradient into one of 1e-1 in
the loss.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from math import inf, nan

import numpy as np
import numpy.typing as npt

from stylize.models.errors import DivergenceError
from stylize.models.folder import ModelFolder
from stylize.models.layers import PoolingKind
from stylize.runtime.checks.footprint import Footprint
from stylize.runtime.method.model import Model
from stylize.runtime.method.objective import Losses
from stylize.runtime.method.options import AS_PUBLISHED, Options
from stylize.runtime.method.scene import Scene
from stylize.runtime.pictures.reading import PictureLike
from stylize.runtime.providers.table import Precision, Provider, configure

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Tolerance:
    """The largest relative differences from the reference that rounding explains.

    Attributes
    ----------
    losses : float
        Largest difference of any loss at one image.
    gradient : float
        Largest difference of the gradient there, in the L2 norm.
    final : float
        Largest difference of the lowest loss of a short optimisation.
    reason : str
        Where the differences come from.
    """

    losses: float
    gradient: float
    final: float
    reason: str


FLOAT32 = Tolerance(
    losses=2e-4,
    gradient=3e-3,
    final=1e-3,
    reason="Long sums in another order move a loss. A response near 0 may fall on the other side "
    "of its ReLU, and takes its whole gradient with it. Measured: losses up to 2e-5 apart, the "
    "gradient 8e-4, the final loss 3e-4.",
)
ELEVEN_BITS = Tolerance(
    losses=1e-2,
    gradient=5e-2,
    final=2e-2,
    reason="The factors of products have 11 bits. Measured: losses up to 4e-4 apart (9e-3 on noise "
    "in float16), the gradient 2e-2 (4e-2), the final loss 6e-4.",
)
ELEVEN_BITS_SUMMED = Tolerance(
    losses=2e-2,
    gradient=1e-1,
    final=2e-2,
    reason="The factors of products have 11 bits, and so have the sums of convolutions. Measured: "
    "losses up to 1.4e-3 apart, the gradient 5e-2, the final loss 4e-3.",
)
EIGHT_BITS = Tolerance(
    losses=1.2e-1,
    gradient=1.5e-1,
    final=8e-2,
    reason="The factors of products, and the responses, have 8 bits, which moves a loss that is a "
    "small difference by more, and many responses to the other side of their ReLU. Measured: "
    "losses up to 6e-2 apart, the gradient 8e-2, the final loss 4e-2.",
)

TOLERANCES: Mapping[tuple[str, Precision], Tolerance] = {
    ("cpu", "float32"): FLOAT32,
    ("cpu", "bfloat16"): EIGHT_BITS,
    ("openvino", "float32"): FLOAT32,
    ("openvino", "bfloat16"): EIGHT_BITS,
    ("cuda", "float32"): FLOAT32,
    ("cuda", "tf32"): ELEVEN_BITS,
    ("cuda", "float16"): ELEVEN_BITS,
    ("webgpu", "float32"): FLOAT32,
    ("webgpu", "float16"): ELEVEN_BITS_SUMMED,
}
"""Tolerances by provider and precision.

A provider that nobody has tried must do as well as the others in float32."""

MAXIMA = 3
"""Factor of the tolerances of the gradient and the final loss with max pooling, below float32.

Rounded responses are often equal, or another is the largest, and then the gradient goes elsewhere.
Measured on small networks: a gradient 0.28 apart in bfloat16, where it is 0.08 with average
pooling; a final loss 3e-2 apart in TF32, where it is 6e-4."""

MAXIMA_IN_FLOAT32 = 5
"""Factor of the tolerance of the final loss with max pooling in float32.

On the way to it, once another response is the largest, the images part. Measured on a small
network: OpenVINO's 3.2e-3 from the CPU provider's at 120 pixels, 1.3e-3 at 128."""


def tolerance_of(provider: Provider, pooling: PoolingKind = "average") -> Tolerance:
    """Return how far a provider may be from the reference, on a model of this pooling."""
    tolerance = TOLERANCES.get((provider.name, provider.precision), FLOAT32)
    if pooling == "average":
        return tolerance
    if tolerance is FLOAT32:
        return replace(tolerance, final=MAXIMA_IN_FLOAT32 * tolerance.final)
    return replace(tolerance, gradient=MAXIMA * tolerance.gradient, final=MAXIMA * tolerance.final)


def reference_provider(threads: int | None = None) -> Provider:
    """Return what others are compared with: the CPU in float32, on the graphs' plain form.

    Its nodes are the method's formulas, and most other providers run it, too.
    """
    return replace(configure("cpu", "float32", threads=threads), form="plain")


@dataclass(frozen=True)
class Task:
    """What a provider is given to compute.

    Attributes
    ----------
    folder : ModelFolder
        A model.
    photo, painting : PIL image or path
        The pictures that the model sees.
    size : int or tuple of int
        Size of the picture, as in `Options`.
    iterations : int
        Number of iterations of the optimisation, which starts from the photo.

    Raises
    ------
    OptionError
        The size or the iterations are not possible.
    """

    folder: ModelFolder
    photo: PictureLike
    painting: PictureLike
    size: int | tuple[int, int] = 256
    iterations: int = 20

    def __post_init__(self) -> None:
        _ = self.options  # raises OptionError if they are not possible

    @property
    def options(self) -> Options:
        """What is minimised, and how."""
        usual = replace(AS_PUBLISHED, init="photo", optimizer="adam")
        return replace(usual, size=self.size, iterations=self.iterations)


@dataclass(frozen=True)
class Measurement:
    """What a provider made of a task.

    Attributes
    ----------
    losses : dict of str to float
        Losses at an image half-way between the photo and noise. Their names are ``total``,
        ``content.L`` and ``style.L``.
    gradient : float32 array, shape (1, 3, height, width)
        Gradient of the total at that image.
    final : float
        The lowest total of the optimisation; NaN if it diverged.
    seconds : float
        Median time of its steps.
    memory : int or None
        Bytes taken in addition to those before, see `Footprint`; None if unknown.
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
        """Tell whether every difference is within its tolerance; NaN is not."""
        return (
            self.losses <= tolerance.losses
            and self.gradient <= tolerance.gradient
            and self.final <= tolerance.final
        )


def measure(task: Task, provider: Provider) -> Measurement:
    """Let a provider compute a task, the targets included.

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
    options = task.options
    losses, gradient = _evaluate(scene, options)
    final, seconds = _optimise(scene, options)
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
    apart = [_relative(abs(found[name] - loss), abs(loss)) for name, loss in expected.items()]
    return float(np.max(apart))


def gradients_apart(found: Array, expected: npt.NDArray[np.floating]) -> float:
    """Return the relative difference of gradients in the L2 norm; NaN if a number is NaN."""
    return _relative(float(np.linalg.norm(found - expected)), float(np.linalg.norm(expected)))


def _relative(difference: float, size: float) -> float:
    if size:
        return difference / size
    return inf if difference else 0.0  # anything is infinitely far from zero


def _evaluate(scene: Scene, options: Options) -> tuple[dict[str, float], Array]:
    # At the photo itself the content's loss and gradient would be 0.
    photo, noise = (scene.start(replace(options, init=init)) for init in ("photo", "noise"))
    found = scene.objective(options)((photo + noise) / np.float32(2))
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
        for iterate in scene.render(options, every=1):
            moments.append(iterate.seconds)
        final = iterate.best.total
    return final, float(np.median(np.diff(moments))) if len(moments) > 1 else nan
