"""What can be chosen for a picture: each setting once, for Python and the command line alike."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import Any, Literal

from stylize.models.errors import OptionError
from stylize.models.layers import (
    CONTENT_LAYERS,
    STYLE_LAYERS,
    VGG19_LAYERS,
    LayerSet,
    Statistics,
)
from stylize.models.settings import check, require, setting
from stylize.runtime.method.settling import WINDOW
from stylize.runtime.pictures.limits import MAX_SIDE, MIN_SIDE, Side

OptimizerName = Literal["lbfgs", "adam"]

Pixels = Literal["bounded", "free"]

Colors = Literal["painting", "painting-matched", "photo", "photo-matched"]

Normalisation = Literal["paper", "mse", "relative", "mean"]

IterationsOf = Literal["all", "coarsest"]
Scales = Literal["auto"] | int | tuple[int, ...]

Layers = tuple[str, ...] | Mapping[str, float]
"""Layers by name; a mapping tells how many times as much each counts as it otherwise would."""

Crop = int | float
"""Pixels at each edge of a picture, or a part of its side below 0.5."""

STARTS = ("photo", "painting", "noise", "grey")

MAX_WEIGHT = 1e30
"""More would leave float32, in which losses are computed, no room."""
MAX_HISTORY = 127
"""The optimiser's graph has room for no more."""
MAX_SCALES = 12
"""Each is half as large as the next, and a picture has only so many pixels."""

MAX_CROP = 0.45
"""More would leave less than a tenth of a painting's side."""

USUAL_STRENGTH, TWICE = 50.0, 10.0
"""The strength at which the style weight is what the options say, and how much more stands for
twice as much. At 0 it is a 32nd, and the photo has little more than the painting's grain. At 100 it
is 32 times as much, and of a face nothing is left."""

MAX_MARGIN = 64
"""More pixels of a mirrored photo would cost much, and are of no use."""

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


def parse_scales(text: str) -> Scales:
    """Return what scales in words are: ``auto``, how many, or their sizes as 256,512,1024.

    Raises
    ------
    OptionError
        They are none of these.
    """
    words = text.strip()
    if words == "auto":
        return "auto"
    if not re.fullmatch(r"\d{1,9}(,\s*\d{1,9})*,?", words):
        raise OptionError(
            f"The scales are '{text}'; write auto, how many, or sizes with commas as 256,512."
        )
    numbers = tuple(int(word) for word in words.split(",") if word)
    return numbers if "," in words else numbers[0]


def parse_shares(text: str) -> tuple[float, ...]:
    """Return shares in words: ``2,1``.

    Raises
    ------
    OptionError
        They are no numbers.
    """
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError:
        raise OptionError(
            f"The shares of the iterations are '{text}'; write numbers with commas as 2,1."
        ) from None


def parse_part(text: str) -> float:
    """Return a part of a whole, which may be written in percent.

    Raises
    ------
    OptionError
        It is no number.
    """
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d{1,2}))?\s*(%?)", text.strip())
    if not match:
        raise OptionError(f"'{text}' is no part of the loss; write 0.1%, or 0.001.")
    digits, exponent, percent = match.groups()
    return float(f"{digits}e{exponent or 0}") / (100 if percent else 1)


def parse_layers(texts: list[str]) -> Layers:
    """Return layers with their weights: ``conv1_1``, which counts as it does, or ``conv1_1=2``.

    Raises
    ------
    OptionError
        A weight is no number, or a layer has two.
    """
    found: dict[str, float] = {}
    for text in texts:
        name, equals, factor = text.partition("=")
        weight = _factor(text, factor) if equals else 1.0
        if found.setdefault(name, weight) != weight:
            raise OptionError(
                f"The layer {name} is given twice, with the weights {found[name]:g} and "
                f"{weight:g}. Give it once."
            )
    return found


def _factor(text: str, factor: str) -> float:
    try:
        found = float(factor)
    except ValueError:
        found = nan
    if not isfinite(found):
        raise OptionError(f"'{text}' is no layer with its weight; write conv1_1, or conv1_1=2.")
    return found


def parse_crop(text: str) -> Crop:
    """Return what is cut off each edge: a part of the side, as 3%, or pixels, as 40px.

    Raises
    ------
    OptionError
        It is neither.
    """
    match = re.fullmatch(r"(\d{1,9}(?:\.\d*)?|\.\d+)\s*(%|px)?", text.strip())
    number, unit = match.groups() if match else ("", None)
    if number.isdigit() and unit != "%":
        return int(number)
    if not number or unit == "px":
        raise OptionError(f"'{text}' is no part of a picture; write 3%, or pixels as 40px.")
    return float(number) / (100 if unit else 1)


def weights_of(layers: Layers) -> Mapping[str, float]:
    """Return how many times as much each layer counts as it otherwise would."""
    return layers if isinstance(layers, Mapping) else dict.fromkeys(layers, 1.0)


