"""What can be chosen for a picture: each setting once, for Python and the command line alike."""

import re
from dataclasses import dataclass
from typing import Any, Literal

from stylize.models.errors import OptionError
from stylize.models.layers import CONTENT_LAYERS, STYLE_LAYERS, LayerSet
from stylize.models.settings import check, require, setting
from stylize.runtime.pictures.limits import MAX_SIDE, MIN_SIDE, Side

OptimizerName = Literal["lbfgs", "adam"]

Normalisation = Literal["paper", "mse"]

STARTS = ("photo", "painting", "noise", "grey")

MAX_WEIGHT = 1e30
"""More would leave float32, in which losses are computed, no room."""
MAX_HISTORY = 127
"""The optimiser's graph has room for no more."""

SIDE_LENGTH: dict[str, Any] = {"least": MIN_SIDE, "most": MAX_SIDE, "unit": " pixels"}
WEIGHT: dict[str, Any] = {"least": 0, "most": MAX_WEIGHT}


PICTURES, LOSSES, ITERATION = "Pictures", "Losses", "Iteration"
"""Headings of the settings on help pages."""


def parse_size(text: str) -> int | tuple[int, int]:
    """Return what a size in words says: pixels of one side, or width and height.

    Raises
    ------
    OptionError
        It says neither.
    """
    match = re.fullmatch(r"(\d{1,9})(?:[xX×](\d{1,9}))?", text.strip())
    if not match:
        raise OptionError(f"The size is '{text}'; write 512, or width and height as 640x480.")
    return (int(match[1]), int(match[2])) if match[2] else int(match[1])


def distinct(layers: list[str]) -> tuple[str, ...]:
    """Return layers, each once."""
    return tuple(dict.fromkeys(layers))


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
        Weight of half the sum of squared differences between neighbouring pixels, in grey levels
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
        Seed of the random start: the noise, and what makes grey faintly noisy.
    """

    size: int | tuple[int, int] = setting(
        512,
        "Long side of the picture and of the painting; or width and height, to which the photo is "
        "cut.",
        panel=PICTURES,
        metavar="PIXELS|WxH",
        parse=parse_size,
        **SIDE_LENGTH,
    )
    side: Side = setting("long", "Which side --size measures.", panel=PICTURES)
    painting_size: int | None = setting(
        None,
        "That side of the painting, if other: the smaller, the finer the strokes.",
        panel=PICTURES,
        metavar="PIXELS",
        shown="as the picture's",
        **SIDE_LENGTH,
    )
    iterations: int = setting(
        500, "Evaluations of the gradient.", panel=ITERATION, metavar="N", least=1
    )
    losses: Normalisation = setting(
        "paper",
        "What the weights multiply: the paper's losses, averaged over the layers, or mean squared "
        "errors, summed over them.",
        panel=LOSSES,
    )
    content_weight: float = setting(
        1.0, "How much likeness to the photo counts.", panel=LOSSES, metavar="α", **WEIGHT
    )
    style_weight: float = setting(
        10_000.0,
        "How much likeness to the painting counts. Ten times more or less makes a visible "
        "difference.",
        panel=LOSSES,
        metavar="β",
        **WEIGHT,
    )
    tv_weight: float = setting(
        0.0,
        "How much smoothness counts (total variation).",
        panel=LOSSES,
        metavar="γ",
        called="weight of variation",
        **WEIGHT,
    )
    content_layers: tuple[str, ...] = setting(
        CONTENT_LAYERS,
        "Where to compare with the photo; repeat for more.",
        panel=LOSSES,
        flags=("--content-layer",),
        metavar="LAYER",
        parse=distinct,
        repeated=True,
    )
    style_layers: tuple[str, ...] = setting(
        STYLE_LAYERS,
        "Where to compare with the painting; repeat for more.",
        panel=LOSSES,
        flags=("--style-layer",),
        metavar="LAYER",
        parse=distinct,
        repeated=True,
    )
    init: str = setting(
        "photo",
        f"What to start from: {', '.join(STARTS)}, or a file.",
        panel=PICTURES,
        metavar="START",
    )
    optimizer: OptimizerName = setting(
        "lbfgs",
        "L-BFGS gets there in fewer iterations; Adam needs less memory.",
        panel=ITERATION,
    )
    history: int = setting(
        10,
        "Steps that L-BFGS remembers.",
        panel=ITERATION,
        metavar="N",
        least=1,
        most=MAX_HISTORY,
    )
    learning_rate: float = setting(0.02, "Size of Adam's steps.", offered=False, above=0)
    seed: int = setting(0, "Seed of the random start.", panel=PICTURES, metavar="N", least=0)

    def __post_init__(self) -> None:
        check(self)
        if not self.content_weight and not self.style_weight:
            raise OptionError("Content and style weight are both 0; one must be more.")
        require(bool(self.layers), "set of layers", "empty", "one layer or more")

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
