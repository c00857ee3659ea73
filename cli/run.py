"""``stylize run``: a photo in the manner of a painting."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylize.cli.progress import showing_progress
from stylize.cli.trace import tracing
from stylize.models.catalog import embedded_folder
from stylize.models.errors import OptionError
from stylize.runtime.options import OptimizerName, Options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stylize.runtime import Iterate, Model

DEFAULTS = Options()
PICTURES, LOSSES, ITERATION, MODEL = "Pictures", "Losses", "Iteration", "Model"


def run(
    photo: Annotated[Path, typer.Argument(help="The picture to render.", show_default=False)],
    painting: Annotated[Path, typer.Argument(help="In whose manner.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT.png",
            help="The picture to write: .png, .jpg, .webp or .tiff.",
            show_default="PHOTO-PAINTING.png here",
            rich_help_panel=PICTURES,
        ),
    ] = None,
    size: Annotated[
        int,
        typer.Option(
            metavar="PIXELS",
            help="Long side of the photo and of the painting.",
            rich_help_panel=PICTURES,
        ),
    ] = DEFAULTS.size,
    init: Annotated[
        str,
        typer.Option(
            metavar="photo|painting|noise|FILE",
            help="The picture to start from.",
            rich_help_panel=PICTURES,
        ),
    ] = DEFAULTS.init,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Of --init noise.", rich_help_panel=PICTURES)
    ] = DEFAULTS.seed,
    content_weight: Annotated[
        float,
        typer.Option(
            metavar="α",
            help="How much likeness to the photo counts.",
            rich_help_panel=LOSSES,
        ),
    ] = DEFAULTS.content_weight,
    style_weight: Annotated[
        float,
        typer.Option(
            metavar="β",
            help="How much likeness to the painting counts. Ten times more or less makes a "
            "visible difference.",
            rich_help_panel=LOSSES,
        ),
    ] = DEFAULTS.style_weight,
    content_layer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LAYER",
            help="Where to compare with the photo; repeat for more.",
            show_default=" ".join(DEFAULTS.content_layers),
            rich_help_panel=LOSSES,
        ),
    ] = None,
    style_layer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LAYER",
            help="Where to compare with the painting; repeat for more.",
            show_default=" ".join(DEFAULTS.style_layers),
            rich_help_panel=LOSSES,
        ),
    ] = None,
    iterations: Annotated[
        int,
        typer.Option(metavar="N", help="Evaluations of the gradient.", rich_help_panel=ITERATION),
    ] = DEFAULTS.iterations,
    optimizer: Annotated[
        OptimizerName,
        typer.Option(
            help="L-BFGS gets there in fewer iterations; Adam needs less memory.",
            rich_help_panel=ITERATION,
        ),
    ] = DEFAULTS.optimizer,
    trace: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl",
            help="Write each iteration's losses, a JSON object a line.",
            show_default=False,
            rich_help_panel=ITERATION,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FOLDER",
            help="What sees the pictures; 'stylize models' lists what is there.",
            show_default="vgg19 if exported, else the small embedded one",
            rich_help_panel=MODEL,
        ),
    ] = None,
    provider: Annotated[
        str,
        typer.Option(
            metavar="cpu|cuda",
            help="Where ONNX Runtime computes; never elsewhere.",
            rich_help_panel=MODEL,
        ),
    ] = "cpu",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
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
