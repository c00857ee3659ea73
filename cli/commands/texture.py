"""``stylize texture``: a painting's style without anything that it shows."""

from dataclasses import replace
from typing import Annotated

from stylize.cli.making.paths import named_after
from stylize.cli.making.picture import Job, make_picture
from stylize.cli.options.arguments import Output, Painting, Quiet, Trace
from stylize.cli.options.grouping import Choose, Given
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import TEXTURE, Options

Settings = Choose(
    Options,
    without=("losses", "content_weight", "style_weight", "content_layers", "colors"),
    base=TEXTURE,
    size={
        "help": "Long side of the picture and of the painting; or the picture's width and height."
    },
    init={"help": "What to start from: noise, grey, painting, or a file."},
)


def texture(
    painting: Painting,
    *,
    output: Output = None,
    given: Annotated[Given, Settings],
    trace: Trace = None,
    machine: Machine,
    quiet: Quiet = False,
) -> None:
    """Make a texture in the style of PAINTING (the paper's Figure 1, upper row).

    From white noise, find a picture with the painting's Gram matrices. It may
    have any size, as --size 1024x256; more layers, up to deeper ones, give
    larger structures.
    """
    options = replace(TEXTURE, **given)
    result = output or named_after(painting.stem, "texture")
    job = Job(None, painting, options, result, bool(output), trace, frozenset(given))
    make_picture(job, machine, quiet)
