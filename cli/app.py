"""The typer application and its commands."""

from typing import Annotated

import typer

from stylize.cli.edge import reporting
from stylize.cli.export import export_vgg19
from stylize.cli.models import models
from stylize.cli.run import run

app = typer.Typer(
    name="stylize",
    help="Render a photo in the manner of a painting (Gatys, Ecker and Bethge, 2015), "
    "with ONNX Runtime and no deep-learning framework.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
export_app = typer.Typer(
    help="Turn a network's weights into a model folder for 'stylize run'.", no_args_is_help=True
)
export_app.command("vgg19")(reporting(export_vgg19))
app.command("run")(reporting(run))
app.add_typer(export_app, name="export")
app.command("models")(reporting(models))


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"stylize {version('stylize-onnx')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass
