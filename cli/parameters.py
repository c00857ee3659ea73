"""The arguments and options of the commands, each declared once."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from stylize.runtime.options import OptimizerName, Options

DEFAULTS = Options()
PICTURES, LOSSES, ITERATION, MODEL = "Pictures", "Losses", "Iteration", "Model"

Photo = Annotated[Path, typer.Argument(help="The picture to render.", show_default=False)]

Painting = Annotated[Path, typer.Argument(help="In whose manner.", show_default=False)]

Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT.png",
        help="The picture to write: .png, .jpg, .webp or .tiff.",
        show_default="PHOTO-PAINTING.png here",
        rich_help_panel=PICTURES,
    ),
]

Size = Annotated[
    int,
    typer.Option(
        metavar="PIXELS",
        help="Long side of the photo and of the painting.",
        rich_help_panel=PICTURES,
    ),
]

Init = Annotated[
    str,
    typer.Option(
        metavar="photo|painting|noise|FILE",
        help="The picture to start from.",
        rich_help_panel=PICTURES,
    ),
]

Seed = Annotated[int, typer.Option(metavar="N", help="Of --init noise.", rich_help_panel=PICTURES)]

ContentWeight = Annotated[
    float,
    typer.Option(
        metavar="α",
        help="How much likeness to the photo counts.",
        rich_help_panel=LOSSES,
    ),
]

StyleWeight = Annotated[
    float,
    typer.Option(
        metavar="β",
        help="How much likeness to the painting counts. Ten times more or less makes a "
        "visible difference.",
        rich_help_panel=LOSSES,
    ),
]

ContentLayers = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LAYER",
        help="Where to compare with the photo; repeat for more.",
        show_default=" ".join(DEFAULTS.content_layers),
        rich_help_panel=LOSSES,
    ),
]

StyleLayers = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LAYER",
        help="Where to compare with the painting; repeat for more.",
        show_default=" ".join(DEFAULTS.style_layers),
        rich_help_panel=LOSSES,
    ),
]

Iterations = Annotated[
    int,
    typer.Option(metavar="N", help="Evaluations of the gradient.", rich_help_panel=ITERATION),
]

Optimizer = Annotated[
    OptimizerName,
    typer.Option(
        help="L-BFGS gets there in fewer iterations; Adam needs less memory.",
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

ModelName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FOLDER",
        help="What sees the pictures; 'stylize models' lists what is there.",
        show_default="vgg19 if exported, else the small embedded one",
        rich_help_panel=MODEL,
    ),
]

ProviderName = Annotated[
    str,
    typer.Option(
        metavar="cpu|cuda",
        help="Where ONNX Runtime computes; never elsewhere.",
        rich_help_panel=MODEL,
    ),
]

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]

Folder = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FOLDER",
        help="Where to write the model; its last part is the model's name.",
        show_default="vgg19 in the user's data folder",
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
