"""``stylize run``: a photo in the manner of a painting."""

from dataclasses import replace
from typing import Annotated

from stylize.cli.making.keeping import parse_interval
from stylize.cli.making.opening import model_of
from stylize.cli.making.paintings import named_paintings, title
from stylize.cli.making.paths import matching, named_after
from stylize.cli.making.picture import Job, make_picture
from stylize.cli.making.regions import check_named, in_regions, named_regions
from stylize.cli.making.remarks import check_given
from stylize.cli.options.arguments import (
    AnyPaintings,
    Blend,
    Checkpoint,
    Json,
    Output,
    PaintingFor,
    Photo,
    PresetName,
    Quiet,
    Regions,
    Trace,
)
from stylize.cli.options.grouping import Choose, Given
from stylize.cli.watching.settings import Watching
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import Options
from stylize.runtime.pictures.file_options import FileOptions
from stylize.runtime.plans.preset import find_preset


def run(
    photo: Photo,
    paintings: AnyPaintings = None,
    *,
    preset: PresetName = "stylize",
    output: Output = None,
    blend: Blend = None,
    painting_for: PaintingFor = None,
    region: Regions = None,
    given: Annotated[Given, Choose(Options)],
    trace: Trace = None,
    checkpoint: Checkpoint = None,
    watching: Watching,
    form: Annotated[Given, Choose(FileOptions)],
    machine: Machine,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Render PHOTO in the manner of PAINTING, of a blend of several, or of one in each part.

    Ctrl-C stops early and saves the picture so far. Nothing is ever downloaded.
    """
    settings = find_preset(preset)
    check_given(given)
    interval = parse_interval(checkpoint)
    options = replace(settings.options, **given)
    files, regions = matching(paintings or ()), named_regions(region)
    shown = named_paintings(files, blend, painting_for)
    check_named("run", shown, regions)
    named = dict.fromkeys([*files, *(each.picture for each in in_regions(regions))])
    result = output or named_after(photo.stem, *title([*named]))
    machine = replace(machine, model=machine.model or model_of(preset, settings))
    job = Job(
        photo,
        shown,
        options,
        result,
        bool(output),
        trace,
        {*given, *form},
        preset,
        files=FileOptions(**form),
        regions=regions,
        interval=interval,
        watching=watching,
    )
    make_picture(job, machine, quiet, json)
