"""What can be chosen for a style transfer, with the defaults that the CLI shows."""

from dataclasses import dataclass
from math import inf
from typing import Literal, get_args

from stylize.models.errors import OptionError
from stylize.models.layers import CONTENT_LAYERS, STYLE_LAYERS, LayerSet

OptimizerName = Literal["lbfgs", "adam"]
OPTIMIZERS = get_args(OptimizerName)


@dataclass(frozen=True)
class Options:
    """The settings of a style transfer; the layers and weights are the paper's.

    Attributes
    ----------
    size : int
        Pixels of the long side of the photo and of the painting.
    iterations : int
        Evaluations of the gradient.
    content_weight, style_weight : float
        alpha and beta of eq. 7; only their ratio tells in the picture. The paper uses 1e-3 and
        1e-4; from the photo, which has all the content to begin with, 1e-4 looks better.
    content_layers : tuple of str
        Their losses (eq. 1) are averaged; the paper uses one.
    style_layers : tuple of str
        Their losses (eq. 4) are averaged: w_l = 1 / (number of layers) in eq. 5.
    init : str
        The image to start from: ``photo``, ``painting``, ``noise`` (white noise) or a file.
        Gatys et al. do not do this: they start from white noise. From the photo, fewer
        iterations give a picture that keeps more of it.
    optimizer : {"lbfgs", "adam"}
        L-BFGS needs fewer iterations; Adam less memory.
    history : int
        How many steps L-BFGS remembers; each costs two images of memory.
    learning_rate : float
        The size of Adam's steps, for an image in 0...1.
    seed : int
        Of the white noise.
    """

    size: int = 512
    iterations: int = 500
    content_weight: float = 1.0
    style_weight: float = 10_000.0
    content_layers: tuple[str, ...] = CONTENT_LAYERS
    style_layers: tuple[str, ...] = STYLE_LAYERS
    init: str = "photo"
    optimizer: OptimizerName = "lbfgs"
    history: int = 10
    learning_rate: float = 0.02
    seed: int = 0

    def __post_init__(self) -> None:
        _require(self.size >= 16, "size", self.size, "16 pixels or more")
        _require(self.iterations >= 1, "iterations", self.iterations, "1 or more")
        _require(self.history >= 1, "history", self.history, "1 or more")
        _require(self.learning_rate > 0, "learning rate", self.learning_rate, "more than 0")
        _require(0 <= self.content_weight < inf, "content weight", self.content_weight, "0 or more")
        _require(0 <= self.style_weight < inf, "style weight", self.style_weight, "0 or more")
        _require(
            self.content_weight + self.style_weight > 0,
            "content and style weight",
            0,
            "more than 0 for one of them",
        )

        _require(bool(self.layers), "set of layers", "empty", "one layer or more")
        _require(self.optimizer in OPTIMIZERS, "optimizer", self.optimizer, " or ".join(OPTIMIZERS))
        _require(self.seed >= 0, "seed", self.seed, "0 or more")

    @property
    def layers(self) -> LayerSet:
        """The layers whose losses have a weight above zero."""
        return LayerSet(
            self.content_layers if self.content_weight else (),
            self.style_layers if self.style_weight else (),
        )


def _require(condition: bool, what: str, value: object, wanted: str) -> None:
    if not condition:
        raise OptionError(f"The {what} is {value}; it must be {wanted}.")
