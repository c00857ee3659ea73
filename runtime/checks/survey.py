"""What this machine and its installation can do: the facts that ``stylize doctor`` shows."""

import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import ModuleType

import numpy

from stylize.installation import export_command, install_command, release, rivals
from stylize.models.catalog import PREFERRED_MODEL, model_folders
from stylize.models.errors import ProviderError
from stylize.runtime.engine.choice import (
    candidates,
    fastest_of,
    in_software,
    is_present,
    seconds_of,
    try_provider,
)
from stylize.runtime.engine.memory import memory_available
from stylize.runtime.providers.diagnosis import cuda_release, missing_libraries, not_in_wheel
from stylize.runtime.providers.hardware import bfloat16_units, cpu_limit, gpu_vendors
from stylize.runtime.providers.nvidia import find_driver
from stylize.runtime.providers.plugins import devices_of, name_of
from stylize.runtime.providers.session import import_onnxruntime
from stylize.runtime.providers.table import PROVIDERS, Precision, configure
from stylize.runtime.providers.wheels import (
    add_command,
    describe_wheels,
    installed_wheels,
    replace_command,
)
from stylize.shell import in_turn

FASTER = {
    "cuda": "There is an NVIDIA GPU. To compute on it",
    "webgpu": "There is a GPU of {vendors}. To compute on it",
    "openvino": "This CPU multiplies in bfloat16, with which OpenVINO may be much faster",
    "cpu": "The provider cpu is missing",
}


VARIABLES = "STYLIZE_"
"""How the names of all variables begin that we read; a misspelt one shows, too."""


@dataclass(frozen=True)
class Verdict:
    """What was found out about a provider.

    Attributes
    ----------
    name : str
        Its name.
    present : bool
        Whether its plugin is installed, or ONNX Runtime was built with it.
    tried : bool
        Whether it was really run. An untested one may take minutes, and is run only on request.
    works_in : tuple of str
        The precisions in which it ran.
    fault : str or None
        Why it did not run in one of the precisions that were tried.
    seconds : mapping of str to float
        How long a gradient of the embedded model takes in each precision in which it ran; nothing
        of a provider for GPUs that would compute on the CPU.
    """

    name: str
    present: bool
    tried: bool = False
    works_in: tuple[Precision, ...] = ()
    fault: str | None = None
    seconds: Mapping[Precision, float] = field(default_factory=dict)


def examine(name: str, precision: Precision | None = None, patient: bool = False) -> Verdict:
    """Try a provider.

    Parameters
    ----------
    name : str
        A key of `PROVIDERS`.
    precision : str, optional
        The only precision to try; by default all that the provider has.
    patient : bool
        Whether to try it even if it is untested.

    Raises
    ------
    OptionError
        The provider is unknown or has no such precision.
    ProviderError
        There is no ONNX Runtime.
    """
    usual = configure(name, precision)
    onnxruntime = import_onnxruntime(usual.extra)
    if not is_present(usual):
        fault = not_in_wheel(usual, onnxruntime.get_available_providers())
        return Verdict(name, present=False, fault=fault)
    if not usual.tested and not patient:
        return Verdict(name, present=True)
    modes = [precision] if precision else list(PROVIDERS[name].modes)
    timed = usual.tested and not in_software(usual)
    faults: dict[Precision, str] = {}
    seconds: dict[Precision, float] = {}
    for mode in modes:
        provider = configure(name, mode)
        try:
            try_provider(provider)
            if timed:
                seconds[mode] = seconds_of(provider)
        except ProviderError as error:
            faults[mode] = str(error)
    return Verdict(
        name,
        present=True,
        tried=True,
        works_in=tuple(mode for mode in modes if mode not in faults),
        fault=next(iter(faults.values()), None),
        seconds=seconds,
    )


def fastest(verdicts: list[Verdict]) -> tuple[str, Precision] | None:
    """Return which provider and precision ``auto`` stands for, of those that were tried."""
    seconds = {verdict.name: verdict.seconds for verdict in verdicts}
    timed = [
        candidate
        for candidate in candidates(None)
        if candidate.precision in seconds.get(candidate.name, ())
    ]
    found = fastest_of(timed, lambda provider: seconds[provider.name][provider.precision])
    return (found.name, found.precision) if found else None


