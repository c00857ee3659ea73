"""``stylize rerun``: a picture once more, from what it tells of itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from stylize.cli.making.paths import check_outputs
from stylize.cli.making.picture import make_picture
from stylize.cli.making.repetition import as_json, job_of, machine_of
from stylize.cli.options.arguments import Quiet, Trace, to_stdout
from stylize.cli.options.grouping import Choose, Given
from stylize.cli.terminal import answer
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import Options
from stylize.runtime.pictures.file_options import FileOptions

AS_THEN: Mapping[str, Any] = {"shown": "as then"}
Iterations = Choose(
    Options,
    "iterations",
    iterations={"help": "Evaluations of the gradient, if other than then.", **AS_THEN},
)
SameMachine = Choose(
    Machine, model=AS_THEN, provider=AS_THEN, precision=AS_THEN, provider_options=AS_THEN
)
SameFiles = Choose(
    FileOptions,
    without=("profile", "float_range"),  # these would change what is painted
    bits=AS_THEN,
    keep_metadata=AS_THEN,
    quality=AS_THEN,
)


def _moved(what: str, more: str = "") -> Any:
    return typer.Option(
        metavar="FILE", help=f"Where {what} lies now, if it was moved{more}.", show_default=False
    )


Picture = Annotated[
    Path,
    typer.Argument(metavar="FILE.png", help="A picture that stylize wrote.", show_default=False),
]
Again = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT.png",
        help="The picture to write; - for a PNG to a pipe. Default: FILE-again.png beside it.",
        show_default=False,
        callback=to_stdout,
    ),
]


def rerun(
    picture: Picture,
    *,
    output: Again = None,
    photo: Annotated[Path | None, _moved("the photo")] = None,
    painting: Annotated[list[Path] | None, _moved("the painting", "; repeat for more")] = None,
    mask: Annotated[list[Path] | None, _moved("a mask", "; repeat for more")] = None,
    init: Annotated[Path | None, _moved("the picture that was started from")] = None,
    show: Annotated[
        bool,
        typer.Option("--show", help="Print how the picture was made, as JSON, and stop."),
    ] = False,
    changes: Annotated[Given, Iterations],
    trace: Trace = None,
    given: Annotated[Given, SameMachine],
    files: Annotated[Given, SameFiles],
    quiet: Quiet = False,
) -> None:
    """Repeat the run that made FILE.png, which tells how it was made.

    With the same pictures, model, provider, machine and releases of stylize and
    ONNX Runtime, the picture is the same bit for bit.
    """
    from stylize.runtime.plans.recipe import read_recipe

    check_outputs([output, trace], [picture])
    recipe = read_recipe(picture)
    if show:
        for line in as_json(recipe):
            answer(line)
        return
    moved = {
        "photo": [photo] if photo else [],
        "painting": painting or [],
        "mask": mask or [],
        "init": [init] if init else [],
    }
    job = job_of(recipe, picture, moved, changes, output, trace, files)
    make_picture(job, machine_of(recipe, given, picture), quiet)
