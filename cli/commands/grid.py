"""``stylize grid``: layers against weights, as in the paper's Figure 3."""

from dataclasses import replace
from typing import Annotated

import typer

from stylize.cli.making.paintings import named_paintings, title
from stylize.cli.making.paths import matching, named_after
from stylize.cli.making.remarks import of_options
from stylize.cli.making.series import Destination, make_figure
from stylize.cli.options.arguments import Blend, Json, Paintings, Photo, Quiet
from stylize.cli.options.grouping import Choose, Given, offering, with_default
from stylize.models.layers import STYLE_LAYERS, VGG19_LAYERS
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import LOSSES, Options
from stylize.runtime.plans.figures import RATIOS, figure_3
from stylize.runtime.plans.preset import PAPER

Rows = Annotated[
    list[str] | None,
    typer.Option(
        "--up-to",
        metavar="LAYER",
        autocompletion=offering(lambda: VGG19_LAYERS),
        help=with_default(
            "A row: the style on all style layers up to this one; repeat for more.",
            " ".join(STYLE_LAYERS),
        ),
        show_default=False,
        rich_help_panel=LOSSES,
    ),
]

Columns = Annotated[
    list[float] | None,
    typer.Option(
        "--ratio",
        metavar="α/β",
        help=with_default(
            "A column: content weight to style weight; repeat for more.",
            " ".join(f"{ratio:g}" for ratio in RATIOS),
        ),
        show_default=False,
        rich_help_panel=LOSSES,
    ),
]

Settings = Choose(
    Options,
    without=(
        *("painting_size", "losses", "content_weight", "style_weight", "strength"),
        *("content_layers", "style_layers"),
    ),
    base=PAPER,
    init={"help": "What to start from: noise, grey, photo, painting, or a file."},
)
Target = Choose(Destination, folder={"shown": "PHOTO-PAINTING here"})


def grid(
    photo: Photo,
    paintings: Paintings,
    *,
    blend: Blend = None,
    ratio: Columns = None,
    up_to: Rows = None,
    target: Annotated[Given, Target],
    given: Annotated[Given, Settings],
    machine: Machine,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare layers and weights: PHOTO in the manner of PAINTING, as in the paper's Figure 3.

    Rows are growing subsets of the style layers, columns the ratio of content
    to style weight: 20 pictures of 500 iterations, unless told otherwise. If it
    is interrupted, the same command goes on with the picture at which it
    stopped.
    """
    options = replace(PAPER, **given)
    files = matching(paintings)
    shown = named_paintings(files, blend)
    figure = figure_3(photo, shown, options, up_to or STYLE_LAYERS, ratio or RATIOS)
    folder = named_after(photo.stem, *title(files), ending="")
    place = Destination(**{"folder": folder, **target})
    make_figure(figure, place, machine, quiet, json, of_options(options, given))
