"""What ``stylize plan`` finds out: what a picture would take on each provider."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from stylize.models.catalog import find_model
from stylize.models.errors import ModelError, OptionError, ProviderError
from stylize.models.folder import open_folder
from stylize.runtime.checks.pace import Pace
from stylize.runtime.cluster.extra import connect
from stylize.runtime.engine.choice import find_provider, in_software, is_present
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.model import Model
from stylize.runtime.method.options import Options
from stylize.runtime.method.paintings import Painting
from stylize.runtime.method.regions import Region
from stylize.runtime.method.scene import Scene, planned
from stylize.runtime.providers.table import PROVIDERS, Precision, Provider, configure
from stylize.runtime.streaming.plan import Budget, Plan

Size = tuple[int, int]
"""Width and height."""


@dataclass(frozen=True)
class Scale:
    """A size in which a picture is painted.

    Attributes
    ----------
    size : tuple of int
        Width and height.
    iterations : int
        Steps there.
    plan : Plan
        How it is computed.
    """

    size: Size
    iterations: int
    plan: Plan


@dataclass(frozen=True)
class Forecast:
    """What a picture would take on a provider.

    Attributes
    ----------
    provider : str
        Its name.
    precision : str
        The precision in which it computes.
    scales : tuple of Scale
        The sizes of the picture from coarse to fine; none if it cannot be computed.
    seconds_a_step : tuple of float
        What a step should take at each scale; an estimate.
    reading : int
        Bytes that reading the pictures takes; 0 if that is another memory than the provider's.
    painting : Plan or None
        How the painting is looked at, of several the one that takes most memory; None if there is
        no style loss.
    limit : int or None
        Bytes that it may take of the memory in which the provider computes; None if that is not
        known.
    largest : tuple of int or None
        Width and height of the largest picture that fits; None if none does, or if no limit is
        known.
    too_large : str or None
        Why the picture does not fit.
    fault : str or None
        Why the provider cannot compute it.
    """

    provider: str
    precision: Precision
    scales: tuple[Scale, ...] = ()
    seconds_a_step: tuple[float, ...] = ()
    reading: int = 0
    painting: Plan | None = None
    limit: int | None = None
    largest: Size | None = None
    too_large: str | None = None
    fault: str | None = None

    @property
    def plan(self) -> Plan | None:
        """How the last scale is computed."""
        return self.scales[-1].plan if self.scales else None

    @property
    def memory(self) -> int:
        """The most bytes that it takes at a time."""
        return max(self.reading, *(plan.memory for plan in self._plans))

    @property
    def disk(self) -> int:
        """The most bytes that lie on the disk at a time."""
        return max(plan.disk for plan in self._plans)

    @property
    def seconds(self) -> float:
        """What all steps should take."""
        steps = zip(self.scales, self.seconds_a_step, strict=True)
        return sum(scale.iterations * seconds for scale, seconds in steps)

    @property
    def _plans(self) -> list[Plan]:
        return [*(scale.plan for scale in self.scales), *([self.painting] if self.painting else [])]


def forecasts(
    photo: Path,
    paintings: Sequence[Painting[Path]],
    options: Options,
    machine: Machine,
    named: bool,
    regions: Sequence[Region[Path]] = (),
) -> list[Forecast]:
    """Return what a picture would take on each provider; a few small steps are timed.

    Parameters
    ----------
    photo : Path
        The photo, of which no pixel is read.
    paintings : sequence of Painting
        The paintings, likewise.
    options : Options
        The settings of the picture.
    machine : Machine
        The model, the provider and what it may take.
    named : bool
        Whether only the provider of `machine` is asked for; else all that are installed, and that
        stylize is tested with.
    regions : sequence of Region
        Parts of the photo with paintings of their own.

    Raises
    ------
    ImageError, ModelError, OptionError
        There is no such picture, or it cannot be made in any memory.
    ProviderError
        The provider that was named does not work, or there is none of that precision.
    """
    folder = open_folder(find_model(machine.model))
    budget = Budget(machine.memory, machine.scratch)
    if machine.provider_options and not named:
        raise OptionError(
            "Provider options are for one provider. Name it: --provider cuda, for example."
        )
    found = [_named(machine)] if named else list(_installed(machine))
    if not found:
        raise ProviderError(
            f"No provider that is installed here computes in {machine.precision}. "
            f"'stylize doctor --precision {machine.precision}' shows which could."
        )
    cluster = connect(machine.cluster) if machine.cluster else None
    models = [Model(folder, each, budget, cluster) for each in found if isinstance(each, Provider)]
    scenes = [Scene(model, photo, paintings, regions) for model in models]
    for scene in scenes:
        scene.check(options)
    cpu = Model(folder, configure("cpu"), Budget(scratch=machine.scratch))
    on_cpu = Scene(cpu, photo, paintings, regions)
    # All are planned before one computes: what that takes would not be free for the others.
    planned = [_planned(*each, on_cpu, options) for each in zip(models, scenes, strict=True)]
    timed = [_timed(model, options, plan) for model, plan in zip(models, planned, strict=True)]
    return [*timed, *(each for each in found if isinstance(each, Forecast))]


def _named(machine: Machine) -> Provider:
    return find_provider(
        machine.provider, machine.precision, machine.provider_options, machine.threads
    )


def _installed(machine: Machine) -> Iterator[Provider | Forecast]:
    """Yield each provider, or why it does not work."""
    for name, known in PROVIDERS.items():
        if machine.precision and machine.precision not in known.modes:
            continue
        usual = configure(name, machine.precision, threads=machine.threads)
        if not known.tested or not is_present(usual):
            continue
        try:
            found = find_provider(name, machine.precision, threads=machine.threads)
        except ProviderError as error:
            yield Forecast(name, usual.precision, fault=str(error))
            continue
        if in_software(found):
            yield Forecast(name, found.precision, fault="Its driver computes on the CPU.")
        else:
            yield found


def _planned(model: Model, scene: Scene, on_cpu: Scene, options: Options) -> Forecast:
    """Return a forecast without times."""
    found = untimed(model, scene, options)
    limits = [(scene, found.limit)]
    if model.provider.memory != "cpu":  # what is streamed lies in the CPU's memory all the same
        limits.append((on_cpu, on_cpu.spare))
    return replace(found, largest=_largest(limits, options))


def untimed(model: Model, scene: Scene, options: Options) -> Forecast:
    """Return a forecast without times and without the largest picture, at next to no cost.

    Parameters
    ----------
    model : Model
        The model on its provider.
    scene : Scene
        The pictures, as the model sees them.
    options : Options
        The settings of the picture.
    """
    provider = model.provider
    limit = model.budget.memory or _spare(model, scene, options)
    found = Forecast(provider.name, provider.precision, limit=limit)
    try:
        # The last scale first: it decides for all, and is to be told of if it does not fit.
        options = planned(options, scene.plan(options))
        stages = scene.stages(options)
        plans = [scene.plan(stage) for stage in stages]
        painting = scene.painting_plan(options) if options.layers.style else None
    except OptionError as error:  # it exceeds what was given
        return replace(found, too_large=str(error))
    scales = [
        Scale(scene.size(stage), stage.iterations, plan)
        for stage, plan in zip(stages, plans, strict=True)
    ]
    reading = scene.memory_of_reading(options) if provider.memory == "cpu" else 0
    found = replace(found, scales=tuple(scales), painting=painting, reading=reading)
    if limit is not None and found.memory > limit:
        return replace(found, too_large=_told(found, limit, model.budget))
    return found


def _spare(model: Model, scene: Scene, options: Options) -> int | None:
    """Return how many bytes may be taken where the picture is computed."""
    with suppress(OptionError):
        if (plan := scene.plan(options)).workers:
            return model.memory_to_spare(plan)
    return scene.spare


def _largest(limits: list[tuple[Scene, int | None]], options: Options) -> Size | None:
    """Return the largest size that fits into each memory whose limit is known."""
    found = [scene.largest(options, False, limit) for scene, limit in limits if limit is not None]
    return None if None in found else min((each for each in found if each), default=None)


def _told(found: Forecast, limit: int, budget: Budget) -> str:
    width, height = found.scales[-1].size
    folder = "" if budget.scratch else ", name a folder with --scratch"
    return (
        f"{width}x{height} needs {found.memory / 1e9:.1f} GB of memory, and {limit / 1e9:.1f} GB "
        f"can be spared. Free some{folder}, or use a smaller --size."
    )


def _timed(model: Model, options: Options, planned: Forecast) -> Forecast:
    """Return a forecast with the seconds of a step at each scale."""
    pace, margin = Pace(model, options), 2 * options.margin
    try:
        seconds = [
            pace.seconds(scale.plan, (scale.size[1] + margin, scale.size[0] + margin))
            for scale in planned.scales
        ]
    except (ProviderError, ModelError) as error:  # a model may lack the form for a precision
        return Forecast(planned.provider, planned.precision, fault=str(error))
    return replace(planned, seconds_a_step=tuple(seconds))
