"""Providers in wheels of their own: their libraries are loaded, and their devices chosen.

ONNX Runtime calls them plugins. One knows of no others, and needs no certain release of ONNX
Runtime beyond the oldest that it names. So several live in one environment.
"""

from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING

from stylize.installation import major_and_minor
from stylize.models.errors import ProviderError
from stylize.runtime.providers import diagnosis
from stylize.runtime.providers.table import Plugin, Provider

if TYPE_CHECKING:
    from onnxruntime import OrtEpDevice, OrtMemoryInfo

OLDEST = (1, 28)
"""Releases of ONNX Runtime before this one make no tensors in a plugin's memory."""

GPU = "GPU"
"""How ONNX Runtime calls the kind of a device that is one."""

_loading, _loaded = Lock(), dict[str, str | None]()
"""What came of loading each library: nothing, or why that failed. It holds in forked processes,
too."""


def is_installed(plugin: Plugin) -> bool:
    """Tell whether the wheel is there; its library is not loaded for that."""
    return find_spec(plugin.module) is not None


def devices_of(onnxruntime: ModuleType, provider: Provider) -> "list[OrtEpDevice]":
    """Return the device that a plugin computes on, in a list as sessions want it.

    Its library is loaded first, once in a process.

    Raises
    ------
    ProviderError
        The library cannot be loaded, or offers no device; the message says why.
    """
    assert provider.plugin
    if major_and_minor(onnxruntime.__version__) < OLDEST:
        raise ProviderError(diagnosis.too_old_for(provider, onnxruntime.__version__, OLDEST))
    _load(onnxruntime, provider, provider.plugin)
    found = _offered(onnxruntime, provider)
    if not found:
        raise ProviderError(diagnosis.no_device(provider))
    return found[:1]  # plugins take no more; which GPU it is, WebGPU decides itself


def memory_of(onnxruntime: ModuleType, provider: Provider) -> "OrtMemoryInfo":
    """Return the memory in which a plugin takes tensors as they are, and would copy others.

    Raises
    ------
    ProviderError
        As `devices_of`.
    """
    (device,) = devices_of(onnxruntime, provider)
    kinds = onnxruntime.OrtDeviceMemoryType
    return device.memory_info(kinds.DEFAULT) or device.memory_info(kinds.HOST_ACCESSIBLE)


def name_of(device: "OrtEpDevice") -> str:
    """Return the name of a device, or what else is known of it."""
    told, hardware = dict(device.ep_metadata), device.device
    of_hardware = dict(hardware.metadata)
    name = told.get("FULL_DEVICE_NAME") or of_hardware.get("Description")
    return name or f"{hardware.vendor or 'unknown'} {hardware.type.name} {hardware.device_id:04x}"


def is_gpu(device: "OrtEpDevice") -> bool:
    """Tell whether a device is a GPU, not a driver that computes on the CPU."""
    kind: str = device.device.type.name
    return kind == GPU


def _load(onnxruntime: ModuleType, provider: Provider, plugin: Plugin) -> None:
    with _loading:
        # A second attempt would break the library that is there, whoever loaded that.
        if plugin.module not in _loaded and not _offered(onnxruntime, provider):
            _loaded[plugin.module] = _fault(onnxruntime, plugin)
        if fault := _loaded.get(plugin.module):
            raise ProviderError(diagnosis.not_loaded(provider, fault))


def _fault(onnxruntime: ModuleType, plugin: Plugin) -> str | None:
    """Load a library, and return why that failed."""
    try:
        library = import_module(plugin.module).get_library_path()
        onnxruntime.register_execution_provider_library(plugin.module, library)
    except Exception as error:  # those of ONNX Runtime have no common base
        return " ".join(str(error).split())
    return None


def _offered(onnxruntime: ModuleType, provider: Provider) -> "list[OrtEpDevice]":
    wanted = provider.plugin.device.items() if provider.plugin else ()
    return [
        device
        for device in onnxruntime.get_ep_devices()
        if device.ep_name == provider.onnxruntime_name
        and all(dict(device.ep_metadata).get(key) == value for key, value in wanted)
    ]
