"""The typer application and its commands."""

from collections.abc import Callable
from typing import Annotated

import typer

from stylize.cli.commands.batch import batch
from stylize.cli.commands.compare import compare
from stylize.cli.commands.doctor import doctor
from stylize.cli.commands.export import export_vgg19
from stylize.cli.commands.figure import figure
from stylize.cli.commands.grid import grid
from stylize.cli.commands.judge import judge
from stylize.cli.commands.models import models
from stylize.cli.commands.plan import plan
from stylize.cli.commands.presets import presets
from stylize.cli.commands.reconstruct import reconstruct
from stylize.cli.commands.rerun import rerun
from stylize.cli.commands.resume import resume
from stylize.cli.commands.run import run
from stylize.cli.commands.sheet import sheet
from stylize.cli.commands.studio import studio
from stylize.cli.commands.texture import texture
from stylize.cli.commands.web import web
from stylize.cli.options.grouping import grouped
from stylize.cli.parsing import Command, Commands
from stylize.cli.terminal import answer
from stylize.installation import COMMAND, release

app = typer.Typer(
    name=COMMAND,
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Render a photo in the manner of a painting (Gatys, Ecker and Bethge, 2015), "
    "with ONNX Runtime and no deep-learning framework.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
export_app = typer.Typer(
    cls=Commands,
    help="Turn a network's weights into a model folder for 'stylize run'.",
    no_args_is_help=True,
)
MAKING, STUDYING, MANAGING = "Pictures", "The paper's figures", "Models and settings"
"""Headings of the commands on the help page."""


def _add(name: str, command: Callable[..., None], panel: str | None, to: typer.Typer = app) -> None:
    to.command(name, cls=Command, rich_help_panel=panel)(grouped(command))


_add("run", run, MAKING)
_add("studio", studio, MAKING)
_add("web", web, MAKING)
_add("batch", batch, MAKING)
_add("plan", plan, MAKING)
_add("resume", resume, MAKING)
_add("rerun", rerun, MAKING)
_add("sheet", sheet, MAKING)
_add("judge", judge, MAKING)
_add("reconstruct", reconstruct, STUDYING)
_add("texture", texture, STUDYING)
_add("grid", grid, STUDYING)
_add("figure", figure, STUDYING)
_add("vgg19", export_vgg19, None, to=export_app)
app.add_typer(export_app, name="export", rich_help_panel=MANAGING)
_add("models", models, MANAGING)
_add("presets", presets, MANAGING)
_add("doctor", doctor, MANAGING)
_add("compare", compare, MANAGING)


def _print_version(wanted: bool) -> None:
    if wanted:
        answer(f"{COMMAND} {release()}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Show the version and exit.",
        ),
    ] = False,
) -> None:
    pass
