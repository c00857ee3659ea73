"""ONNX Runtime's execution providers: the one that was asked for, or an error; never another."""

import ctypes
import os
import platform
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from stylize.models.errors import OptionError, ProviderError

if TYPE_CHECKING:
    import onnxruntime


@dataclass(frozen=True)
class Provider:
    """An execution provider that stylize knows how to ask for."""

    name: str
    onnxruntime_name: str
    extra: str
    """What to install for it: ``stylize-onnx[extra]``."""
    options: Mapping[str, str] = field(default_factory=dict)
    blocked: bool = False
    """Whether the graphs that were written for a blocked layout are the faster ones here."""


X86 = platform.machine().lower() in ("x86_64", "amd64")

PROVIDERS = {
    provider.name: provider
    for provider in (
        Provider("cpu", "CPUExecutionProvider", extra="cpu", blocked=X86),
        # TF32 rounds the products of every convolution to 10 bits; it is on by default there.
        Provider("cuda", "CUDAExecutionProvider", extra="cuda", options={"use_tf32": "0"}),
    )
}


def find_provider(name: str) -> Provider:
    """Return the provider of that name, if the installed ONNX Runtime has it.

    Raises
    ------
    OptionError
        The name is unknown.
    ProviderError
        No ONNX Runtime with that provider is installed.
    """
    if name not in PROVIDERS:
        raise OptionError(f"There is no provider '{name}'. Choose one of {', '.join(PROVIDERS)}.")
    provider = PROVIDERS[name]
    present = import_onnxruntime(provider).get_available_providers()
    if provider.onnxruntime_name not in present:
        raise ProviderError(
            f"The installed ONNX Runtime has no {provider.onnxruntime_name} (it has "
            f"{', '.join(present)}). {_how_to_install(provider)}"
        )
    return provider


def open_session(
    graph: Path, dimensions: Mapping[str, int], provider: Provider
) -> "onnxruntime.InferenceSession":
    """Load a graph for images of one size, on one provider.

    Parameters
    ----------
    graph : Path
        An .onnx file, beside the weights that it refers to.
    dimensions : mapping of str to int
        A value for each symbolic dimension: a pinned graph runs as fast as a static one.
    provider : Provider
        Where it must run.

    Raises
    ------
    ProviderError
        ONNX Runtime could not use the provider; by itself it would go on, slowly, on the CPU.
    """
    onnxruntime = import_onnxruntime(provider)
    if provider.name == "cuda":
        onnxruntime.preload_dlls()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = usable_cpus()
    # The planned block of all values is larger than what is alive at any one time.
    options.enable_mem_pattern = False
    # On the CPU, buffers kept for later values of the same size are a fifth of the peak.
    options.enable_mem_reuse = provider.name != "cpu"
    # The gradient of a nearly converged image underflows, and denormals take 100 times as long.
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    for name, value in dimensions.items():
        options.add_free_dimension_override_by_name(name, value)
    session = onnxruntime.InferenceSession(
        graph, options, providers=[(provider.onnxruntime_name, dict(provider.options))]
    )
    _give_back_freed_memory()
    session.disable_fallback()  # from the provider to the CPU, when a run fails
    if session.get_providers()[0] != provider.onnxruntime_name:
        raise ProviderError(
            f"ONNX Runtime has {provider.onnxruntime_name} but could not start it: a driver or a "
            f"library is missing, as it says above. {_how_to_install(provider)}"
        )
    return session


def _give_back_freed_memory() -> None:
    """Return what loading a graph used and freed to the system; glibc would keep it."""
    if sys.platform == "linux":
        with suppress(AttributeError):  # other C libraries have no malloc_trim
            ctypes.CDLL(None).malloc_trim(0)


def usable_cpus() -> int:
    """Return how many CPUs this process may use, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def import_onnxruntime(provider: Provider) -> ModuleType:
    """Import ONNX Runtime, or raise ProviderError with the command that installs it."""
    # On import, releases from 1.31 on collect facts about the machine to be sent to Microsoft. Who
    # wants that can set the variable to 0.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime
    except ImportError as error:
        raise ProviderError(
            f"ONNX Runtime cannot be imported ({error}). {_how_to_install(provider)}"
        ) from error
    return onnxruntime


def _how_to_install(provider: Provider) -> str:
    # The wheels of ONNX Runtime write the same folder, so that one must go before another comes.
    remove = "" if provider.extra == "cpu" else "pip uninstall -y onnxruntime && "
    return f"Install it: {remove}pip install 'stylize-onnx[{provider.extra}]'"
