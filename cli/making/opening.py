"""A model opened on a provider, with a word where that is not what the user may expect."""

from typing import TYPE_CHECKING

from stylize.cli.terminal import note
from stylize.installation import export_command
from stylize.models.catalog import embedded_folder, hidden_by
from stylize.models.errors import OptionError
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import Options
from stylize.runtime.providers.table import AUTO

if TYPE_CHECKING:
    from stylize.runtime import Model, Scene
    from stylize.runtime.engine.memory import Demand

HEADROOM = 0.9
"""Part of the free memory that a picture may take, for its need is an estimate."""
HOPELESS = 1.5
"""A need so many times larger than all memory is refused; the estimate errs less than that."""


def open_model(machine: Machine) -> "Model":
    """Open a model on a provider."""
    from stylize.runtime import Model
    from stylize.runtime.engine.choice import find_provider

    provider = find_provider(
        machine.provider, machine.precision, machine.provider_options, machine.threads
    )
    return Model.open(machine.model, provider)


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
        All memory together would not do.
    """
    from stylize.runtime.engine.memory import memory_available, memory_of_machine

    available, most = memory_available(), memory_of_machine()
    if model.provider.memory != "cpu" or available is None:
        return []
    option, demand = max(scene.demands(options).items(), key=lambda each: each[1].bytes)
    if demand.bytes <= HEADROOM * available:
        return []
    what = "The painting in " if option == "--painting-size" else ""
    needs = f"{what}{demand.size[0]}x{demand.size[1]} needs about {demand.bytes / 1e9:.1f} GB"
    if most and demand.bytes > HOPELESS * most:
        fitting = _fitting(demand, most)
        advice = f"Use a smaller {option}{f': {fitting}' if fitting else ' and --model compact.'}"
        raise OptionError(f"{needs} of memory, and there are {most / 1e9:.1f} GB in all. {advice}")
    return [
        f"Warning: {needs} of memory, and {available / 1e9:.1f} GB are free. It may fail, or take "
        f"very long. {_fitting(demand, available) or 'Free some memory.'}"
    ]


def _fitting(demand: "Demand", memory: int) -> str | None:
    """Say which size would fit into so many bytes; None if none would."""
    fitting = demand.need.size_within(int(HEADROOM * memory), demand.size)
    return f"{fitting[0]}x{fitting[1]} would fit." if fitting else None
