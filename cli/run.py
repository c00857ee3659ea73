"""``stylize run``: a photo in the manner of a painting."""

from pathlib import Path

from stylize.cli.parameters import (
    ContentLayers,
    ContentWeight,
    History,
    Init,
    Iterations,
    Losses,
    MeasuredSide,
    ModelName,
    Optimizer,
    Output,
    Painting,
    PaintingSize,
    Photo,
    PrecisionName,
    PresetName,
    ProviderName,
    ProviderOptions,
    Quiet,
    Seed,
    Size,
    StyleLayers,
    StyleWeight,
    Trace,
    TvWeight,
    chosen,
    layers_of,
    provider_options_of,
    size_of,
)
from stylize.cli.rendering import Job, Machine, make_picture
from stylize.models.catalog import find_model
from stylize.models.errors import ModelError
from stylize.models.manifest import read_manifest
from stylize.runtime.plans.preset import Preset, find_preset
from stylize.runtime.providers.table import AUTO

VGG19 = "vgg19"
"""The network's name in a manifest."""


def run(
    photo: Photo,
    painting: Painting,
    preset: PresetName = "stylize",
    output: Output = None,
    size: Size = None,
    side: MeasuredSide = None,
    painting_size: PaintingSize = None,
    init: Init = None,
    seed: Seed = None,
    losses: Losses = None,
    content_weight: ContentWeight = None,
    style_weight: StyleWeight = None,
    tv_weight: TvWeight = None,
    content_layer: ContentLayers = None,
    style_layer: StyleLayers = None,
    iterations: Iterations = None,
    optimizer: Optimizer = None,
    history: History = None,
    trace: Trace = None,
    model: ModelName = None,
    provider: ProviderName = AUTO,
    precision: PrecisionName = None,
    provider_option: ProviderOptions = None,
    quiet: Quiet = False,
) -> None:
    """Render PHOTO in the manner of PAINTING.

    Ctrl-C stops early and saves the picture so far. Nothing is ever downloaded.
    """
    settings = find_preset(preset)
    options = chosen(
        settings.options,
        size=size_of(size),
        side=side,
        painting_size=painting_size,
        init=init,
        seed=seed,
        losses=losses,
        content_weight=content_weight,
        style_weight=style_weight,
        tv_weight=tv_weight,
        content_layers=layers_of(content_layer),
        style_layers=layers_of(style_layer),
        iterations=iterations,
        optimizer=optimizer,
        history=history,
    )
    result = output or Path(f"{photo.stem}-{painting.stem}.png")
    machine = Machine(
        model or _model_of(preset, settings),
        provider,
        precision,
        provider_options_of(provider_option),
        quiet,
    )
    make_picture(Job(photo, painting, options, result, trace), machine)


def _model_of(name: str, preset: Preset) -> str | None:
    """Return the model that a preset is meant for; another would not mean what the name says."""
    if preset.model is None:
        return None
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
