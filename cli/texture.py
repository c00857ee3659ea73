"""``stylize texture``: a painting's style without anything that it shows."""

from pathlib import Path

from stylize.cli.parameters import (
    History,
    Iterations,
    MeasuredSide,
    ModelName,
    Optimizer,
    Output,
    Painting,
    PaintingSize,
    PrecisionName,
    ProviderName,
    ProviderOptions,
    Quiet,
    Seed,
    Size,
    StyleLayers,
    TextureInit,
    Trace,
    TvWeight,
    chosen,
    layers_of,
    provider_options_of,
    size_of,
)
from stylize.cli.rendering import Job, Machine, make_picture
from stylize.runtime.method.options import TEXTURE
from stylize.runtime.providers.table import AUTO


def texture(
    painting: Painting,
    style_layer: StyleLayers = None,
    output: Output = None,
    size: Size = None,
    side: MeasuredSide = None,
    painting_size: PaintingSize = None,
    init: TextureInit = None,
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
    """Make a texture in the style of PAINTING (the paper's Figure 1, upper row).

    From white noise, find a picture with the painting's Gram matrices. It may
    have any size, as --size 1024x256; more layers, up to deeper ones, give
    larger structures.
    """
    options = chosen(
        TEXTURE,
        style_layers=layers_of(style_layer),
        size=size_of(size),
        side=side,
        painting_size=painting_size,
        init=init,
        seed=seed,
        tv_weight=tv_weight,
        iterations=iterations,
        optimizer=optimizer,
        history=history,
    )
    result = output or Path(f"{painting.stem}-texture.png")
    machine = Machine(model, provider, precision, provider_options_of(provider_option), quiet)
    make_picture(Job(None, painting, options, result, trace), machine)
