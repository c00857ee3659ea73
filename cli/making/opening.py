"""A model opened on a provider, with a word where that is not what the user may expect."""

from typing import TYPE_CHECKING

from stylize.cli.terminal import note
from stylize.installation import export_command
from stylize.models.catalog import embedded_folder, find_model, hidden_by
from stylize.models.errors import ModelError, OptionError, about
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import Options
from stylize.runtime.plans.preset import Preset
from stylize.runtime.providers.table import AUTO

if TYPE_CHECKING:
    from stylize.runtime import Model, Scene

VGG19 = "vgg19"
"""What a manifest calls the network."""

HOPELESS = 1.5
"""A need so many times larger than all memory is refused; the estimate errs less than that."""


def open_model(machine: Machine, keeping: bool = False, spare: int | None = None) -> "Model":
    """Open a model on a provider.

    Parameters
    ----------
    machine : Machine
        What computes.
    keeping : bool
        Whether it is for many pictures, and keeps what it has looked at.
    spare : int, optional
        Bytes that can be spared, where others take a part of what is free.
    """
    from stylize.runtime import Model
    from stylize.runtime.batches.keeping import KeepingModel
    from stylize.runtime.engine.choice import find_provider
    from stylize.runtime.streaming.plan import Budget

    provider = find_provider(
        machine.provider, machine.precision, machine.provider_options, machine.threads
    )
    budget = Budget(machine.memory, machine.scratch, spare)
    kind = KeepingModel if keeping else Model
    return kind.open(machine.model, provider, budget, machine.cluster)


def model_of(name: str, preset: Preset) -> str | None:
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


def announce(model: "Model", machine: Machine) -> None:
    """Tell what computes, where and how exactly, if the user did not say; warn of the untested."""
    provider = model.provider
    if machine.provider == AUTO or (machine.precision is None and provider.precision != "float32"):
        better = " and ".join(provider.passed_over)
        hint = f" ({better} is installed but does not work: see 'stylize doctor')" if better else ""
        note(f"Computing on {provider.name} in {provider.precision}{hint}.")
    if not provider.tested:
        note(
            f"The provider {provider.name} is untested here: compare a picture with one that was "
            "made with --provider cpu."
        )
    if hidden := hidden_by(model.folder.path, machine.model):
        other = "the embedded one" if hidden == embedded_folder() else f"that in {hidden}"
        note(f"Using the model in {model.folder.path}, not {other}.")
    if machine.model is None and model.folder.path == embedded_folder():
        note(
            "Using the small embedded model 'compact', since no exported vgg19 was found. To get "
            f"VGG-19: {export_command()}"
        )


def check_memory(model: "Model", scene: "Scene", options: Options) -> list[str]:
    """Return a warning if a picture will not fit into the free memory, and say which size would.

    It may be begun all the same: there may be memory to swap to, and the estimate may err.

    Raises
    ------
    OptionError
        All memory together would not do, or not the memory that was given.
    """
    from stylize.runtime.engine.memory import memory_available, memory_of_machine

    option, size, bytes_needed = greediest(scene, options)
    available, most = memory_available(), memory_of_machine()
    spare = model.memory_to_spare()
    if model.provider.memory != "cpu" or available is None or spare is None:
        return []
    if bytes_needed <= spare:
        return []
    what = "The painting in " if option == "--painting-size" else ""
    needs = f"{what}{size[0]}x{size[1]} needs about {bytes_needed / 1e9:.1f} GB"
    if most and bytes_needed > HOPELESS * most:
        fitting = _fitting(scene, options, option, most)
        advice = f"Use a smaller {option}{f': {fitting}' if fitting else ' and --model compact.'}"
        with about("size" if option == "--size" else "painting_size"):
            raise OptionError(
                f"{needs} of memory, and there are {most / 1e9:.1f} GB in all. {advice}"
            )
    if model.budget.spare is None:
        free, advice = f"{available / 1e9:.1f} GB are free", "Free some memory."
    else:  # others have the rest
        free, advice = f"the share of each process is {spare / 1e9:.1f} GB", "Use a smaller --jobs."
    advice = _fitting(scene, options, option, spare) or advice
    return [f"Warning: {needs} of memory, and {free}. It may fail, or take very long. {advice}"]


def greediest(scene: "Scene", options: Options) -> tuple[str, tuple[int, int], int]:
    """Return what takes most memory: the option that changes it, its size, and the bytes.

    ``--size`` is that of the iteration, and ``--painting-size`` that of looking at the painting
    before it.
    """
    plan = scene.plan(options)
    here = 0 if plan.workers else plan.memory
    painted = max(here, scene.memory_of_reading(options))
    found = [("--size", scene.size(options), painted)]
    if options.layers.style and not (plan := scene.painting_plan(options)).workers:
        found.append(("--painting-size", scene.painting_size(options), plan.memory))
    return max(found, key=lambda each: each[2])


def _fitting(scene: "Scene", options: Options, option: str, memory: int) -> str | None:
    """Say which size would fit into so many bytes; None if none would."""
    fitting = scene.largest(options, option == "--painting-size", memory)
    return f"{fitting[0]}x{fitting[1]} would fit." if fitting else None
