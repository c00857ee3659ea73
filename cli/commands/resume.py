"""``stylize resume``: a picture whose run was ended, from its checkpoint to the end."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from stylize.cli.making.keeping import parse_interval
from stylize.cli.making.picture import make_picture
from stylize.cli.making.repetition import job_of, machine_of
from stylize.cli.making.unfinished import Unfinished, where_told
from stylize.cli.options.arguments import (
    Checkpoint,
    Json,
    MovedMasks,
    MovedPaintings,
    MovedPhoto,
    MovedStart,
    Quiet,
    Trace,
)
from stylize.cli.options.grouping import Choose, Given
from stylize.cli.watching.settings import Watching
from stylize.runtime.engine.machine import Machine

AS_THEN = {"shown": "as then", "variable": None}
Place = Choose(
    Machine,
    *("model", "provider_options", "scratch"),
    model=AS_THEN,
    provider_options=AS_THEN,
    scratch=AS_THEN,
)
File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE.checkpoint",
        help="What the run left beside its picture.",
        show_default=False,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT.png",
        help="The picture to write. Default: the one that was to be written, beside the file.",
        show_default=False,
    ),
]


def resume(
    file: File,
    *,
    output: Output = None,
    photo: MovedPhoto = None,
    painting: MovedPaintings = None,
    mask: MovedMasks = None,
    init: MovedStart = None,
    trace: Trace = None,
    checkpoint: Checkpoint = None,
    watching: Watching,
    given: Annotated[Given, Place],
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Go on with a picture whose run was stopped, killed or lost, to its end.

    On the same machine, with the same provider, the picture is the same bit for
    bit as that of a run that nothing ended. With --trace, the losses go on in
    the file of then. To make a finished picture again, use 'stylize rerun'.
    """
    from stylize.runtime.plans.recipe import name_of_file

    interval = parse_interval(checkpoint)
    unfinished = Unfinished.read(file)
    told = unfinished.checkpoint
    place = file.with_name(name_of_file(told.output))
    moved = where_told(
        unfinished,
        {
            "photo": [photo] if photo else [],
            "painting": painting or [],
            "mask": mask or [],
            "init": [init] if init else [],
        },
    )
    job = job_of(told.recipe, file, moved, {}, output or place, trace, {}, told.space)
    machine = machine_of(told.recipe, given, file)
    options = replace(told.options, init=job.options.init)
    named = bool(output) or told.named
    job = replace(job, options=options, named=named, stop=told.stop, interval=interval, remarks=())
    job = replace(job, watching=watching)
    machine = replace(
        machine,
        threads=told.threads,
        memory=told.memory,
        scratch=machine.scratch or (Path(name_of_file(told.scratch)) if told.scratch else None),
    )
    make_picture(job, machine, quiet, json, unfinished)