@dataclass(frozen=True)
class Options:
    """The settings of a picture. The defaults are ours; those of the paper are in its preset.

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
    scales : "auto", int or tuple of int
        The sizes in which the picture is painted one after the other, from coarse to fine. As many
        as there are, each half as large as the next; or their sizes, measured as `size` is, to
        which the picture's own is added. ``auto``: as many as the size and the iterations are
        worth. Gatys et al. (2015) have one.
    coarsest : int
        Pixels of the side that `size` measures which the smallest of automatic scales has at least.
    scales_per_doubling : int
        How many scales lead from one size to twice that size: each is the so-manyth root of 2
        times as large as the last. Where `scales` names sizes, it changes nothing.
    iterations : int
        Evaluations of the gradient, of all scales together.
    iterations_of : {"all", "coarsest"}
        Whose they are. ``coarsest``: that scale alone has as many; the others are added, in
        proportion to `iteration_shares`. So a larger picture, of more scales, has more.
    iteration_shares : tuple of float
        How the scales share them, in proportion, from the coarsest on. All scales beyond the last
        share that is named have as much. (1.0,): each scale has as many.
    until : float
        Stop before, at each scale, when the lowest loss falls by less than this part of it in
        `stylize.runtime.method.settling.WINDOW` iterations. 0: never.
    margin : int
        Pixels of the photo's mirror image that are painted around the picture, and then cut off.
        Gatys et al. do not do this. The network sees zeros beyond the edge, and the outermost
        pixels make up for them.
    pixels : {"bounded", "free"}
        Whether each step keeps all pixels between black and white. Those that are free are clipped
        when the picture is saved, which leaves black and gaudy patches. Gatys et al. do not bound
        them.
    losses : {"paper", "mse", "relative", "mean"}
        What the weights multiply. ``paper``: L_c (eq. 1) and E_l (eq. 4), each averaged over its
        layers. ``mse``: as later programs have it, the mean squared errors of F and of
        F Fᵀ / (N M), each summed over its layers. ``relative``: the paper's, each as a part of what
        it is at an image to which the layer does not respond, averaged over the layers. So every
        layer has its say, and a weight means the same for all pictures and sizes. A style layer
        counts as much as it has channels. ``mean``: as in crowsonkb/style-transfer-pytorch, the
        mean squared errors of torchvision's features, of which style layers count 256, 64, 16, 4
        and 1 parts, and the mean variation of colours in 0...1.
    content_weight, style_weight : float
        alpha and beta of eq. 7; only their ratio (and that to `tv_weight`) tells. For the paper's
        losses, it uses 1e-3 and 1e-4.
    tv_weight : float
        Weight of half the sum of squared differences between neighbouring pixels, in grey levels
        (0...255). Gatys et al. do not do this; it smooths.
    strength : float
        How far the picture goes from the photo to the painting, in 0...100. At 50 `style_weight`
        is as it is; each 10 more double it.
    content_layers, style_layers : tuple of str, or mapping of str to float
        Where the picture is compared with the photo and with the painting. The paper's style
        layers go on to conv5_1. There it would change what things are, more than how they are
        painted. A mapping gives each layer a factor: w_l of eq. 5 is so many times as large as it
        would be. The other layers count as before.
    style_statistics : {"gram", "gram+moments", "bures"}
        What is compared there with the painting. ``gram``: Gram matrices, as Gatys et al. do.
        ``gram+moments``: each channel's mean and standard deviation, too (Galerne et al. 2024).
        ``bures``: means and covariances, by the 2-Wasserstein distance of normal distributions.
        See ``docs/statistics.md``.
    init : str
        What to start from: ``photo``, ``painting``, ``noise`` (white noise), ``grey`` (the mean
        colour that the network knows, with faint noise) or a file.
        Gatys et al. start from white noise. From the photo, fewer iterations give a picture that
        keeps more of it.
    crop_painting : int or float
        What is cut off each edge of every painting first, so that no frame is matched: pixels of
        the file, or a part of the side (0.03 is 3%).
    colors : {"painting", "painting-matched", "photo", "photo-matched"}
        Whose colours the picture has. ``painting``: the painting's, which the losses alone bring,
        as Gatys et al. (2015) have it. ``painting-matched``: the photo takes on the mean and the
        covariance of the painting's colours before. Then the losses need not change them, and faces
        and dark paintings come out better. ``photo``: the photo's; only how light things are is
        painted. ``photo-matched``: the painting takes on the mean and the covariance of the photo's
        colours before. The last two are those of Gatys et al. (2016, "Preserving Color in Neural
        Artistic Style Transfer").
    optimizer : {"lbfgs", "adam"}
        L-BFGS needs fewer iterations; Adam less memory.
    history : int
        How many steps L-BFGS remembers; each costs two images of memory.
    average : float
        If above 0, the picture is the running mean of all images so far, and this is left of an
        image's weight after each step. 0.99: about the last hundred count. Otherwise it is the
        image with the lowest loss. One that several machines share is that in any case.
    learning_rate : float
        The size of Adam's steps, for an image in 0...1.
    beta2 : float
        What stays of Adam's running mean of squared gradients at each step (Kingma and Ba 2015).
    carry_moments : bool
        Whether Adam's running means go on at the next scale, enlarged as the image is. Otherwise
        they begin anew.
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
        variable="STYLIZE_SIZE",
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
    scales: Scales = setting(
        "auto",
        "Paint from coarse to fine: auto, how many scales, or their sizes (a single one as 256,). "
        "1: in one size.",
        panel=ITERATION,
        metavar="auto|N|256,512",
        parse=parse_scales,
        called="choice of scales",
    )
    coarsest: int = setting(
        128,
        "Pixels that the smallest of automatic scales has at least, as --size measures.",
        panel=ITERATION,
        metavar="PIXELS",
        called="size of the coarsest scale",
        **SIDE_LENGTH,
    )
    scales_per_doubling: int = setting(
        1,
        "How many scales lead to twice the size. 1: each is twice as large as the last. 2: 1.41 "
        "times.",
        panel=ITERATION,
        metavar="N",
        least=1,
        most=MAX_SCALES,
        called="number of scales to twice the size",
    )
    iterations: int = setting(
        300,
        "Evaluations of the gradient, of all scales together.",
        panel=ITERATION,
        metavar="N",
        least=1,
        called="number of iterations",
    )
    iterations_of: IterationsOf = setting(
        "all",
        "Whose --iterations are: of all scales together, or of the coarsest, to which those of the "
        "others come.",
        panel=ITERATION,
        called="choice of whose iterations",
    )
    iteration_shares: tuple[float, ...] = setting(
        (1.0,),
        "How the scales share the iterations, from the coarsest on. 2,1: that has twice as many as "
        "each of the others.",
        panel=ITERATION,
        metavar="A,B",
        shown="as many each",
        parse=parse_shares,
        called="shares of the iterations",
        above=0,
        most=MAX_WEIGHT,
    )
    until: float = setting(
        0.0,
        f"Stop when the loss falls by less than this part in {WINDOW} iterations, at each scale: "
        "1%, say.",
        panel=ITERATION,
        metavar="PART",
        parse=parse_part,
        shown="never",
        called="part that --until names",
        least=0,
        most=0.5,
        unit=" (1% is 0.01)",
    )
    margin: int = setting(
        8,
        "Pixels that are painted around the picture, and cut off: its edge shows no frame.",
        panel=PICTURES,
        metavar="PIXELS",
        least=0,
        most=MAX_MARGIN,
        unit=" pixels",
    )
    pixels: Pixels = setting(
        "bounded",
        "Whether every step keeps pixels between black and white, or only the saved picture does.",
        panel=ITERATION,
        called="choice of pixels",
    )
    strength: float = setting(
        USUAL_STRENGTH,
        "How far from the photo to the painting, from 0 to 100. It multiplies the style weight: 50 "
        "leaves that as it is, and each 10 more double it.",
        panel=LOSSES,
        metavar="0-100",
        least=0,
        most=100,
    )
    losses: Normalisation = setting(
        "relative",
        "What the weights multiply: the paper's losses, averaged over the layers; mean squared "
        "errors, summed over them; the paper's, each relative to its target; or means, as "
        "crowsonkb's program has them. Each kind needs weights of its own.",
        panel=LOSSES,
        called="kind of losses",
    )
    content_weight: float = setting(
        1.0, "How much likeness to the photo counts.", panel=LOSSES, metavar="α", **WEIGHT
    )
    style_weight: float = setting(
        100.0,
        "How much likeness to the painting counts. Four times more or less makes a visible "
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
    content_layers: Layers = setting(
        CONTENT_LAYERS,
        "Where to compare with the photo; repeat for more. conv4_2=2 counts twice.",
        panel=LOSSES,
        flags=("--content-layer",),
        metavar="LAYER[=WEIGHT]",
        suggested=lambda: VGG19_LAYERS,
        parse=parse_layers,
        repeated=True,
        called="list of content layers",
    )
    style_layers: Layers = setting(
        STYLE_LAYERS[:4],
        "Where to compare with the painting; repeat for more. conv1_1=2 counts twice.",
        panel=LOSSES,
        flags=("--style-layer",),
        metavar="LAYER[=WEIGHT]",
        suggested=lambda: VGG19_LAYERS,
        parse=parse_layers,
        repeated=True,
        called="list of style layers",
    )
    style_statistics: Statistics = setting(
        "gram",
        "What of these layers is compared: Gram matrices; means and standard deviations, too; or "
        "means and covariances, as distributions.",
        panel=LOSSES,
        called="choice of statistics",
    )
    init: str = setting(
        "photo",
        f"What to start from: {', '.join(STARTS)}, or a file.",
        panel=PICTURES,
        metavar="START",
        suggested=lambda: STARTS,
    )
    crop_painting: Crop = setting(
        0,
        "Cut so much off each edge of the painting first, as 3% or 40px: a frame would be painted, "
        "too.",
        panel=PICTURES,
        metavar="PART",
        parse=parse_crop,
        shown="nothing",
        called="part that is cropped",
    )
    colors: Colors = setting(
        "painting-matched",
        "Whose colours. painting-matched: the photo takes on the painting's first. painting: the "
        "losses alone bring them. photo: it keeps its own, and only light and dark are painted. "
        "photo-matched: the painting takes on the photo's first.",
        panel=PICTURES,
        metavar="COLOURS",
        called="choice of colors",
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
        called="length of the history",
    )
    average: float = setting(
        0.0,
        "Take the running mean of the images instead of the best: 0.99 counts about the last "
        "hundred.",
        panel=ITERATION,
        metavar="DECAY",
        shown="the best",
        called="decay of the average",
        least=0,
        most=0.9999,
    )
    learning_rate: float = setting(0.02, "Size of Adam's steps.", offered=False, above=0)
    beta2: float = setting(
        0.999,
        "What stays of Adam's mean square of gradients at each step.",
        offered=False,
        least=0,
        most=0.9999,
    )
    carry_moments: bool = setting(
        False, "Go on with Adam's means at the next scale.", offered=False
    )
    seed: int = setting(0, "Seed of the random start.", panel=PICTURES, metavar="N", least=0)

    def __post_init__(self) -> None:
        check(self)
        if not self.content_weight and not self.style_weight:
            raise OptionError("Content and style weight are both 0; one must be more.")
        self._check_layers()
        require(bool(self.layers), "set of layers", "empty", "one layer or more")
        require(bool(self.iteration_shares), "list of shares", "empty", "one share or more")
        self._check_scales()
        part = self.crop_painting
        wanted = f"0 pixels or more, or a part from 0 to {MAX_CROP:.0%}"
        within = part >= 0 and (isinstance(part, int) or part <= MAX_CROP)
        require(within, "part that is cropped", part, wanted)

    def _check_layers(self) -> None:
        """Find out whether each factor is possible; where all are 1, the names are enough."""
        for kind in ("content_layers", "style_layers"):
            weights = weights_of(getattr(self, kind))
            for name, weight in weights.items():
                wanted = f"from 0 to {MAX_WEIGHT:g}"
                require(0 <= weight <= MAX_WEIGHT, f"weight of {name}", weight, wanted)
            if all(weight == 1 for weight in weights.values()):
                object.__setattr__(self, kind, tuple(weights))

    def _check_scales(self) -> None:
        if isinstance(self.scales, int):
            wanted = f"from 1 to {MAX_SCALES} (or sizes with commas, as 256,)"
            require(1 <= self.scales <= MAX_SCALES, "number of scales", self.scales, wanted)
        elif self.scales != "auto":
            require(bool(self.scales), "set of scales", "empty", "one size or more")
            object.__setattr__(self, "scales", tuple(sorted({*self.scales})))
            for size in self.scales:
                pixels = f"from {MIN_SIDE} to {MAX_SIDE} pixels"
                require(MIN_SIDE <= size <= MAX_SIDE, "size of a scale", size, pixels)

    @property
    def layers(self) -> LayerSet:
        """The layers whose losses have a weight above zero."""
        return LayerSet(
            _counting(self.content_layers) if self.content_weight else (),
            _counting(self.style_layers) if self.style_weight else (),
            self.style_statistics,
        )

    @property
    def strong_style_weight(self) -> float:
        """The style weight at the strength that was chosen: beta of eq. 7."""
        return self.style_weight * 2 ** ((self.strength - USUAL_STRENGTH) / TWICE)


def _counting(layers: Layers) -> tuple[str, ...]:
    return tuple(name for name, weight in weights_of(layers).items() if weight)


AS_PUBLISHED = Options(
    scales=1,
    iterations=500,
    margin=0,
    pixels="free",
    colors="painting",
    losses="paper",
    style_weight=1000.0,
    style_layers=STYLE_LAYERS,
    init="noise",
)
"""The paper's own settings: what it does not tell of is left away."""

RECONSTRUCTION = replace(AS_PUBLISHED, style_weight=0.0)
"""Figure 1, lower row: content alone."""
TEXTURE = replace(AS_PUBLISHED, content_weight=0.0, style_weight=1.0, scales="auto")
"""Figure 1, upper row: style alone. From coarse to fine, a texture has larger forms."""
