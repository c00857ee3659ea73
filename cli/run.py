"""``stylize run``: a photo in the manner of a painting."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from stylize.cli.parameters import (
    DEFAULTS,
    ContentLayers,
    ContentWeight,
    Init,
    Iterations,
    ModelName,
    Optimizer,
    Output,
    Painting,
    Photo,
    ProviderName,
    Quiet,
    Seed,
    Size,
    StyleLayers,
    StyleWeight,
    Trace,
)
from stylize.cli.progress import showing_progress
from stylize.cli.trace import tracing
from stylize.models.catalog import embedded_folder
from stylize.models.errors import OptionError
from stylize.runtime.options import Options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stylize.runtime import Iterate, Model


def run(
    photo: Photo,
    painting: Painting,
    output: Output = None,
    size: Size = DEFAULTS.size,
    init: Init = DEFAULTS.init,
    seed: Seed = DEFAULTS.seed,
    content_weight: ContentWeight = DEFAULTS.content_weight,
    style_weight: StyleWeight = DEFAULTS.style_weight,
    content_layer: ContentLayers = None,
    style_layer: StyleLayers = None,
    iterations: Iterations = DEFAULTS.iterations,
    optimizer: Optimizer = DEFAULTS.optimizer,
    trace: Trace = None,
    model: ModelName = None,
    provider: ProviderName = "cpu",
    quiet: Quiet = False,
) -> None:
    """Render PHOTO in the manner of PAINTING.

    Ctrl-C stops early and saves the picture so far. Nothing is ever downloaded.
    """
    options = Options(
        size=size,
        iterations=iterations,
        content_weight=content_weight,
        style_weight=style_weight,
        content_layers=tuple(content_layer or DEFAULTS.content_layers),
        style_layers=tuple(style_layer or DEFAULTS.style_layers),
        init=init,
        optimizer=optimizer,
        seed=seed,
    )
    result = output or Path(f"{photo.stem}-{painting.stem}.png")
    _check_outputs(result, trace, (photo, painting, Path(init)), size)
    opened = _open_model(model, provider, quiet)
    from stylize.runtime import transfer

    iterates = transfer(opened, photo, painting, options)
    _follow(iterates, iterations, trace, result, quiet)


def _check_outputs(
    result: Path, trace: Path | None, inputs: "Sequence[Path]", long_side: int
) -> None:
    """Find out before the work whether the result can be written, and would destroy nothing."""
    from stylize.runtime.images import check_output

    for output in (result, trace):
        for path in inputs:
            if output and output.exists() and path.exists() and path.samefile(output):
                raise OptionError(f"'{output}' would overwrite '{path}'. Name another file.")
    if trace and trace.absolute() == result.absolute():
        raise OptionError(f"The trace and the picture cannot both be '{trace}'.")
    check_output(result, long_side)


def _open_model(name: str | None, provider: str, quiet: bool) -> "Model":
    from stylize.runtime import Model

    model = Model.open(name, provider)
    if name is None and model.folder.path == embedded_folder() and not quiet:
        typer.echo(
            "Using the small embedded model 'compact', since no exported vgg19 was found. To get "
            "VGG-19: pip install 'stylize-onnx[export]' && stylize export vgg19",
            err=True,
        )
    return model


def _follow(
    iterates: "Iterator[Iterate]", iterations: int, trace: Path | None, result: Path, quiet: bool
) -> None:
    """Trace and show every iterate; whatever ends the run, save the one with the lowest loss.

    It is mostly the last, but a step without a line search may overshoot.
    """
    best = None
    try:
        with tracing(trace) as write, showing_progress(iterations, quiet) as show:
            for iterate in iterates:
                if best is None or iterate.total <= best.total:
                    best = iterate
                write(iterate)
                show(iterate)
    finally:
        if best:
            _save(best, result, quiet)


def _save(best: "Iterate", result: Path, quiet: bool) -> None:
    from stylize.runtime.images import save_image

    image = best.image
    save_image(image, result)
    if not quiet:
        typer.echo(
            f"{result}: {image.width}x{image.height}, iteration {best.iteration} after "
            f"{best.seconds:.0f} s",
            err=True,
        )
