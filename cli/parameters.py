"""The arguments and options of the commands, each declared once.

Options that a preset sets are None where they are not given, so that those given can win.
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from stylize.models.errors import OptionError
from stylize.models.layers import CONTENT_LAYERS, STYLE_LAYERS
from stylize.runtime.method.options import Normalisation, OptimizerName, Options
from stylize.runtime.pictures.limits import Side
from stylize.runtime.plans.figures import RATIOS
from stylize.runtime.providers.table import AUTO, PROVIDERS, Precision

DEFAULTS = Options()
PICTURES, LOSSES, ITERATION, MODEL = "Pictures", "Losses", "Iteration", "Model"


def chosen(base: Options, **given: Any) -> Options:
    """Return `base` with what was given on the command line; None stands for not given."""
    return replace(base, **{name: value for name, value in given.items() if value is not None})


def layers_of(names: list[str] | None) -> tuple[str, ...] | None:
    """Return layers as `Options` takes them."""
    return tuple(dict.fromkeys(names)) if names else None


def size_of(text: str | None) -> int | tuple[int, int] | None:
    """Return what --size says: pixels of one side, or width and height.

    Raises
    ------
    OptionError
        It says neither.
    """
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,9})(?:[xX×](\d{1,9}))?", text.strip())
    if not match:
        raise OptionError(f"The size is '{text}'; write 512, or width and height as 640x480.")
    return (int(match[1]), int(match[2])) if match[2] else int(match[1])


def provider_options_of(texts: list[str] | None) -> dict[str, str]:
    """Return what --provider-option says, by its keys.

    Raises
    ------
    OptionError
        One is not of the form KEY=VALUE.
    """
    pairs = [(text, *text.partition("=")) for text in texts or ()]
    for text, key, equals, _ in pairs:
        if not key or not equals:
            raise OptionError(
                f"The provider option is '{text}'; write KEY=VALUE, for example "
                "--provider-option gpu_mem_limit=8000000000."
            )
    return {key: value for _, key, _, value in pairs}


Photo = Annotated[Path, typer.Argument(help="The picture to render.", show_default=False)]

Painting = Annotated[Path, typer.Argument(help="In whose manner.", show_default=False)]

PresetName = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Settings by the name of their source: stylize, paper, gatys-code, johnson. Options "
        "given beside it win; 'stylize presets' prints each.",
    ),
]

Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT.png",
        help="The picture to write: .png, .jpg, .webp or .tiff. A PNG tells how it was made, "
        "see 'stylize rerun'.",
        show_default="named after what it is made of",
        rich_help_panel=PICTURES,
    ),
]

Size = Annotated[
    str | None,
    typer.Option(
        metavar="PIXELS|WxH",
        help="Long side of the picture and of the painting; or width and height, to which the "
        "photo is cut.",
        show_default=str(DEFAULTS.size),
        rich_help_panel=PICTURES,
    ),
]

MeasuredSide = Annotated[
    Side | None,
    typer.Option(
        help="Which side --size measures.",
        show_default=DEFAULTS.side,
        rich_help_panel=PICTURES,
    ),
]

PaintingSize = Annotated[
    int | None,
    typer.Option(
        metavar="PIXELS",
        help="That side of the painting, if other: the smaller, the finer the strokes.",
        show_default="as the picture's",
        rich_help_panel=PICTURES,
    ),
]

Init = Annotated[
    str | None,
    typer.Option(
        metavar="photo|painting|noise|grey|FILE",
        help="What to start from.",
        show_default=DEFAULTS.init,
        rich_help_panel=PICTURES,
    ),
]


def _from_noise(choices: str) -> Any:
    return typer.Option(
        metavar=choices,
        help="What to start from.",
        show_default="noise",
        rich_help_panel=PICTURES,
    )


ReconstructionInit = Annotated[str | None, _from_noise("noise|grey|photo|FILE")]
TextureInit = Annotated[str | None, _from_noise("noise|grey|painting|FILE")]
GridInit = Annotated[str | None, _from_noise("noise|grey|photo|painting|FILE")]

Seed = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Of the noise.",
        show_default=str(DEFAULTS.seed),
        rich_help_panel=PICTURES,
    ),
]

Losses = Annotated[
    Normalisation | None,
    typer.Option(
        help="What the weights multiply: the paper's losses, averaged over the layers, or mean "
        "squared errors, summed over them.",
        show_default=DEFAULTS.losses,
        rich_help_panel=LOSSES,
    ),
]

ContentWeight = Annotated[
    float | None,
    typer.Option(
        metavar="α",
        help="How much likeness to the photo counts.",
        show_default=f"{DEFAULTS.content_weight:g}",
        rich_help_panel=LOSSES,
    ),
]

StyleWeight = Annotated[
    float | None,
    typer.Option(
        metavar="β",
        help="How much likeness to the painting counts. Ten times more or less makes a "
        "visible difference.",
        show_default=f"{DEFAULTS.style_weight:g}",
        rich_help_panel=LOSSES,
    ),
]

FigureStyleWeight = Annotated[
    float | None,
    typer.Option(
        metavar="β",
        help="How much likeness to the painting counts in Figure 2.",
        show_default="1000: α/β = 1e-3",
        rich_help_panel=LOSSES,
    ),
]

TvWeight = Annotated[
    float | None,
    typer.Option(
        metavar="γ",
        help="How much smoothness counts (total variation).",
        show_default="0",
        rich_help_panel=LOSSES,
    ),
]

ContentLayers = Annotated[
    list[str] | None,
    typer.Option(
        "--content-layer",
        metavar="LAYER",
        help="Where to compare with the photo; repeat for more.",
        show_default=" ".join(CONTENT_LAYERS),
        rich_help_panel=LOSSES,
    ),
]

ReconstructionLayers = Annotated[
    list[str] | None,
    typer.Option(
        "--layer",
        metavar="LAYER",
        help="Where to compare with the photo, conv1_1 ... conv5_1; repeat for more.",
        show_default=" ".join(CONTENT_LAYERS),
        rich_help_panel=LOSSES,
    ),
]

StyleLayers = Annotated[
    list[str] | None,
    typer.Option(
        "--style-layer",
        metavar="LAYER",
        help="Where to compare with the painting; repeat for more.",
        show_default=" ".join(STYLE_LAYERS),
        rich_help_panel=LOSSES,
    ),
]

Rows = Annotated[
    list[str] | None,
    typer.Option(
        "--up-to",
        metavar="LAYER",
        help="A row: the style on all style layers up to this one; repeat for more.",
        show_default=" ".join(STYLE_LAYERS),
        rich_help_panel=LOSSES,
    ),
]

Columns = Annotated[
    list[float] | None,
    typer.Option(
        "--ratio",
        metavar="α/β",
        help="A column: content weight to style weight; repeat for more.",
        show_default=" ".join(f"{ratio:g}" for ratio in RATIOS),
        rich_help_panel=LOSSES,
    ),
]

Iterations = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Evaluations of the gradient.",
        show_default=str(DEFAULTS.iterations),
        rich_help_panel=ITERATION,
    ),
]

Optimizer = Annotated[
    OptimizerName | None,
    typer.Option(
        help="L-BFGS gets there in fewer iterations; Adam needs less memory.",
        show_default=DEFAULTS.optimizer,
        rich_help_panel=ITERATION,
    ),
]

History = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Steps that L-BFGS remembers.",
        show_default=str(DEFAULTS.history),
        rich_help_panel=ITERATION,
    ),
]

Trace = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.jsonl",
        help="Write each iteration's losses, a JSON object a line.",
        show_default=False,
        rich_help_panel=ITERATION,
    ),
]


def _model(default: str) -> Any:
    return typer.Option(
        metavar="NAME|FOLDER",
        help="What sees the pictures; 'stylize models' lists what is there.",
        show_default=default,
        rich_help_panel=MODEL,
    )


def _names(tested: bool) -> str:
    return ", ".join(name for name, known in PROVIDERS.items() if known.tested is tested)


def _provider(default: str | bool) -> Any:
    return typer.Option(
        metavar="NAME",
        help=f"Where ONNX Runtime computes: {AUTO} (the fastest that works), "
        f"{_names(tested=True)}; or, untested, {_names(tested=False)}. "
        "'stylize doctor' tells which work.",
        show_default=default,
        rich_help_panel=MODEL,
    )


def _precision(default: str) -> Any:
    return typer.Option(
        help="Of the convolutions; each provider has some of them.",
        show_default=default,
        rich_help_panel=MODEL,
    )


def _provider_options(default: str | bool) -> Any:
    return typer.Option(
        "--provider-option",
        metavar="KEY=VALUE",
        help="For the provider that is named; wins over what stylize sets, but for what "
        "--precision decides. Repeat for more.",
        show_default=default,
        rich_help_panel=MODEL,
    )


ModelName = Annotated[str | None, _model("vgg19 if exported, else the small embedded one")]
ProviderName = Annotated[str, _provider(default=True)]
PrecisionName = Annotated[Precision | None, _precision("the provider's")]
ProviderOptions = Annotated[list[str] | None, _provider_options(default=False)]
SameModel = Annotated[str | None, _model("as then")]
SameProvider = Annotated[str | None, _provider("as then")]
SamePrecision = Annotated[Precision | None, _precision("as then")]
SameProviderOptions = Annotated[list[str] | None, _provider_options("as then")]

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]

GridFolder = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FOLDER",
        help="Where to write the pictures; those that are there already are kept.",
        show_default="PHOTO-PAINTING here",
        rich_help_panel=PICTURES,
    ),
]

FigureFolder = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FOLDER",
        help="Where to write the pictures; those that are there already are kept.",
        show_default="figure1, 2 or 3 here",
        rich_help_panel=PICTURES,
    ),
]

SheetFile = Annotated[
    Path | None,
    typer.Option(
        "--sheet",
        metavar="FILE",
        help="The labelled sheet of all pictures.",
        show_default="sheet.png among them",
        rich_help_panel=PICTURES,
    ),
]

CellSize = Annotated[
    int | None,
    typer.Option(
        "--cell",
        metavar="PIXELS",
        help="Long side of the pictures on the sheet.",
        show_default="as they are",
        min=16,
        rich_help_panel=PICTURES,
    ),
]

Folder = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FOLDER",
        help="Where to write the model; its last part is the model's name.",
        show_default="vgg19, or vgg19-max, in the user's data folder",
    ),
]

WeightsSource = Annotated[
    str,
    typer.Option(
        metavar="torchvision|FILE",
        help="torchvision's ImageNet weights (downloaded by it, 548 MB), or a .safetensors "
        "or .pth file of VGG-19.",
    ),
]

Pooling = Annotated[Literal["average", "max"], typer.Option(help="Average is the paper's choice.")]

Preprocessing = Annotated[
    Literal["caffe", "torchvision"] | None,
    typer.Option(
        help="What the weights were trained on: BGR in 0...255 minus the mean, or normalised RGB.",
        show_default="known for published files",
    ),
]

Half = Annotated[
    bool, typer.Option("--half", help="Store the weights as float16, in half the space.")
]

AddedContentLayers = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LAYER",
        help="Add a graph for 'stylize run' with the same --content-layer and --style-layer.",
    ),
]

AddedStyleLayers = Annotated[
    list[str] | None,
    typer.Option(metavar="LAYER", help="Likewise; repeat for more."),
]
