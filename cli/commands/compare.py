"""``stylize compare``: each provider's losses, gradient, time and memory beside the CPU's."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylize.cli.options.arguments import Json, Quiet
from stylize.cli.options.grouping import Choose, Given, offering_several
from stylize.cli.showing.tables import explain, outcomes_table, print_table
from stylize.cli.terminal import note
from stylize.models.errors import OptionError, ProviderError
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import Options
from stylize.runtime.providers.table import PROVIDERS

if TYPE_CHECKING:
    from stylize.runtime.checks.outcome import Outcome

Providers = Annotated[
    str | None,
    typer.Option(
        metavar="NAME[:PRECISION],...",
        help=f"These, and fail if one does not work: {', '.join(PROVIDERS)}; without a "
        "precision, in each that it has. For example cpu,openvino:bfloat16. Default: all that work "
        "and that stylize is tested with.",
        show_default=False,
        autocompletion=offering_several(lambda: PROVIDERS),
    ),
]
ITERATIONS = "Length of the optimisation whose final losses are compared."
Settings = Choose(
    Options,
    *("size", "iterations"),
    base=Options(size=256, iterations=20),
    size={
        "help": "Long side of the picture, or its width and height.",
        "panel": None,
        "variable": None,
    },
    iterations={"help": ITERATIONS, "panel": None},
)


def compare(
    photo: Annotated[
        Path | None,
        typer.Argument(metavar="PHOTO", help="The picture to render. Default: a drawn one."),
    ] = None,
    painting: Annotated[
        Path | None,
        typer.Argument(
            metavar="PAINTING", help="The picture whose style is taken. Default: a drawn one."
        ),
    ] = None,
    *,
    providers: Providers = None,
    given: Annotated[Given, Settings],
    json: Json = False,
    machine: Annotated[Given, Choose(Machine, "model", "threads")],
    quiet: Quiet = False,
) -> None:
    """Compare providers with the CPU in float32: losses, gradient, time, memory.

    Losses and gradient are those of one image, half-way between the photo and
    noise. The final loss is a short optimisation's, by Adam, from the photo.
    All are relative differences.

    Memory is what a provider adds to the process, or occupies on the GPU. The
    exit code is 1 if one fails, or is further off than its tolerance
    (docs/providers.md).
    """
    if (photo is None) is not (painting is None):
        raise OptionError("There is a photo but no painting. Give both, or neither.")
    outcomes = _outcomes(providers, (photo, painting), given, Machine(**machine), quiet)
    if json:
        from stylize.cli.showing.reporting import report_comparison

        report_comparison(outcomes)
    else:
        print_table(outcomes_table(outcomes))
        explain(outcomes)
    if wrong := [found.name for found in outcomes if found.verdict in ("too far", "failed")]:
        raise ProviderError(f"Too far off, or failed: {', '.join(wrong)}.")


def _outcomes(
    providers: str | None,
    pictures: tuple[Path | None, Path | None],
    given: Given,
    machine: Machine,
    quiet: bool,
) -> "list[Outcome]":
    """Let each provider compute; everything is looked for before the first does."""
    from stylize.runtime.checks import outcome

    def say(text: str) -> None:
        if not quiet:
            note(f"{text} ...")

    modes = outcome.installed_modes() if providers is None else outcome.parse_modes(providers)
    task = outcome.make_task(machine.model, *pictures, **given)
    usable = list(outcome.find_modes(modes, providers is not None, machine.threads))
    say("Measuring the reference, cpu:float32 on plain graphs")
    reference = outcome.measure_reference(task, machine.threads)
    return [outcome.try_mode(task, found, reference, say) for found in usable]
