"""A picture from a command to a file: checked, made, shown on the way, saved."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from stylize.cli.making.keeping import (
    NEVER,
    Interval,
    Keeping,
    beside,
    describing,
    resuming,
)
from stylize.cli.making.opening import announce, check_memory, open_model
from stylize.cli.making.parts import of_regions
from stylize.cli.making.paths import check_outputs, files_read, make_folder
from stylize.cli.making.pipes import check_stdout
from stylize.cli.making.regions import in_regions
from stylize.cli.making.remarks import (
    of_blend,
    of_files,
    of_format,
    of_model,
    of_optimizer,
    of_options,
    of_pictures,
    of_plan,
    of_scales,
    of_shares,
    of_sizes,
)
from stylize.cli.making.saving import Results
from stylize.cli.making.unfinished import Unfinished
from stylize.cli.showing.progress import Pace, Progress, Stint, showing_progress, stints_of
from stylize.cli.showing.telling import State, telling
from stylize.cli.showing.trace import check_trace, tracing
from stylize.cli.terminal import note
from stylize.cli.watching.gathering import Growing, check_watching, gather, with_another_film
from stylize.cli.watching.settings import UNWATCHED, Watching
from stylize.cli.watching.watchers import Watchers
from stylize.models.errors import OptionError
from stylize.runtime.engine.machine import Machine
from stylize.runtime.files.standard import STDOUT
from stylize.runtime.method.options import Options
from stylize.runtime.method.paintings import Painting
from stylize.runtime.method.regions import Region
from stylize.runtime.pictures.file_options import USUAL_FILES, FileOptions
from stylize.shell import quoted

if TYPE_CHECKING:
    from stylize.runtime import Iterate, Model, Scene
    from stylize.runtime.pictures.metadata import Metadata
    from stylize.runtime.pictures.profiles import Chosen
    from stylize.runtime.pictures.spaces import Space
    from stylize.runtime.plans.recipe import Recipe


@dataclass(frozen=True)
class Job:
    """A picture that was asked for.

    Attributes
    ----------
    photo : Path or None
        The photo, if it is made of one.
    paintings : sequence of Painting
        The paintings that it is made of.
    options : Options
        All settings.
    output : Path
        The file to write.
    named : bool
        Whether the user named that file.
    trace : Path or None
        The file for the losses.
    given : collection of str
        The names of the options that the user gave.
    preset : str or None
        The name of the preset that was taken.
    stop : int or None
        Iterations after which to stop, made or spared, before all are.
    remarks : sequence of str
        What is to be said before the work.
    regions : sequence of Region
        Parts of the photo with paintings of their own.
    interval : Interval
        How often a checkpoint is written.
    files : FileOptions
        How pictures are read, and this one is written.
    space : Space or None
        The colour space in which it is painted, if not that which `files` names.
    watching : Watching
        How it is watched while it grows.
    """

    photo: Path | None
    paintings: Sequence[Painting[Path]]
    options: Options
    output: Path
    named: bool
    trace: Path | None
    given: Collection[str] = ()
    preset: str | None = None
    stop: int | None = None
    remarks: Sequence[str] = ()
    regions: Sequence[Region[Path]] = ()
    interval: Interval = NEVER
    files: FileOptions = USUAL_FILES
    space: "Space | None" = None
    watching: Watching = UNWATCHED

    @property
    def iterations(self) -> int:
        """How many iterations there will be, with those that are spared."""
        return self.stop or self.options.iterations

    @property
    def written(self) -> list[Path | None]:
        """The files that are written, the picture first."""
        return [self.output, self.trace, *self.watching.files]


def make_picture(
    job: Job, machine: Machine, quiet: bool, json: bool, unfinished: Unfinished | None = None
) -> None:
    """Make the picture and save it; if something ends that early, what there is of it.

    With a checkpoint of the same picture, go on from there. With `json`, print what was made.
    """
    if json and job.output == STDOUT:
        raise OptionError("-o - and --json both write to the standard output. Give one of them.")
    if unfinished:
        job = replace(job, watching=with_another_film(job.watching))
    _check_files(job, machine)
    chosen, kept = _chosen(job), _kept(job)
    model = open_model(machine)
    check_outputs(job.written, model.folder.files, replaced=job.named)
    from stylize.runtime.method.scene import planned

    scene = _scene(job, model, chosen.space, unfinished)
    warnings = check_memory(model, scene, job.options)  # before a picture is scaled to that size
    plan = scene.plan(job.options)
    # These make the same picture again, whatever memory has.
    options = scene.counted(planned(job.options, plan))
    scene.read(options)
    recipe = _recipe(job, model, options, chosen.space, unfinished)
    made, spared = unfinished.progress if unfinished else (0, 0)
    stints, size = list(stints_of(scene, options, job.stop)), scene.size(options)
    keeping = _keeping(job, machine, recipe, chosen.space, model, unfinished, stints)
    results = Results(recipe, job.output, job.named, size, kept=kept, keeping=keeping)
    tell = partial(_report, results) if json else _say_nothing
    with telling(tell), tracing(job.trace, made) as write:
        if not quiet:
            announce(model, machine)
            remarks = _remarks(job, model, scene, chosen), _earlier(job, unfinished), warnings
            for remark in chain(*remarks):
                note(remark)
        with showing_progress(stints, quiet, made, spared) as progress:
            for line in (*of_plan(plan, job.options, machine.scratch), *announced(scene, options)):
                progress.say(line)
            snapshot = unfinished.snapshot if unfinished else None
            rendered = scene.render(options, _every(job), keeping, snapshot)
            whole = job.stop or options.iterations
            growing = Growing(job.output, job.named, whole, size, recipe, kept, made)
            watchers = _watchers(job, growing, quiet, progress)
            follow(_until(rendered, job.stop), [write], results, progress, watchers)
        watchers.check()


def _scene(job: Job, model: "Model", space: "Space", unfinished: Unfinished | None) -> "Scene":
    """Return what the picture is made of, and find out whether it can be made."""
    from stylize.runtime.method.scene import Scene
    from stylize.runtime.pictures.colour import Conversion

    conversion = Conversion(space, job.files.float_range)
    scene = Scene(model, job.photo, job.paintings, job.regions, conversion)
    if unfinished:
        unfinished.check(model)
        scene.spare = unfinished.standing.spare
    scene.check(job.options)
    _check_picture(job, scene.size(job.options))
    return scene


def _report(results: Results, state: State) -> None:
    """Print what was made, for programs."""
    from stylize.cli.showing.reporting import report_picture

    if results.saved:
        report_picture(state, str(results.place), *results.saved)


def _say_nothing(state: State) -> None:
    """Tell people nothing more: they were told on the way."""


def _check_files(job: Job, machine: Machine) -> None:
    """Find out whether what is to be written can be."""
    inputs = files_read(job.photo, job.paintings, job.options, job.regions)
    check_outputs(job.written, inputs, replaced=job.named)
    _check_picture(job)
    check_watching(job.watching, job.output, job.iterations, inputs)
    if job.trace:
        check_trace(job.trace)
    if machine.cluster and job.interval.asked and not job.interval.never:
        raise OptionError(
            "On a cluster no checkpoint is written: what workers lose is made again, but a run "
            "whose own process ends begins again. Leave out --cluster or --checkpoint."
        )


def _watchers(job: Job, growing: Growing, quiet: bool, progress: Progress) -> Watchers:
    """Return who watches the picture; if there is a folder for it on the way, that takes one."""
    from stylize.runtime.pictures.saving import check_output

    if folder := job.watching.save_to:
        make_folder(folder, "--save-to")
        check_output(folder / f"out{job.output.suffix}")
    return gather(job.watching, growing, quiet, progress.say)


def _recipe(
    job: Job, model: "Model", options: Options, space: "Space", unfinished: Unfinished | None
) -> "Recipe":
    """Return what the picture will tell of itself; of files, the names that they had at first."""
    from stylize.runtime.plans.recipe import recipe_of

    if unfinished:
        return unfinished.checkpoint.recipe
    return recipe_of(model, job.photo, job.paintings, options, job.regions, job.files, space)


def _keeping(
    job: Job,
    machine: Machine,
    recipe: "Recipe",
    space: "Space",
    model: "Model",
    unfinished: Unfinished | None,
    stints: Iterable[Stint],
) -> Keeping:
    """Return what keeps checkpoints of a picture."""
    path = unfinished.path if unfinished else beside(job.output)
    interval = NEVER if job.output == STDOUT else job.interval
    describe = describing(
        recipe, job.options, job.output, job.named, model, machine, space, job.stop
    )
    advice = resuming(*(("--model", machine.model) if machine.model else ()))
    return Keeping(path, interval, describe, Pace(stints), bool(unfinished), advice)


def announced(scene: "Scene", options: Options) -> "Iterator[str]":
    """Yield what will be done: the scales, and what is minimised at the last of them."""
    stages = scene.stages(options)
    if len(stages) > 1:
        scales = ["x".join(map(str, scene.size(stage))) for stage in stages]
        counts = [str(stage.iterations) for stage in stages]
        yield f"Coarse to fine: {', '.join(scales)}, with {', '.join(counts)} iterations"
    yield f"Minimising {' + '.join(scene.coefficients(options).terms)}"


def _remarks(job: Job, model: "Model", scene: "Scene", chosen: "Chosen") -> "Iterator[str]":
    yield from job.remarks
    yield from filter(None, [chosen.remark])
    inputs = files_read(job.photo, job.paintings, job.options, job.regions)
    yield from of_format(inputs, job.output, job.given)
    size = scene.size(job.options)
    unmasked = [each for each in job.regions if not each.painting_mask]
    manifest = model.folder.manifest
    yield from of_model(job.preset, manifest.pooling)
    yield from of_optimizer(
        job.options, manifest.optimizers[job.options.optimizer].interface.inputs
    )
    yield from of_options(job.options, job.given)
    if job.photo and job.regions:
        yield from of_regions(job.photo, job.paintings, job.regions, job.options, size)
    yield from of_scales(job.options, scene.stages(job.options))
    yield from of_files(job.photo, [*job.paintings, *in_regions(job.regions)])
    yield from of_sizes(*scene.sources, job.options, size)
    yield from of_blend(job.paintings, job.options)
    yield from of_shares(job.paintings, job.options)
    shown = [*job.paintings, *in_regions(unmasked)]
    yield from of_pictures(job.photo, shown, job.options, job.files)


def _earlier(job: Job, unfinished: Unfinished | None) -> Iterator[str]:
    """Yield what is said of a checkpoint that is there, and of this run if it goes on with one."""
    if unfinished:
        yield from unfinished.remarks()
    elif not job.interval.never and (path := beside(job.output)).exists():
        yield (
            f"'{path}' is of a run that is not finished. To go on with that: "
            f"{quoted('stylize', 'resume', str(path))}"
        )


def _every(job: Job) -> int | None:
    """Return how many iterates to ask for: each, where each may be wanted, else what is usual."""
    from stylize.runtime.method.scene import EVERY_ON_DEVICE

    if job.watching.animate:
        return 1
    seldom = (job.watching.save_every or EVERY_ON_DEVICE) % EVERY_ON_DEVICE == 0
    return None if seldom and not job.trace else 1


def _until(iterates: "Iterable[Iterate]", stop: int | None) -> "Iterator[Iterate]":
    """Yield iterates until so many iterations were made or spared; all of them without."""
    for iterate in iterates:
        yield iterate
        if stop and iterate.iteration + iterate.spared >= stop:
            return


def follow(
    iterates: "Iterable[Iterate]",
    observers: "Sequence[Callable[[Iterate], None]]",
    results: Results,
    progress: Progress,
    watchers: Watchers | None = None,
) -> None:
    """Show every iterate to the observers, and save the best; also if an error ends them.

    Parameters
    ----------
    iterates : iterable of Iterate
        From ``Scene.render``.
    observers : sequence of functions
        Called with each.
    results : Results
        Takes each, and saves the best.
    progress : Progress
        Is told of each, and of the file written.
    watchers : Watchers, optional
        See each, and finish after the best is saved.
    """
    watchers = watchers or Watchers()
    try:
        for iterate in iterates:
            results.see(iterate)
            for observe in (*observers, watchers.see, progress.show):
                observe(iterate)
        saved = results.save()
    except BaseException as error:
        results.save_after(error)
        watchers.finish_after(error)
        results.tell(error)
        raise
    for line in (*watchers.finish(), saved):
        progress.say(line)


def _check_picture(job: Job, size: tuple[int, int] = (0, 0)) -> None:
    from stylize.runtime.pictures.saving import check_output

    if job.output == STDOUT:
        check_stdout()
    else:
        check_output(job.output, max(size), job.files.bits)


def _chosen(job: Job) -> "Chosen":
    """Return the colour space of the picture, and what is to be said of it."""
    from stylize.runtime.pictures.profiles import Chosen, choose_space

    if job.space:
        return Chosen(job.space)
    return choose_space(job.files, job.photo or job.paintings[0].picture)


def _kept(job: Job) -> "Metadata":
    """Return what the picture tells of the photo."""
    from stylize.runtime.pictures.metadata import Metadata, metadata_of

    return metadata_of(job.photo, job.files.keep_metadata) if job.photo else Metadata()
