"""Why a provider cannot be used. ONNX Runtime itself tells its caller little of that."""

import ctypes
import io
import re
import sys
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from stylize.installation import install_command
from stylize.models.errors import ProviderError
from stylize.runtime.providers.nvidia import find_driver
from stylize.runtime.providers.wheels import add_command, describe_wheels, replace_command

if TYPE_CHECKING:
    from stylize.runtime.providers.table import Provider

CUDNN = "cudnn64_9.dll" if sys.platform == "win32" else "libcudnn.so.9"
CUDA_PROVIDER = (
    "onnxruntime_providers_cuda.dll"
    if sys.platform == "win32"
    else "libonnxruntime_providers_cuda.so"
)
DLL_FAILED = "DLL load failed"
"""How Windows says that a library lacks another."""
VULKAN = "libvulkan.so.1"
"""What GPUs are spoken to through, on Linux."""
FAULTS = {
    "Failed to get a WebGPU adapter": "WebGPU found no GPU that has a driver. Install the driver "
    "of your GPU; on Linux that is one for Vulkan, such as the package mesa-vulkan-drivers.",
    "requires f16 but the device does not": "This GPU, or its driver, does not compute in float16. "
    "Choose --precision float32.",
    "Model wasn't fully converted": "OpenVINO cannot convert this graph. If a side of the image "
    "has fewer than 32 pixels, some layers have no response, which it does not take: use a larger "
    "one. Else use --provider cpu.",
    "The Indices output is not supported": "An earlier release exported this model with max "
    "pooling as WebGPU cannot compute it. Export the model again, or use --provider cpu.",
}
"""What is said where ONNX Runtime's message for a provider contains a text."""
ELSEWHERE = "https://onnxruntime.ai/docs/execution-providers tells how to get it."


def cannot_import(extra: str, error: ImportError) -> str:
    """Return the message for an ONNX Runtime that is missing or broken."""
    if DLL_FAILED in str(error):
        return (
            f"ONNX Runtime cannot be imported ({error}). Windows lacks a library that it needs: "
            "install Microsoft's Visual C++ Redistributable, the newest for x64, and try again."
        )
    return (
        f"ONNX Runtime cannot be imported ({error}; installed: {describe_wheels()}). "
        f"Install it: {replace_command(extra)}"
    )


def too_old(extra: str, found: str, oldest: tuple[int, ...]) -> str:
    """Return the message for an ONNX Runtime that is not safe enough."""
    return (
        f"ONNX Runtime {found} is installed; stylize needs {'.'.join(map(str, oldest))} or newer, "
        f"since older ones have known flaws. Replace it: {replace_command(extra)}"
    )


def not_in_wheel(provider: "Provider", present: list[str]) -> str:
    """Return the message for a provider that is not installed."""
    if provider.plugin and provider.extra:
        return (
            f"The provider {provider.name} is not installed: its wheel {provider.plugin.wheel} is "
            f"missing. Install it: {add_command(provider.extra, provider.plugin.wheel)}"
        )
    advice = f"Install it: {replace_command(provider.extra)}" if provider.extra else ELSEWHERE
    if provider.memory == "cuda" and (fault := _driver_fault()):
        advice = f"{fault} With a driver, {advice[0].lower()}{advice[1:]}"
    return (
        f"The installed ONNX Runtime has no {provider.onnxruntime_name} (it has "
        f"{', '.join(present)}; installed: {describe_wheels()}). {advice}"
    )


def _driver_fault() -> str | None:
    """Return what NVIDIA's driver lacks; without a driver, another wheel would not help."""
    try:
        find_driver()
    except ProviderError as error:
        return str(error)
    return None


def too_old_for(provider: "Provider", found: str, oldest: tuple[int, ...]) -> str:
    """Return the message for an ONNX Runtime that a plugin cannot be used with."""
    assert provider.plugin
    return (
        f"The provider {provider.name} needs ONNX Runtime {'.'.join(map(str, oldest))} or newer, "
        f"and {found} is installed. Replace it: {replace_command(provider.extra or 'cpu')}"
    )