def facts() -> Iterator[tuple[str, str]]:
    """Yield facts about the software and the machine, each after its subject."""
    yield "stylize", release()
    yield "Python", f"{platform.python_version()}, {platform.system()} {platform.machine()}"
    onnxruntime = _onnxruntime()
    yield "ONNX Runtime", _release(onnxruntime)
    yield "NumPy", numpy.__version__
    yield "CPUs", f"{os.cpu_count()}{''.join(f', with {unit}' for unit in bfloat16_units()[:1])}"
    limit = cpu_limit()
    yield "threads", f"{limit.cpus}: {limit.source}"
    free = memory_available()
    yield "memory", f"{free / 1e9:.1f} GB free" if free is not None else "unknown"
    yield "NVIDIA", _nvidia()
    if onnxruntime and cuda_release(onnxruntime):
        yield "CUDA libraries", _libraries(onnxruntime)
    if onnxruntime:
        yield from _devices(onnxruntime)
    yield "models", ", ".join(dict.fromkeys(folder.name for folder in model_folders()))
    if ours := sorted(name for name in os.environ if name.startswith(VARIABLES)):
        yield "environment", ", ".join(f"{name}={os.environ[name]}" for name in ours)


def _devices(onnxruntime: ModuleType) -> Iterator[tuple[str, str]]:
    """Yield what each plugin computes on."""
    for name, known in PROVIDERS.items():
        provider = configure(name)
        if not known.plugin or not is_present(provider):
            continue
        with suppress(ProviderError):  # which trying it will tell
            (device,) = devices_of(onnxruntime, provider)
            software = "the CPU, by a driver in software"
            yield f"{name} on", software if in_software(provider) else name_of(device)


def _onnxruntime() -> ModuleType | None:
    try:
        return import_onnxruntime()
    except ProviderError:
        return None


def _release(onnxruntime: ModuleType | None) -> str:
    if onnxruntime:
        return f"{onnxruntime.__version__}, installed by {describe_wheels()}"
    return f"cannot be imported; installed: {describe_wheels()}"


def _has_driver() -> bool:
    try:
        find_driver()
    except ProviderError:
        return False
    return True


def _nvidia() -> str:
    try:
        driver = find_driver()
    except ProviderError as error:
        return str(error).partition(". ")[0]
    gpus = ", ".join(f"{gpu.name} ({gpu.memory / 1e9:.0f} GB)" for gpu in driver.gpus)
    return (
        f"driver {driver.release or 'of unknown release'}, CUDA up to "
        f"{driver.cuda[0]}.{driver.cuda[1]}; {gpus}"
    )


def _libraries(onnxruntime: ModuleType) -> str:
    if missing := missing_libraries(onnxruntime):
        return f"of CUDA {cuda_release(onnxruntime)}, missing: {', '.join(missing)}"
    return f"of CUDA {cuda_release(onnxruntime)} and cuDNN, all there"


def _best_extra() -> str:
    """Return the extra that should be the fastest here."""
    if _has_driver():
        return "cuda"
    if gpu_vendors():
        return "webgpu"
    return "openvino" if bfloat16_units() else "cpu"


def advice() -> Iterator[str]:
    """Yield what would mend the installation or make it faster."""
    best = _best_extra()
    if len(installed_wheels()) > 1:
        yield f"Several wheels of ONNX Runtime are installed. Keep one: {replace_command(best)}"
    elif not is_present(configure(best)):
        plugin = PROVIDERS[best].plugin
        command = add_command(best, plugin.wheel) if plugin else replace_command(best)
        yield f"{FASTER[best].format(vendors=' and '.join(gpu_vendors()))}: {command}"
    if PREFERRED_MODEL not in {folder.name for folder in model_folders()}:
        yield f"Only VGG-19 gives the real look: {export_command()}"
    for rival in rivals():
        yield (
            f"{rival.name} {rival.version} is another program, and has a command 'stylize', too. "
            "Remove it, and install this one again: "
            + in_turn(f"pip uninstall -y {rival.name}", install_command(best))
        )
