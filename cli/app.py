"""The typer application and its commands."""

from typing import Annotated

import typer

from stylize.cli.compare import compare
from stylize.cli.doctor import doctor
from stylize.cli.edge import reporting
from stylize.cli.export import export_vgg19
from stylize.cli.figures import figure, grid
from stylize.cli.models import models
from stylize.cli.presets import presets
from stylize.cli.reconstruct import reconstruct
from stylize.cli.rerun import rerun
from stylize.cli.run import run
from stylize.cli.sheet import sheet
from stylize.cli.texture import texture

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
PICTURES, PAPER, MODELS = "Pictures", "The paper's figures", "Models and settings"
app.command("run", rich_help_panel=PICTURES)(reporting(run))
app.command("rerun", rich_help_panel=PICTURES)(reporting(rerun))
app.command("sheet", rich_help_panel=PICTURES)(reporting(sheet))
app.command("reconstruct", rich_help_panel=PAPER)(reporting(reconstruct))
app.command("texture", rich_help_panel=PAPER)(reporting(texture))
app.command("grid", rich_help_panel=PAPER)(reporting(grid))
app.command("figure", rich_help_panel=PAPER)(reporting(figure))
app.add_typer(export_app, name="export", rich_help_panel=MODELS)
app.command("models", rich_help_panel=MODELS)(reporting(models))
app.command("presets", rich_help_panel=MODELS)(reporting(presets))
app.command("doctor", rich_help_panel=MODELS)(reporting(doctor))
app.command("compare", rich_help_panel=MODELS)(reporting(compare))


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
