"""``stylize grid``: layers against weights, as in the paper's Figure 3."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from stylize.cli.making.series import Destination, make_figure
from stylize.cli.options.arguments import Painting, Photo, Quiet
from stylize.cli.options.grouping import Choose, Given
from stylize.models.layers import STYLE_LAYERS
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import LOSSES, Options
from stylize.runtime.plans.figures import RATIOS, figure_3
from stylize.runtime.plans.preset import PAPER

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

Settings = Choose(
    Options,
    without=(
        *("painting_size", "losses", "content_weight", "style_weight"),
        *("content_layers", "style_layers"),
    ),
    base=PAPER,
    init={"metavar": "noise|grey|photo|painting|FILE"},
)
Target = Choose(Destination, folder={"shown": "PHOTO-PAINTING here"})


def grid(
    photo: Photo,
    painting: Painting,
    *,
    ratio: Columns = None,
    up_to: Rows = None,
    target: Annotated[Given, Target],
    given: Annotated[Given, Settings],
    machine: Machine,
    quiet: Quiet = False,
) -> None:
    """Compare layers and weights: PHOTO in the manner of PAINTING, as in the paper's Figure 3.

    Rows are growing subsets of the style layers, columns the ratio of content
    to style weight: 20 pictures of 500 iterations, unless told otherwise. If it
    is interrupted, the same command goes on with the picture at which it
    stopped.
    """
    options = replace(PAPER, **given)
    figure = figure_3(photo, painting, options, up_to or STYLE_LAYERS, ratio or RATIOS)
    folder = Path(f"{photo.stem}-{painting.stem}")
    make_figure(figure, Destination(**{"folder": folder, **target}), machine, quiet)
