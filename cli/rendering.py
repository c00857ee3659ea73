"""What all commands that make pictures do: check first, open, follow the iteration, save."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from stylize.cli.progress import Progress, showing_progress
from stylize.cli.trace import tracing
from stylize.models.catalog import embedded_folder
from stylize.models.errors import OptionError
from stylize.runtime.engine.choice import find_provider
from stylize.runtime.method.options import STARTS, Options
from stylize.runtime.providers.table import AUTO, Precision, Provider

if TYPE_CHECKING:
    from stylize.runtime import Iterate, Model
    from stylize.runtime.method.iteration import Found
    from stylize.runtime.method.scene import Scene
    from stylize.runtime.plans.recipe import Recipe

HEADROOM = 0.9
"""Part of the free memory that a picture may take, for its need is an estimate."""


@dataclass(frozen=True)
class Machine:
    """What makes pictures, and whether it speaks.

    Attributes
    ----------
    model : str or None
        What the user called it.
    provider : str
        Where to compute; ``auto`` for where it is fastest.
    precision : str or None
        In which; the provider's own if None.
    provider_options : mapping of str to str
        For ONNX Runtime.
    quiet : bool
        Whether to say nothing but errors.
    """

    model: str | None
    provider: str
    precision: Precision | None
    provider_options: Mapping[str, str]
    quiet: bool


@dataclass(frozen=True)
class Job:
    """A picture that was asked for.

    Attributes
    ----------
    photo, painting : Path or None
        What it is made of; one may be missing.
    options : Options
        How.
    output : Path
        Where it goes.
    trace : Path or None
        Where the losses go.
    """

    photo: Path | None
    painting: Path | None
    options: Options
    output: Path
    trace: Path | None


def make_picture(job: Job, machine: Machine) -> None:
    """Make the picture and save it; if the user interrupts, what there is of it."""
    inputs = files_read(job.photo, job.painting, job.options)
    check_outputs([job.output, job.trace], inputs)
    _check_picture(job.output)
    model = open_model(machine)
    from stylize.runtime.method.scene import Scene
    from stylize.runtime.plans.recipe import recipe_of

    scene = Scene(model, job.photo, job.painting)
    scene.check(job.options)
    _check_picture(job.output, scene.size(job.options))
    warn_of_memory(model, scene, job.options, machine)
    recipe = recipe_of(model, machine.model, job.photo, job.painting, job.options)
    every = 1 if job.trace else None
    with (
        tracing(job.trace) as write,
        showing_progress(job.options.iterations, machine.quiet) as progress,
    ):
        progress.say(f"Minimising {' + '.join(scene.coefficients(job.options).terms)}")
        follow(scene.render(job.options, every), [write], recipe, job.output, progress)


def follow(
    iterates: "Iterable[Iterate]",
    observers: "Sequence[Callable[[Iterate], None]]",
    recipe: "Recipe",
    output: Path,
    progress: Progress,
    enough: int = 0,
) -> None:
    """Show every iterate to the observers; whatever ends them, save the one with the lowest loss.

    It is mostly the last, but a step without a line search may overshoot.

    Parameters
    ----------
    iterates : iterable of Iterate
        From ``Scene.render``.
    observers : sequence of functions
        Called with each.
    recipe : Recipe
        What is made.
    output : Path
        Where it goes.
    progress : Progress
        Is told of each, and of the file written.
    enough : int
        After fewer iterations, nothing is saved: what is there already is better.
    """
    last: Iterate | None = None
    try:
        for last in iterates:
            for observe in (*observers, progress.show):
                observe(last)
    finally:
        if last and last.iteration >= enough:
            _save(last.best, output, replace(recipe, evaluations=last.iteration))
            progress.say(_saved(output, last))


def files_read(photo: Path | None, painting: Path | None, options: Options) -> list[Path]:
    """Return the files that a picture is made of."""
    start = None if options.init in STARTS else Path(options.init)
    return [path for path in (photo, painting, start) if path]


def check_outputs(outputs: Sequence[Path | None], inputs: Sequence[Path]) -> None:
    """Find out before the work whether what is written would destroy what is read.

    Raises
    ------
    OptionError
        An output is one of the inputs, or two outputs are the same file.
    """
    seen: set[Path] = set()
    for output in filter(None, outputs):
        for path in inputs:
            if output.exists() and path.exists() and path.samefile(output):
                raise OptionError(f"'{output}' would overwrite '{path}'. Name another file.")
        if output.resolve() in seen:
            raise OptionError(f"Two outputs cannot both be '{output}'. Name another file.")
        seen.add(output.resolve())


def open_model(machine: Machine) -> "Model":
    """Open a model on a provider, and say so where they are not those that the user may expect."""
    from stylize.runtime import Model

    provider = find_provider(machine.provider, machine.precision, machine.provider_options)
    model = Model.open(machine.model, provider)
    if not machine.quiet:
        _announce(provider, chosen=machine.provider == AUTO)
    if machine.model is None and model.folder.path == embedded_folder() and not machine.quiet:
        typer.echo(
            "Using the small embedded model 'compact', since no exported vgg19 was found. To get "
            "VGG-19: pip install 'stylize-onnx[export]' && stylize export vgg19",
            err=True,
        )
    return model


def _announce(provider: Provider, chosen: bool) -> None:
    """Name the provider if the user did not, and warn of one that nobody has tried."""
    if chosen:
        better = " and ".join(provider.passed_over)
        hint = f" ({better} is installed but does not work: see 'stylize doctor')" if better else ""
        typer.echo(f"Computing on {provider.name} in {provider.precision}{hint}.", err=True)
    if not provider.tested:
        typer.echo(
            f"The provider {provider.name} is untested here: compare a picture with one that was "
            "made with --provider cpu.",
            err=True,
        )


def warn_of_memory(model: "Model", scene: "Scene", options: Options, machine: Machine) -> None:
    """Say so if a picture will not fit into memory, and which size would.

    It is begun all the same: there may be memory to swap to, and the estimate may err.
    """
    if model.provider.memory != "cpu" or machine.quiet:
        return
    from stylize.runtime.engine.memory import memory_available

    size, need, available = scene.size(options), scene.memory(options), memory_available()
    if available is None or need.bytes(size) <= HEADROOM * available:
        return
    fitting = need.size_within(int(HEADROOM * available), size)
    typer.echo(
        f"Warning: {size[0]}x{size[1]} needs about {need.bytes(size) / 1e9:.1f} GB of memory, and "
        f"{available / 1e9:.1f} GB are free. It may fail, or take very long. "
        + (f"{fitting[0]}x{fitting[1]} would fit." if fitting else "Free some memory."),
        err=True,
    )


def _check_picture(output: Path, size: tuple[int, int] = (0, 0)) -> None:
    from stylize.runtime.pictures.saving import check_output

    check_output(output, max(size))


def _save(best: "Found", output: Path, recipe: "Recipe") -> None:
    from stylize.runtime.pictures.saving import save_image
    from stylize.runtime.plans.recipe import recipe_chunks

    save_image(best.image, output, recipe_chunks(recipe))


def _saved(output: Path, last: "Iterate") -> str:
    _, _, height, width = last.best.pixels.shape
    return f"{output}: {width}x{height}, iteration {last.best.iteration} after {last.seconds:.0f} s"
