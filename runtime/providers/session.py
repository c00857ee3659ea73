"""A graph as a session of ONNX Runtime, on the provider that was asked for, or an error."""

import os
from collections.abc import Mapping
from contextlib import nullcontext
from functools import cache
from math import prod
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from stylize.installation import major_and_minor
from stylize.models.errors import ProviderError
from stylize.models.folder import StoredGraph
from stylize.runtime.files.silence import without_stderr
from stylize.runtime.providers import diagnosis
from stylize.runtime.providers.hardware import give_back_freed_memory
from stylize.runtime.providers.plugins import devices_of
from stylize.runtime.providers.table import Provider

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, OrtValue, SessionOptions

OLDEST = (1, 24)
"""Releases of ONNX Runtime before this one have known holes in how they read models."""

ERROR, FATAL = 3, 4
"""Severities of ONNX Runtime's log, which goes to stderr."""

AS_REQUESTED = 1
"""How the memory that sessions share grows: by what is asked for, not by powers of two."""

for _dtype in (np.float32, np.float64):
    # NumPy keeps what it finds. After a session it would find that denormals are zero, and warn.
    np.finfo(_dtype)

FALLBACK_REFUSED = "fallback to CPU EP has been explicitly disabled"
"""How ONNX Runtime says that a part of a graph would not run on the provider."""


def open_session(
    graph: StoredGraph, dimensions: Mapping[str, int], provider: Provider
) -> "InferenceSession":
    """Load a graph for images of one size, on one provider.

    ONNX Runtime gets the bytes that were checked. It opens no file.

    Parameters
    ----------
    graph : StoredGraph
        The graph, to be kept as long as the session: that may look at the weights at any time.
    dimensions : mapping of str to int
        A value for each symbolic dimension: a pinned graph runs as fast as a static one.
    provider : Provider
        The provider that must run it.

    Raises
    ------
    ProviderError
        ONNX Runtime could not use the provider; by itself it would go on, slowly, on the CPU.
    """
    onnxruntime = import_onnxruntime(provider.extra)
    if provider.memory == "cuda":
        diagnosis.preload_libraries(onnxruntime)
    options = _session_options(onnxruntime, provider)
    built_in = None
    if provider.plugin:
        devices = devices_of(onnxruntime, provider)
        options.add_provider_for_devices(devices, dict(provider.options))
    else:
        built_in = [(provider.onnxruntime_name, dict(provider.options))]
    for name, value in dimensions.items():
        options.add_free_dimension_override_by_name(name, value)
    _add_weights(options, graph, onnxruntime.OrtValue)
    try:
        # Drivers of GPUs remark on their limits there.
        with without_stderr() if provider.memory == "webgpu" else nullcontext():
            session = onnxruntime.InferenceSession(
                graph.model,
                options,
                providers=built_in,
                enable_fallback=0,  # no fall-back to the CPU when loading fails
            )
    except Exception as error:
        if FALLBACK_REFUSED in str(error):
            raise ProviderError(diagnosis.would_fall_back(provider, graph.name)) from error
        raise
    graph.forget_pages()
    give_back_freed_memory()
    session.disable_fallback()  # none when a run fails
    if session.get_providers()[0] != provider.onnxruntime_name:
        raise ProviderError(diagnosis.could_not_start(provider))
    return session


def _session_options(onnxruntime: ModuleType, provider: Provider) -> "SessionOptions":
    options = onnxruntime.SessionOptions()
    # Errors come back as exceptions, or `diagnosis` finds out more than the log would say.
    severity = FATAL if provider.tested else ERROR
    onnxruntime.set_default_logger_severity(severity)
    options.log_severity_level = severity
    options.intra_op_num_threads = provider.threads
    # Never its other format, whatever the bytes say: nothing has checked that.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    # The planned block of all values is larger than what is alive at any one time.
    options.enable_mem_pattern = False
    # On the CPU, buffers kept for later values of the same size are a fifth of the peak.
    options.enable_mem_reuse = provider.name != "cpu"
    # The threads of a run wait for the next in loops, and would slow the graph that runs between.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    # The gradient of a nearly converged image underflows, and denormals take 100 times as long.
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    if provider.sparing:
        _share_memory(onnxruntime)
        options.add_session_config_entry("session.use_env_allocators", "1")
        options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")
    for name, value in provider.session_entries.items():
        options.add_session_config_entry(name, value)
    if provider.tested and provider.name != "cpu":  # others may rightly leave small things to it
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    return options


@cache
def _share_memory(onnxruntime: ModuleType) -> None:
    """Let sessions that ask for it take memory from one place, which it goes back to."""
    place = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(
        place, onnxruntime.OrtArenaCfg({"arena_extend_strategy": AS_REQUESTED})
    )


def _add_weights(
    options: "SessionOptions", graph: StoredGraph, ort_value: "type[OrtValue]"
) -> None:
    """Give the numbers that a graph refers to, as arrays that lie where the weights do."""
    if not graph.references:
        return
    arrays = [
        np.frombuffer(
            graph.weights, reference.dtype, prod(reference.shape), reference.offset
        ).reshape(reference.shape)
        for reference in graph.references
    ]
    names = [reference.name for reference in graph.references]
    options.add_external_initializers(names, list(map(ort_value.ortvalue_from_numpy, arrays)))


def import_onnxruntime(extra: str | None = "cpu") -> ModuleType:
    """Import ONNX Runtime.

    Parameters
    ----------
    extra : str or None
        The extra to advise if there is none.

    Raises
    ------
    ProviderError
        It cannot be imported, or is too old; the message has the command that installs it.
    """
    # On import, releases from 1.31 on collect facts about the machine to be sent to Microsoft. To
    # have that, set the variable to 0.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime

        if not hasattr(onnxruntime, "InferenceSession"):
            raise ImportError("its files are gone, as after removing one of several wheels")
    except ImportError as error:
        raise ProviderError(diagnosis.cannot_import(extra or "cpu", error)) from error
    if major_and_minor(onnxruntime.__version__) < OLDEST:
        raise ProviderError(diagnosis.too_old(extra or "cpu", onnxruntime.__version__, OLDEST))
    return onnxruntime
