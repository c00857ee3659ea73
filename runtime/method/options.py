"""What can be chosen for a picture, with the defaults that the CLI shows."""

from dataclasses import dataclass
from typing import Literal, get_args

from stylize.models.errors import OptionError
from stylize.models.layers import CONTENT_LAYERS, STYLE_LAYERS, LayerSet
from stylize.runtime.pictures.limits import MAX_SIDE, MIN_SIDE, SIDES, Side

OptimizerName = Literal["lbfgs", "adam"]
OPTIMIZERS = get_args(OptimizerName)

Normalisation = Literal["paper", "mse"]
NORMALISATIONS = get_args(Normalisation)

STARTS = ("photo", "painting", "noise", "grey")

MAX_WEIGHT = 1e30
"""More would leave float32, in which losses are computed, no room."""
MAX_HISTORY = 127
"""The optimiser's graph has room for no more."""


def _require(condition: bool, what: str, value: object, wanted: str) -> None:
    if not condition:
        raise OptionError(f"The {what} is {value}; it must be {wanted}.")


@dataclass(frozen=True)
class Options:
    """The settings of a picture; the layers and weights are the paper's.

    Attributes
    ----------
    size : int or tuple of int
        Pixels of one side of the picture, which keeps the photo's proportions (a texture the
        painting's); or its width and height, to which the photo is cut.
    side : {"long", "short"}
        Which side `size` measures, of the picture and of the painting.
    painting_size : int, optional
        Pixels of that side of the painting, if other than the picture's own: in a smaller
        painting the strokes are smaller.
    iterations : int
        Evaluations of the gradient.
    losses : {"paper", "mse"}
        What the weights multiply. ``paper``: L_c (eq. 1) and E_l (eq. 4), each averaged over its
        layers. ``mse``: as later programs have it, the mean squared errors of F and of
        F Fᵀ / (N M), each summed over its layers.
    content_weight, style_weight : float
        alpha and beta of eq. 7; only their ratio (and that to `tv_weight`) tells. The paper uses
        1e-3 and 1e-4; from the photo, which has all the content to begin with, 1e-4 looks better.
    tv_weight : float
        Of half the sum of squared differences between neighbouring pixels, in grey levels
        (0...255). Gatys et al. do not do this; it smooths.
    content_layers, style_layers : tuple of str
        Where the picture is compared with the photo and with the painting.
    init : str
        What to start from: ``photo``, ``painting``, ``noise`` (white noise), ``grey`` (the mean
        colour that the network knows, with faint noise) or a file.
        Gatys et al. start from white noise. From the photo, fewer iterations give a picture that
        keeps more of it.
    optimizer : {"lbfgs", "adam"}
        L-BFGS needs fewer iterations; Adam less memory.
    history : int
        How many steps L-BFGS remembers; each costs two images of memory.
    learning_rate : float
        The size of Adam's steps, for an image in 0...1.
    seed : int
        Of the noise.
    """

    size: int | tuple[int, int] = 512
    side: Side = "long"
    painting_size: int | None = None
    iterations: int = 500
    losses: Normalisation = "paper"
    content_weight: float = 1.0
    style_weight: float = 10_000.0
    tv_weight: float = 0.0
    content_layers: tuple[str, ...] = CONTENT_LAYERS
    style_layers: tuple[str, ...] = STYLE_LAYERS
    init: str = "photo"
    optimizer: OptimizerName = "lbfgs"
    history: int = 10
    learning_rate: float = 0.02
    seed: int = 0

    def __post_init__(self) -> None:
        sides = (self.size,) if isinstance(self.size, int) else self.size
        size = "x".join(map(str, sides))
        possible = min(sides) >= MIN_SIDE and max(sides) <= MAX_SIDE
        _require(possible, "size", size, f"from {MIN_SIDE} to {MAX_SIDE} pixels")
        _require(self.side in SIDES, "side", self.side, " or ".join(SIDES))
        if self.painting_size is not None:
            possible = MIN_SIDE <= self.painting_size <= MAX_SIDE
            wanted = f"from {MIN_SIDE} to {MAX_SIDE} pixels"
            _require(possible, "painting size", self.painting_size, wanted)
        _require(self.iterations >= 1, "iterations", self.iterations, "1 or more")
        _require(1 <= self.history <= MAX_HISTORY, "history", self.history, f"1 to {MAX_HISTORY}")
        _require(self.learning_rate > 0, "learning rate", self.learning_rate, "more than 0")
        for what, weight in (
            ("content weight", self.content_weight),
            ("style weight", self.style_weight),
            ("weight of variation", self.tv_weight),
        ):
            _require(0 <= weight <= MAX_WEIGHT, what, weight, f"from 0 to {MAX_WEIGHT:g}")
        if not self.content_weight and not self.style_weight:
            raise OptionError("Content and style weight are both 0; one must be more.")
        _require(bool(self.layers), "set of layers", "empty", "one layer or more")
        known = " or ".join(NORMALISATIONS)
        _require(self.losses in NORMALISATIONS, "losses", self.losses, known)
        _require(self.optimizer in OPTIMIZERS, "optimizer", self.optimizer, " or ".join(OPTIMIZERS))
        _require(self.seed >= 0, "seed", self.seed, "0 or more")

    @property
    def layers(self) -> LayerSet:
        """The layers whose losses have a weight above zero."""
        return LayerSet(
            self.content_layers if self.content_weight else (),
            self.style_layers if self.style_weight else (),
        )


RECONSTRUCTION = Options(style_weight=0.0, init="noise")
"""Figure 1, lower row: content alone."""
TEXTURE = Options(content_weight=0.0, style_weight=1.0, init="noise")
"""Figure 1, upper row: style alone."""
