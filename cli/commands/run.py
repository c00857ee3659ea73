"""``stylize run``: a photo in the manner of a painting."""

from dataclasses import replace
from typing import Annotated

import typer

from stylize.cli.making.paths import named_after
from stylize.cli.making.picture import Job, make_picture
from stylize.cli.options.arguments import Output, Painting, Photo, Quiet, Trace
from stylize.cli.options.grouping import Choose, Given
from stylize.models.catalog import find_model
from stylize.models.errors import ModelError
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import Options
from stylize.runtime.plans.preset import PRESETS, Preset, find_preset

VGG19 = "vgg19"
"""What a manifest calls the network."""

PresetName = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help=f"Settings by the name of their source: {', '.join(PRESETS)}. Options given beside "
        "it win; 'stylize presets' prints each. Default: stylize.",
        show_default=False,
    ),
]


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
    machine = replace(machine, model=machine.model or _model_of(preset, settings))
    job = Job(photo, painting, options, result, bool(output), trace, frozenset(given), preset)
    make_picture(job, machine, quiet)


def _model_of(name: str, preset: Preset) -> str | None:
    """Return the model that a preset is meant for; another would not mean what the name says."""
    if preset.model is None:
        return None
    from stylize.models.manifest import read_manifest

    meant = f"The preset '{name}' is meant for VGG-19 with {preset.pooling} pooling"
    other = "Or say which model to take instead, for example --model compact."
    try:
        folder = find_model(preset.model)
    except ModelError as error:
        pooling = "" if preset.pooling == "average" else f" --pooling {preset.pooling}"
        raise ModelError(
            f"{meant}, and no model '{preset.model}' is found. "
            f"Make it: 'stylize export vgg19{pooling}'. {other}"
        ) from error
    manifest = read_manifest(folder)
    if (manifest.network, manifest.pooling) != (VGG19, preset.pooling):
        raise ModelError(
            f"{meant}, but the model '{preset.model}' is {manifest.network} with "
            f"{manifest.pooling} pooling. Export it again. {other}"
        )
    return preset.model
