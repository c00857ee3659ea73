"""Which provider computes: the one that was asked for, or an error; never another."""

from collections.abc import Mapping
from dataclasses import replace

from stylize.models.catalog import embedded_folder
from stylize.models.errors import OptionError, ProviderError
from stylize.models.folder import ModelFolder, open_folder
from stylize.models.layers import LayerSet
from stylize.models.manifest import GraphFile
from stylize.runtime.engine.program import Program
from stylize.runtime.engine.tensors import read
from stylize.runtime.pictures.limits import MIN_SIDE
from stylize.runtime.providers import diagnosis
from stylize.runtime.providers.session import import_onnxruntime
from stylize.runtime.providers.table import AUTO, PROVIDERS, Precision, Provider, configure, host_of

FASTEST_FIRST = ("cuda", "openvino", "cpu")

TRIED = LayerSet(content=("conv1_1",))
"""The layers of the gradient that a provider is tried with: one convolution."""


def find_provider(
    name: str = AUTO,
    precision: Precision | None = None,
    options: Mapping[str, str] | None = None,
    threads: int | None = None,
) -> Provider:
    """Return a provider that works here.

    Parameters
    ----------
    name : str
        A key of `PROVIDERS`, or ``auto`` for the fastest that works. One that is named is not
        replaced by another.
    precision : str, optional
        By default the provider's own.
    options : mapping of str to str, optional
        Options for ONNX Runtime. They win over ours.
    threads : int, optional
        How many threads of the CPU compute. By default as many as there are CPUs that this process
        may use.

    Raises
    ------
    OptionError
        The name is unknown, or the provider has no such precision or no options.
    ProviderError
        The installed ONNX Runtime does not have it, or it does not work; the message says why.
    """
    if name == AUTO:
        if options:
            raise OptionError(
                "Provider options are for one provider. Name it: "
                f"--provider {FASTEST_FIRST[0]}, for example."
            )
        return _fastest(precision, threads)
    provider = configure(name, precision, options, threads)
    if not is_present(provider):
        present = import_onnxruntime(provider.extra).get_available_providers()
        raise ProviderError(diagnosis.not_in_wheel(provider, present))
    # The CPU's works, and what is untested may take minutes to load anything.
    if provider.tested and provider.name != "cpu":
        try_provider(provider)
    return provider


def _fastest(precision: Precision | None, threads: int | None) -> Provider:
    """Return the fastest provider that works, and remember which were passed over."""
    import_onnxruntime()  # where there is none, the message is of the one that any machine can use
    passed_over: tuple[str, ...] = ()
    for provider in candidates(precision, threads):
        if not is_present(provider):
            continue
        try:
            if provider.name != "cpu":
                try_provider(provider)
        except ProviderError:
            passed_over += (provider.name,)
        else:
            return replace(provider, passed_over=passed_over)
    raise ProviderError(
        f"No provider that works here computes in {precision}. 'stylize doctor --precision "
        f"{precision}' shows which could."
    )


def candidates(precision: Precision | None, threads: int | None = None) -> list[Provider]:
    """Return what may be the fastest, best first: nothing untested."""
    having = [
        configure(name, precision, threads=threads)
        for name in FASTEST_FIRST
        if precision is None or precision in PROVIDERS[name].modes
    ]
    # In float32, OpenVINO is slower than the CPU provider with its own form of the graphs.
    return [found for found in having if (found.name, found.precision) != ("openvino", "float32")]


def is_present(provider: Provider) -> bool:
    """Tell whether the installed ONNX Runtime was built with the provider."""
    present = import_onnxruntime(provider.extra).get_available_providers()
    return provider.onnxruntime_name in present


def try_provider(provider: Provider) -> None:
    """Let a provider run graphs of the embedded model twice, on bare arrays.

    A convolution with its gradient, and an optimiser, in the form and memory that will be used;
    twice, since the first run may record what the second replays.

    Raises
    ------
    ProviderError
        It cannot; the message says why.
    """
    folder = open_folder(embedded_folder())
    dimensions = {**folder.dimensions((MIN_SIDE, MIN_SIDE)), "places": 2, "rows": 4}
    try:
        _run_twice(folder, folder.gradient_graph(TRIED), dimensions, provider)
        _run_twice(folder, folder.manifest.optimizers["lbfgs"], dimensions, host_of(provider))
    except ProviderError as error:
        if not provider.given:
            raise
        options_given = " ".join(f"{key}={value}" for key, value in provider.given.items())
        raise ProviderError(
            f"The provider {provider.name} does not work with --provider-option {options_given}. "
            f"Correct or leave out what is wrong. {error}"
        ) from error


def _run_twice(
    folder: ModelFolder, graph: GraphFile, dimensions: Mapping[str, int], provider: Provider
) -> None:
    program = Program(folder, graph, dimensions, provider)
    memory = program.memory
    inputs = {name: memory.full(shape, 0.5) for name, shape in program.input_shapes.items()}
    outputs = {name: memory.empty(shape) for name, shape in program.output_shapes.items()}
    run = program.bind(inputs, outputs)
    run()
    run()
    read(next(iter(outputs.values())))  # a device fails only when it is waited for
