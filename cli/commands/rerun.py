"""``stylize rerun``: a picture once more, from what it tells of itself."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from stylize.cli.making.keeping import parse_interval
from stylize.cli.making.paths import check_outputs
from stylize.cli.making.picture import make_picture
from stylize.cli.making.remarks import check_given
from stylize.cli.making.repetition import as_json, job_of, machine_of, where_moved
from stylize.cli.options.arguments import (
    Checkpoint,
    Json,
    MovedMasks,
    MovedPaintings,
    MovedPhoto,
    Quiet,
    Trace,
    to_stdout,
)
from stylize.cli.options.grouping import Choose, Given
from stylize.cli.terminal import answer
from stylize.cli.watching.settings import Watching
from stylize.models.errors import OptionError
from stylize.models.settings import settings_of
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import Options
from stylize.runtime.pictures.file_options import FileOptions

AS_THEN: Mapping[str, Any] = {"shown": "as then", "variable": None}
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    **dict.fromkeys(settings_of(Options), AS_THEN),
    "iterations": {"help": "Evaluations of the gradient, if other than then.", **AS_THEN},
    "init": {
        "help": "What to start from, for example the picture itself, as a draft. Or where the "
        "picture lies now that was started from, if it was moved.",
        **AS_THEN,
    },
}
Changes = Choose(Options, without=(), base=None, **OPTIONS)
SameMachine = Choose(
    Machine,
    model=AS_THEN,
    provider=AS_THEN,
    precision=AS_THEN,
    provider_options=AS_THEN,
    memory={"variable": None},  # with less, the optimiser may be another
)
SameFiles = Choose(
    FileOptions,
    without=("profile", "float_range"),  # these would change what is painted
    bits=AS_THEN,
    keep_metadata=AS_THEN,
    quality=AS_THEN,
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
    photo: MovedPhoto = None,
    painting: MovedPaintings = None,
    mask: MovedMasks = None,
    show: Annotated[
        bool,
        typer.Option("--show", help="Print how the picture was made, as JSON, and stop."),
    ] = False,
    changes: Annotated[Given, Changes],
    trace: Trace = None,
    checkpoint: Checkpoint = None,
    watching: Watching,
    given: Annotated[Given, SameMachine],
    files: Annotated[Given, SameFiles],
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Repeat the run that made FILE.png, which tells how it was made.

    With the same pictures, model, provider, machine and releases of stylize and
    ONNX Runtime, the picture is the same bit for bit. Options that are given
    win over those that it tells: --size 2048 makes a large picture of a draft.
    """
    from stylize.runtime.plans.recipe import read_recipe, space_in

    check_given(changes)
    interval = parse_interval(checkpoint)
    check_outputs([output, trace, *watching.files], [picture])
    recipe = read_recipe(picture)
    if show and json:
        raise OptionError("--show prints the recipe as JSON, without --json. Give one of them.")
    if show:
        for line in as_json(recipe):
            answer(line)
        return
    moved = {
        "photo": [photo] if photo else [],
        "painting": painting or [],
        "mask": mask or [],
        "init": where_moved(recipe, changes),
    }
    if moved["init"]:
        changes = {name: value for name, value in changes.items() if name != "init"}
    space = space_in(picture, recipe)
    job = job_of(recipe, picture, moved, changes, output, trace, files, space)
    job = replace(job, interval=interval, watching=watching)
    make_picture(job, machine_of(recipe, given, picture), quiet, json)
