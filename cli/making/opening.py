"""A model opened on a provider, with a word where that is not what the user may expect."""

from typing import TYPE_CHECKING

import typer

from stylize.models.catalog import embedded_folder, hidden_by
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import Options
from stylize.runtime.providers.table import AUTO, Provider

if TYPE_CHECKING:
    from stylize.runtime import Model, Scene

HEADROOM = 0.9
"""Part of the free memory that a picture may take, for its need is an estimate."""


def open_model(machine: Machine, quiet: bool) -> "Model":
    """Open a model on a provider, and say so where they are not those that the user may expect."""
    from stylize.runtime import Model
    from stylize.runtime.engine.choice import find_provider

    provider = find_provider(
        machine.provider, machine.precision, machine.provider_options, machine.threads
    )
    model = Model.open(machine.model, provider)
    if not quiet:
        _announce(provider, machine)
    if not quiet and (hidden := hidden_by(model.folder.path, machine.model)):
        other = "the embedded one" if hidden == embedded_folder() else f"that in {hidden}"
        typer.echo(f"Using the model in {model.folder.path}, not {other}.", err=True)
    if machine.model is None and model.folder.path == embedded_folder() and not quiet:
        typer.echo(
            "Using the small embedded model 'compact', since no exported vgg19 was found. To get "
            "VGG-19: pip install 'stylize-onnx[export]' && stylize export vgg19",
            err=True,
        )
    return model


def _announce(provider: Provider, machine: Machine) -> None:
    """Tell where and how exactly it computes if the user did not, and warn of what is untested."""
    if machine.provider == AUTO or (machine.precision is None and provider.precision != "float32"):
        better = " and ".join(provider.passed_over)
        hint = f" ({better} is installed but does not work: see 'stylize doctor')" if better else ""
        typer.echo(f"Computing on {provider.name} in {provider.precision}{hint}.", err=True)
    if not provider.tested:
        typer.echo(
            f"The provider {provider.name} is untested here: compare a picture with one that was "
            "made with --provider cpu.",
            err=True,
        )


def warn_of_memory(model: "Model", scene: "Scene", options: Options, quiet: bool) -> None:
    """Say so if a picture will not fit into memory, and which size would.

    It is begun all the same: there may be memory to swap to, and the estimate may err.
    """
    if model.provider.memory != "cpu" or quiet:
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
