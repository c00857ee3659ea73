"""``stylize reconstruct``: what a layer knows of a photo."""

from pathlib import Path

from stylize.cli.parameters import (
    History,
    Iterations,
    MeasuredSide,
    ModelName,
    Optimizer,
    Output,
    Photo,
    PrecisionName,
    ProviderName,
    ProviderOptions,
    Quiet,
    ReconstructionInit,
    ReconstructionLayers,
    Seed,
    Size,
    Trace,
    TvWeight,
    chosen,
    layers_of,
    provider_options_of,
    size_of,
)
from stylize.cli.rendering import Job, Machine, make_picture
from stylize.runtime.method.options import RECONSTRUCTION
from stylize.runtime.providers.table import AUTO


def reconstruct(
    photo: Photo,
    layer: ReconstructionLayers = None,
    output: Output = None,
    size: Size = None,
    side: MeasuredSide = None,
    init: ReconstructionInit = None,
    seed: Seed = None,
    tv_weight: TvWeight = None,
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
    """Reconstruct PHOTO from what a layer sees of it (the paper's Figure 1, lower row).

    From white noise, find a picture to which the layer responds as to the
    photo. Low layers give the photo back; high layers keep what is where, and
    lose the pixels.
    """
    options = chosen(
        RECONSTRUCTION,
        content_layers=layers_of(layer),
        size=size_of(size),
        side=side,
        init=init,
        seed=seed,
        tv_weight=tv_weight,
        iterations=iterations,
        optimizer=optimizer,
        history=history,
    )
    result = output or Path(f"{photo.stem}-{'-'.join(options.content_layers)}.png")
    machine = Machine(model, provider, precision, provider_options_of(provider_option), quiet)
    make_picture(Job(photo, None, options, result, trace), machine)
