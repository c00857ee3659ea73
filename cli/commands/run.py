"""``stylize run``: a photo in the manner of a painting."""

from dataclasses import replace
from typing import Annotated

from stylize.cli.making.opening import model_of
from stylize.cli.making.paintings import named_paintings, title
from stylize.cli.making.paths import matching, named_after
from stylize.cli.making.picture import Job, make_picture
from stylize.cli.making.remarks import check_given
from stylize.cli.options.arguments import (
    Blend,
    Output,
    PaintingFor,
    Paintings,
    Photo,
    PresetName,
    Quiet,
    Trace,
)
from stylize.cli.options.grouping import Choose, Given
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import Options
from stylize.runtime.plans.preset import find_preset


def run(
    photo: Photo,
    paintings: Paintings,
    *,
    preset: PresetName = "stylize",
    output: Output = None,
    blend: Blend = None,
    painting_for: PaintingFor = None,
    given: Annotated[Given, Choose(Options)],
    trace: Trace = None,
    machine: Machine,
    quiet: Quiet = False,
) -> None:
    """Render PHOTO in the manner of PAINTING, or of a blend of several.

    Ctrl-C stops early and saves the picture so far. Nothing is ever downloaded.
    """
    settings = find_preset(preset)
    check_given(given)
    options = replace(settings.options, **given)
    files = matching(paintings)
    shown = named_paintings(files, blend, painting_for)
    result = output or named_after(photo.stem, *title(files))
    machine = replace(machine, model=machine.model or model_of(preset, settings))
    job = Job(photo, shown, options, result, bool(output), trace, frozenset(given), preset)
    make_picture(job, machine, quiet)
