"""``stylize reconstruct``: what a layer knows of a photo."""

from dataclasses import replace
from typing import Annotated

from stylize.cli.making.keeping import parse_interval
from stylize.cli.making.paths import named_after
from stylize.cli.making.picture import Job, make_picture
from stylize.cli.options.arguments import Checkpoint, Json, Output, Photo, Quiet, Trace
from stylize.cli.options.grouping import Choose, Given
from stylize.cli.watching.settings import Watching
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import RECONSTRUCTION, Options
from stylize.runtime.pictures.file_options import FileOptions

Settings = Choose(
    Options,
    without=(
        *("painting_size", "crop_painting", "colors", "style_statistics"),
        *("losses", "content_weight", "style_weight", "strength", "style_layers"),
    ),
    base=RECONSTRUCTION,
    init={"help": "What to start from: noise, grey, photo, or a file."},
    content_layers={
        "flags": ("--layer",),
        "help": "Where to compare with the photo, conv1_1 ... conv5_1; repeat for more.",
    },
)


def reconstruct(
    photo: Photo,
    *,
    output: Output = None,
    given: Annotated[Given, Settings],
    trace: Trace = None,
    checkpoint: Checkpoint = None,
    watching: Watching,
    form: Annotated[Given, Choose(FileOptions)],
    machine: Machine,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Reconstruct PHOTO from what a layer sees of it (the paper's Figure 1, lower row).

    From white noise, find a picture to which the layer responds as to the
    photo. Low layers give the photo back; high layers keep what is where, and
    lose the pixels.
    """
    interval = parse_interval(checkpoint)
    options = replace(RECONSTRUCTION, **given)
    result = output or named_after(photo.stem, *options.content_layers)
    files = FileOptions(**form)
    names = {*given, *form}
    job = Job(
        photo,
        (),
        options,
        result,
        bool(output),
        trace,
        names,
        files=files,
        interval=interval,
        watching=watching,
    )
    make_picture(job, machine, quiet, json)
