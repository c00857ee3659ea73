"""Settings under the names of where they come from, as one table."""

from dataclasses import dataclass, replace

from stylize.models.errors import OptionError, about
from stylize.models.layers import STYLE_LAYERS, PoolingKind
from stylize.runtime.method.options import AS_PUBLISHED, Options

_CAFFE = "its weights are Caffe's; 'stylize export vgg19' takes torchvision's unless told otherwise"


@dataclass(frozen=True)
class Preset:
    """Settings that stand for something.

    Attributes
    ----------
    source : str
        Whose settings these are.
    options : Options
        The settings.
    model : str or None
        The name of the model that it is meant for; None for whatever there is.
    pooling : {"average", "max"} or None
        The pooling that the source uses; None for whatever the model has.
    departures : tuple of str
        In what we differ from the source.
    """

    source: str
    options: Options
    model: str | None
    pooling: PoolingKind | None
    departures: tuple[str, ...] = ()


PRESETS = {
    "stylize": Preset(
        source="our default, chosen by comparing pictures: balanced layers, from coarse to fine",
        options=Options(),
        model=None,
        pooling=None,
    ),
    "paper": Preset(
        source="Gatys, Ecker and Bethge (2015), A Neural Algorithm of Artistic Style, Figure 2",
        options=AS_PUBLISHED,
        model="vgg19",
        pooling="average",
        departures=(
            "alpha/beta is 1e-3, as for most of the figure; 1e-4 for the rest",
            "the paper says gradient descent; here it is L-BFGS, which its authors turned to later",
            "the paper does not tell its size, its number of iterations, or what its white noise "
            "is distributed like; here it is uniform in 0...1",
        ),
    ),
    "gatys-code": Preset(
        source="leongatys/PytorchNeuralStyleTransfer, the notebook's first resolution",
        options=replace(AS_PUBLISHED, side="short", losses="mse", init="photo", history=100),
        model="vgg19-max",
        pooling="max",
        departures=(
            _CAFFE,
            "the scaling filter is Lanczos; there it is bilinear",
            "a step that makes the loss explode is taken back; there it is not",
        ),
    ),
    "johnson": Preset(
        source="jcjohnson/neural-style",
        options=replace(
            AS_PUBLISHED,
            losses="mse",
            content_weight=5.0,
            style_weight=100.0,
            tv_weight=1e-3,
            iterations=1000,
            init="grey",
            history=100,
        ),
        model="vgg19-max",
        pooling="max",
        departures=(
            _CAFFE,
            "the noise at the start is of 10 grey levels; there of 0.001",
            "grey levels run to 255; there to 256",
            "the variation counts in the loss, as in its gradient; there in the gradient alone "
            "(neural-style-pt, its successor, has the sum of absolute differences instead)",
            "the scaling filter is Lanczos; there it is bilinear",
            "a step that makes the loss explode is taken back; there it is not",
        ),
    ),
    "spst": Preset(
        source="bgalerne/scaling_painting_style_transfer (SPST, 2024)",
        options=replace(
            AS_PUBLISHED,
            side="short",
            losses="mse",
            style_statistics="gram+moments",
            scales="auto",
            coarsest=512,
            iterations=600,
            iterations_of="coarsest",
            iteration_shares=(600.0, 200.0, 66.0, 30.0),
            init="photo",
            history=100,
        ),
        model="vgg19-max",
        pooling="max",
        departures=(
            _CAFFE,
            "all scales have a history of 100; there finer ones have one of 10",
            "there a painting that is smaller than the photo keeps its size",
            "variances have 1e-5 added; there the slope of a channel that nothing excites is no "
            "number",
            "the scaling filter is Lanczos; there it is bicubic",
            "a step that makes the loss explode is taken back; there it is not",
        ),
    ),
    "crowsonkb": Preset(
        source="crowsonkb/style-transfer-pytorch",
        options=Options(
            losses="mean",
            style_statistics="bures",
            content_weight=0.015,
            style_weight=1.0,
            tv_weight=2.0,
            style_layers=STYLE_LAYERS,
            scales_per_doubling=2,
            iterations=1000,
            iterations_of="coarsest",
            iteration_shares=(2.0, 1.0),
            colors="painting",
            optimizer="adam",
            average=0.99,
            beta2=0.99,
            carry_moments=True,
        ),
        model="vgg19-max",
        pooling="max",
        departures=(
            "of a picture that several machines share, the result is the image with the lowest "
            "loss, and Adam's means begin anew at each scale",
            "the variation is that of the next pixels across and down; there of diagonals, too",
            "8 pixels of a mirrored margin are painted and cut off; there the first layer repeats "
            "the edge",
            "the scaling filter is Lanczos; there it is bicubic",
        ),
    ),
}
"""The weights of ``gatys-code``, ``johnson`` and ``spst`` multiply mean squared errors, as theirs
do.

``gatys-code`` and ``spst`` have 1000/N² MSE(G/M) for each style layer, the same as 1000 MSE(G/NM).
"""


PAPER = PRESETS["paper"].options
"""The settings that the paper's figures begin with."""


@about("preset")
def find_preset(name: str) -> Preset:
    """Return the preset called `name`.

    Raises
    ------
    OptionError
        There is none of that name.
    """
    if name not in PRESETS:
        raise OptionError(
            f"There is no preset '{name}'. There are {', '.join(PRESETS)}; "
            "'stylize presets' tells what each stands for."
        )
    return PRESETS[name]
