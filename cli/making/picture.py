"""A picture from a command to a file: checked, made, shown on the way, saved."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from stylize.cli.making.opening import open_model, warn_of_memory
from stylize.cli.showing.progress import Progress, showing_progress
from stylize.cli.showing.trace import check_trace, tracing
from stylize.models.errors import OptionError
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import STARTS, Options

if TYPE_CHECKING:
    from stylize.runtime import Iterate
    from stylize.runtime.method.iteration import Found
    from stylize.runtime.plans.recipe import Recipe


@dataclass(frozen=True)
class Job:
    """A picture that was asked for.

    Attributes
    ----------
    photo, painting : Path or None
        What it is made of; one may be missing.
    options : Options
        All settings.
    output : Path
        The file to write.
    trace : Path or None
        The file for the losses.
    stop : int or None
        Evaluations after which to stop, before all iterations are made.
    """

    photo: Path | None
    painting: Path | None
    options: Options
    output: Path
    trace: Path | None
    stop: int | None = None


def make_picture(job: Job, machine: Machine, quiet: bool) -> None:
    """Make the picture and save it; if the user interrupts, what there is of it."""
    inputs = files_read(job.photo, job.painting, job.options)
    check_outputs([job.output, job.trace], inputs)
    _check_picture(job.output)
    if job.trace:
        check_trace(job.trace)
    model = open_model(machine, quiet)
    from stylize.runtime.method.scene import Scene
    from stylize.runtime.plans.recipe import recipe_of

    scene = Scene(model, job.photo, job.painting)
    scene.check(job.options)
    _check_picture(job.output, scene.size(job.options))
    warn_of_memory(model, scene, job.options, quiet)
    recipe = recipe_of(model, machine.model, job.photo, job.painting, job.options)
    every = 1 if job.trace else None
    with (
        tracing(job.trace) as write,
        showing_progress(job.stop or job.options.iterations, quiet) as progress,
    ):
        progress.say(f"Minimising {' + '.join(scene.coefficients(job.options).terms)}")
        iterates = _until(scene.render(job.options, every), job.stop)
        follow(iterates, [write], recipe, job.output, progress)


def _until(iterates: "Iterable[Iterate]", stop: int | None) -> "Iterator[Iterate]":
    """Yield iterates up to one's number; all of them without."""
    for iterate in iterates:
        yield iterate
        if stop and iterate.iteration >= stop:
            return


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
