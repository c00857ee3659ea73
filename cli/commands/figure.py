"""``stylize figure``: a whole figure of the paper."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from stylize.cli.making.remarks import of_options
from stylize.cli.making.series import Destination, make_figure
from stylize.cli.options.arguments import Json, Quiet
from stylize.cli.options.grouping import Choose, Given
from stylize.models.errors import OptionError
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import Options
from stylize.runtime.method.paintings import Painting
from stylize.runtime.plans.figures import Figure, figure_1, figure_2, figure_3
from stylize.runtime.plans.preset import PAPER

Number = Literal["1", "2", "3"]

Settings = Choose(
    Options,
    *("size", "scales", "init", "seed", "style_weight", "iterations"),
    base=PAPER,
    init={"help": "What to start from: noise, grey, photo, painting, or a file."},
    style_weight={
        "help": "How much likeness to the painting counts in Figure 2.",
        "shown": "1000: α/β = 1e-3",
    },
)
Target = Choose(Destination, folder={"shown": "figure1, 2 or 3 here"})


def figure(
    number: Annotated[
        Number,
        typer.Argument(
            metavar="NUMBER",
            help="The number of the paper's figure: 1, 2 or 3.",
            show_default=False,
        ),
    ],
    *,
    photo: Annotated[
        Path, typer.Option(metavar="FILE", help="The picture to render.", show_default=False)
    ],
    painting: Annotated[
        list[Path],
        typer.Option(
            metavar="FILE",
            help="The picture whose style is taken; repeat in Figure 2.",
            show_default=False,
        ),
    ],
    target: Annotated[Given, Target],
    given: Annotated[Given, Settings],
    machine: Machine,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make a whole figure of the paper, from white noise, and a labelled sheet of it.

    1: style and content reconstructions from each layer. 2: a photo in the
    manner of several paintings. 3: growing layer subsets against the ratio of
    content to style weight.

    If it is interrupted, the same command goes on with the picture at which it
    stopped.
    """
    made = _plan(number, photo, painting, given)
    folder = Path(f"figure{number}")
    place = Destination(**{"folder": folder, **target})
    make_figure(made, place, machine, quiet, json, of_options(replace(PAPER, **given), given))


def _plan(number: Number, photo: Path, paintings: Sequence[Path], given: Given) -> Figure:
    """Return the figure; raises OptionError where what was given does not belong to it."""
    options = replace(PAPER, **given)
    if number == "1" and options.init in ("photo", "painting"):
        raise OptionError(
            "Figure 1 has pictures of the photo and of the painting alone: start "
            "from noise, grey, or a file."
        )
    if number != "2" and len(paintings) > 1:
        raise OptionError(f"Figure {number} is of one painting. Give --painting once.")
    if number != "2" and "style_weight" in given:
        raise OptionError(f"Figure {number} sets the style weight itself.")
    match number:
        case "1":
            return figure_1(photo, paintings[0], options)
        case "2":
            return figure_2(photo, paintings, options)
        case "3":
            return figure_3(photo, [Painting(paintings[0])], options)
