"""Which provider computes: the one that was asked for, or an error; never another."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from math import inf

from stylize.models.catalog import embedded_folder
from stylize.models.errors import OptionError, ProviderError, about
from stylize.models.folder import ModelFolder, open_folder
from stylize.models.layers import LayerSet
from stylize.models.manifest import GraphFile
from stylize.runtime.engine.program import Program
from stylize.runtime.engine.tensors import read
from stylize.runtime.pictures.limits import MIN_SIDE
from stylize.runtime.providers import diagnosis
from stylize.runtime.providers.hardware import bfloat16_units, gpu_vendors
from stylize.runtime.providers.plugins import devices_of, is_gpu, is_installed
from stylize.runtime.providers.session import import_onnxruntime
from stylize.runtime.providers.table import AUTO, PROVIDERS, Precision, Provider, configure, host_of

FASTEST_FIRST = ("cuda", "webgpu", "openvino", "cpu")

NEVER_FASTEST = {("openvino", "float32"), ("cpu", "bfloat16")}
"""What is chosen by name only: about as fast as the CPU provider with its own form of the graphs,
which chance must not choose between; or untested."""

TRIED = LayerSet(content=("conv1_1",))
"""The layers of the gradient that a provider is tried with: one convolution."""

TIMED = LayerSet(content=("conv4_2",), style=("conv1_1", "conv2_1", "conv3_1", "conv4_1"))
TIMED_SIZE = 192, 256
"""The layers, and the height and width, by which providers are timed: a tenth of a second at most
on anything that is worth choosing."""
TIMED_HISTORY = {"places": 11, "rows": 22}
TIMED_RUNS = 3


@about("provider")
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
                "Provider options are for one provider. Name it: --provider cuda, for example."
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
    """Return the fastest provider that works, and remember which were passed over.

    The order of the candidates decides, until one comes that may be slower than the next.
    """
    import_onnxruntime()  # where there is none, the message is of the one that any machine can use
    passed_over: list[str] = []

    def works(provider: Provider) -> bool:
        try:
            if provider.name != "cpu":
                try_provider(provider)
        except ProviderError:
            passed_over.append(provider.name)
            return False
        return True

    def seconds(provider: Provider) -> float:
        try:
            return seconds_of(provider)
        except ProviderError:  # what ran small graphs may fail on larger ones
            passed_over.append(provider.name)
            return inf

    present = (
        provider
        for provider in candidates(precision, threads)
        if is_present(provider) and not in_software(provider)
    )
    fastest = fastest_of(filter(works, present), seconds)
    if not fastest:
        raise ProviderError(
            f"No provider that works here computes in {precision}. 'stylize doctor --precision "
            f"{precision}' shows which could."
        )
    return replace(fastest, passed_over=tuple(passed_over))


def fastest_of(
    working: Iterable[Provider], seconds: Callable[[Provider], float]
) -> Provider | None:
    """Return the fastest of providers that work, best first; time them only where that is open."""
    contenders = []
    for provider in working:
        contenders.append(provider)
        if _surely_fast(provider):
            break
    return min(contenders, key=seconds) if len(contenders) > 1 else next(iter(contenders), None)


def _surely_fast(provider: Provider) -> bool:
    """Tell whether nothing that comes after a provider can be faster.

    WebGPU may compute on a GPU inside the CPU, which ONNX Runtime cannot tell on Linux. Whether
    bfloat16 pays without AMX depends on the CPU.
    """
    if provider.name == "openvino":
        return "AMX" in bfloat16_units()
    return provider.name != "webgpu"


def in_software(provider: Provider) -> bool:
    """Tell whether a provider for GPUs would compute on the CPU, or there is no GPU at all."""
    if provider.memory != "webgpu":
        return False
    try:
        devices = devices_of(import_onnxruntime(provider.extra), provider)
    except ProviderError:
        return not gpu_vendors()  # where there is one, trying tells what is missing
    return not any(map(is_gpu, devices))


def candidates(precision: Precision | None, threads: int | None = None) -> list[Provider]:
    """Return what may be the fastest, best first: nothing untested."""
    having = [
        configure(name, precision, threads=threads)
        for name in FASTEST_FIRST
        if precision is None or precision in PROVIDERS[name].modes
    ]
    return [found for found in having if (found.name, found.precision) not in NEVER_FASTEST]


def is_present(provider: Provider) -> bool:
    """Tell whether a provider's plugin is installed, or ONNX Runtime was built with it."""
    if provider.plugin:
        return is_installed(provider.plugin)
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


def seconds_of(provider: Provider) -> float:
    """Return how long a provider takes for a step of the embedded model, at the best.

    That is a gradient and an update, which has taken WebGPU as long on one GPU.

    Raises
    ------
    ProviderError
        It does not work.
    """
    folder = open_folder(embedded_folder())
    dimensions = {**folder.dimensions(TIMED_SIZE), **TIMED_HISTORY}
    evaluate = _bound(folder, folder.gradient_graph(TIMED), dimensions, provider)
    update = _bound(folder, folder.manifest.optimizers["lbfgs"], dimensions, host_of(provider))

    def step() -> None:
        evaluate()
        update()

    step()  # the first prepares what the others use

    def timed() -> float:
        begun = time.perf_counter()
        step()
        return time.perf_counter() - begun

    return min(timed() for _ in range(TIMED_RUNS))


def _run_twice(
    folder: ModelFolder, graph: GraphFile, dimensions: Mapping[str, int], provider: Provider
) -> None:
    run = _bound(folder, graph, dimensions, provider)
    run()
    run()


def _bound(
    folder: ModelFolder, graph: GraphFile, dimensions: Mapping[str, int], provider: Provider
) -> Callable[[], None]:
    """Return a function that runs a graph on bare arrays, and waits for the result."""
    program = Program(folder, graph, dimensions, provider)
    memory = program.memory
    inputs = {name: memory.full(shape, 0.5) for name, shape in program.input_shapes.items()}
    outputs = {name: memory.empty(shape) for name, shape in program.output_shapes.items()}
    run = program.bind(inputs, outputs)
    result = min(outputs.values(), key=lambda tensor: tensor.tensor_size_in_bytes())

    def run_and_wait() -> None:
        run()
        read(result)  # a device computes, or fails, only when it is waited for

    return run_and_wait