def not_loaded(provider: "Provider", told: str) -> str:
    """Return the message for a plugin whose library ONNX Runtime could not load."""
    assert provider.plugin
    return (
        f"The library of {provider.plugin.wheel} cannot be loaded ({told}; installed: "
        f"{describe_wheels()}). Install it again: {replace_command(provider.extra or 'cpu')}"
    )


def no_device(provider: "Provider") -> str:
    """Return the message for a plugin that finds nothing to compute on."""
    if provider.memory != "webgpu":
        return (
            f"{provider.onnxruntime_name} finds no device that it computes on: of CPUs it takes "
            "Intel's only. Use --provider cpu."
        )
    if sys.platform == "linux" and unloadable(VULKAN):
        return (
            f"WebGPU needs {VULKAN}, which is missing. Install the package libvulkan1, or as your "
            "system calls it, and the driver of your GPU."
        )
    return (
        "ONNX Runtime finds no GPU. A driver that computes on the CPU is used only if the variable "
        "ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER is 1; it is slower than --provider cpu."
    )


def known_fault(told: str) -> str | None:
    """Return what a message of ONNX Runtime means, if that is known."""
    return next((meaning for text, meaning in FAULTS.items() if text in told), None)


def could_not_start(provider: "Provider") -> str:
    """Return the message for a provider that ONNX Runtime has and failed to start.

    Call it only after ONNX Runtime has tried, see `unloadable`.
    """
    cause = "A driver or a library is missing, or an option is wrong."
    if provider.memory == "cuda":
        cause = why_no_cuda() or cause
    return f"ONNX Runtime has {provider.onnxruntime_name} but could not start it. {cause}"


def would_fall_back(provider: "Provider", graph: str) -> str:
    """Return the message for a graph that would have run on the CPU, as a whole or in part.

    Call it only after ONNX Runtime has tried, see `unloadable`.
    """
    if provider.memory == "cuda" and why_no_cuda():
        return could_not_start(provider)
    return (
        f"{provider.onnxruntime_name} does not compute all of {graph}, and what it leaves to the "
        "CPU would make it slow. If an older stylize exported the model, export it again; else use "
        "another release of ONNX Runtime, or --provider cpu."
    )


def why_no_cuda() -> str | None:
    """Return what CUDA lacks, and what to do about it; None if nothing is known to be missing.

    Call it only after ONNX Runtime has tried, see `unloadable`.
    """
    import onnxruntime

    try:
        driver = find_driver()
        if cuda := cuda_release(onnxruntime):
            driver.check(cuda)
    except ProviderError as error:
        return f"{error}"
    provider = Path(onnxruntime.__file__).parent / "capi" / CUDA_PROVIDER
    missing = dict.fromkeys([*missing_libraries(onnxruntime), *unloadable(str(provider))])
    if missing:
        return (
            f"These libraries of CUDA or cuDNN are missing or broken: {', '.join(missing)}. "
            f"Install them: {install_command('cuda')}"
        )
    return None


def cuda_release(onnxruntime: ModuleType) -> int | None:
    """Return the major release of CUDA that ONNX Runtime was built for."""
    built = re.match(r"\d+", str(getattr(onnxruntime, "cuda_version", "")))
    return int(built[0]) if built else None


def missing_libraries(onnxruntime: ModuleType) -> list[str]:
    """Return the names of the libraries of CUDA and cuDNN that cannot be loaded."""
    return [*preload_libraries(onnxruntime), *unloadable(CUDNN)]


def unloadable(library: str) -> list[str]:
    """Return the name of the first library that is missing to load this one; none if it loads.

    Ask for a provider's library only after ONNX Runtime has tried to load it, since that library
    looks for ONNX Runtime while it is loaded.
    """
    try:
        ctypes.CDLL(library)
    except OSError as error:
        # The loader's message names what is missing, which may be one further down.
        named = re.match(r"([^\s:/]+): cannot open shared object", str(error))
        return [named[1] if named else Path(library).name]
    return []


def preload_libraries(onnxruntime: ModuleType) -> list[str]:
    """Load CUDA's libraries from NVIDIA's wheels; return the names of those that are missing.

    Not all of them need be there.
    """
    printed = io.StringIO()  # failures are told there, and nowhere else
    with redirect_stdout(printed):
        onnxruntime.preload_dlls()
    return re.findall(r"Failed to load ([^\s:]+):", printed.getvalue())
