"""``stylize run``: a photo in the manner of a painting."""

from dataclasses import replace
from typing import Annotated

from stylize.cli.making.opening import model_of
from stylize.cli.making.paths import named_after
from stylize.cli.making.picture import Job, make_picture
from stylize.cli.options.arguments import Output, Painting, Photo, PresetName, Quiet, Trace
from stylize.cli.options.grouping import Choose, Given
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import Options
from stylize.runtime.plans.preset import find_preset


def run(
    photo: Photo,
    painting: Painting,
    *,
    preset: PresetName = "stylize",
    output: Output = None,
    given: Annotated[Given, Choose(Options)],
    trace: Trace = None,
    machine: Machine,
    quiet: Quiet = False,
) -> None:
    """Render PHOTO in the manner of PAINTING.

    Ctrl-C stops early and saves the picture so far. Nothing is ever downloaded.
    """
    settings = find_preset(preset)
    options = replace(settings.options, **given)
    result = output or named_after(photo.stem, painting.stem)
    machine = replace(machine, model=machine.model or model_of(preset, settings))
    job = Job(photo, painting, options, result, bool(output), trace, frozenset(given), preset)
    make_picture(job, machine, quiet)
