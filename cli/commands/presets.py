"""``stylize presets``: what each preset stands for, in the paper's terms."""

from typing import Annotated

import typer

from stylize.cli.options.arguments import Json
from stylize.cli.options.grouping import offering
from stylize.cli.showing.preset_text import describe
from stylize.cli.terminal import answer
from stylize.runtime.plans.preset import PRESETS, find_preset


def presets(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="The name of one preset. Default: all.",
            autocompletion=offering(lambda: PRESETS),
        ),
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Print what each preset stands for, with its effective coefficients.

    Whatever a program calls its weights, its loss is a sum of numbers times the
    paper's L_c (eq. 1) and E (eq. 4) of each layer. Those numbers are printed.
    M and B stand for E where other statistics are compared (docs/statistics.md).
    TV is half the sum of squared differences of neighbouring pixels; N are a
    layer's channels, M its positions.
    """
    chosen = {name: find_preset(name)} if name else PRESETS
    if json:
        from stylize.cli.showing.reporting import report_presets

        report_presets(chosen)
        return
    for number, item in enumerate(chosen.items()):
        if number:
            answer("")
        for line in describe(*item):
            answer(line)
