"""``stylize plan``: what a picture would take of memory, disk and time, before it is made."""

from dataclasses import replace
from typing import Annotated

from stylize.cli.making.opening import model_of
from stylize.cli.making.paintings import named_paintings
from stylize.cli.making.paths import matching
from stylize.cli.making.regions import check_named, named_regions
from stylize.cli.making.remarks import check_given
from stylize.cli.options.arguments import (
    AnyPaintings,
    Blend,
    Json,
    PaintingFor,
    Photo,
    PresetName,
    Regions,
)
from stylize.cli.options.grouping import Choose, Given
from stylize.cli.showing.forecasts import forecasts_table, remarks
from stylize.cli.showing.tables import print_table, print_whole
from stylize.models.errors import ProviderError
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import Options
from stylize.runtime.plans.preset import find_preset

Where = Choose(
    Machine,
    provider={
        "help": "Only this one, and fail if it does not work; auto is the fastest.",
        "shown": "all that work, see 'stylize doctor'",
    },
    memory={"shown": "what can be spared"},
)


def plan(
    photo: Photo,
    paintings: AnyPaintings = None,
    *,
    preset: PresetName = "stylize",
    blend: Blend = None,
    painting_for: PaintingFor = None,
    region: Regions = None,
    given: Annotated[Given, Choose(Options)],
    json: Json = False,
    machine: Annotated[Given, Where],
) -> None:
    """Tell what 'stylize run' with these options would take, on each provider.

    No picture is made. Memory and disk follow from the sizes. Seconds are an
    estimate: small pictures are timed for a moment, and the rest is arithmetic.

    The exit code is 0 if the picture does not fit, too; the answer tells which
    would (docs/scale.md).
    """
    from stylize.runtime.checks.forecast import forecasts

    settings = find_preset(preset)
    check_given(given)
    options = replace(settings.options, **given)
    where = Machine(**machine)
    where = replace(where, model=where.model or model_of(preset, settings))
    shown = named_paintings(matching(paintings or ()), blend, painting_for)
    regions = named_regions(region)
    check_named("plan", shown, regions)
    found = forecasts(photo, shown, options, where, "provider" in machine, regions)
    if json:
        from stylize.cli.showing.reporting import report_plan

        report_plan(found)
        return
    usable = [each for each in found if not each.fault]
    if usable:
        print_table(forecasts_table(usable))
    for remark in remarks(found, options):
        print_whole(remark)
    if not usable:
        raise ProviderError("No provider works here.")
