"""``stylize texture``: a painting's style without anything that it shows."""

from dataclasses import replace
from typing import Annotated

from stylize.cli.making.keeping import parse_interval
from stylize.cli.making.paintings import named_paintings, title
from stylize.cli.making.paths import matching, named_after
from stylize.cli.making.picture import Job, make_picture
from stylize.cli.options.arguments import (
    Blend,
    Checkpoint,
    Json,
    Output,
    PaintingFor,
    Paintings,
    Quiet,
    Trace,
)
from stylize.cli.options.grouping import Choose, Given
from stylize.cli.watching.settings import Watching
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import TEXTURE, Options
from stylize.runtime.pictures.file_options import FileOptions

Settings = Choose(
    Options,
    without=("losses", "content_weight", "style_weight", "strength", "content_layers", "colors"),
    base=TEXTURE,
    size={
        "help": "Long side of the picture and of the painting; or the picture's width and height."
    },
    init={"help": "What to start from: noise, grey, painting, or a file."},
)


def texture(
    paintings: Paintings,
    *,
    output: Output = None,
    blend: Blend = None,
    painting_for: PaintingFor = None,
    given: Annotated[Given, Settings],
    trace: Trace = None,
    checkpoint: Checkpoint = None,
    watching: Watching,
    form: Annotated[Given, Choose(FileOptions)],
    machine: Machine,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make a texture in the style of PAINTING (the paper's Figure 1, upper row), or of several.

    From white noise, find a picture with the painting's Gram matrices. It may
    have any size, as --size 1024x256; more layers, up to deeper ones, give
    larger structures.
    """
    interval = parse_interval(checkpoint)
    options = replace(TEXTURE, **given)
    files = matching(paintings)
    shown = named_paintings(files, blend, painting_for)
    result = output or named_after(*title(files), "texture")
    job = Job(
        None,
        shown,
        options,
        result,
        bool(output),
        trace,
        {*given, *form},
        files=FileOptions(**form),
        interval=interval,
        watching=watching,
    )
    make_picture(job, machine, quiet, json)
