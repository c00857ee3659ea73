"""How much memory a piece of work takes, if the system tells."""

import ctypes
import gc
from pathlib import Path
from typing import TYPE_CHECKING

from stylize.runtime.providers.hardware import give_back_freed_memory
from stylize.runtime.providers.nvidia import LIBRARY

if TYPE_CHECKING:
    from stylize.runtime.providers.table import Place

STATUS, CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")
"""Linux's files that tell how much this process takes, and that reset its peak."""
FORGET_PEAK = "5"


class Footprint:
    """Memory that is taken from now on, beyond what is taken already.

    For this process it is the peak. For a GPU it is what all its users hold at the time of asking:
    ONNX Runtime keeps what it took on a device as long as a graph is loaded.

    Parameters
    ----------
    memory : {"cpu", "cuda", "webgpu"}
        The memory of the GPU on which CUDA last computed here; of the others this process's, as
        WebGPU does not tell.
    """

    def __init__(self, memory: "Place") -> None:
        self._on_device = memory == "cuda"
        gc.collect()
        give_back_freed_memory()
        self._before = _taken_on_device() if self._on_device else taken_by_process("VmRSS")
        if not self._on_device and not forget_peak():
            self._before = None

    @property
    def bytes(self) -> int | None:
        """The additional bytes; None if the system does not tell."""
        now = _taken_on_device() if self._on_device else taken_by_process("VmHWM")
        return None if now is None or self._before is None else max(0, now - self._before)


def forget_peak() -> bool:
    """Reset the peak to what is taken now, and tell whether that worked."""
    try:
        CLEAR_REFS.write_text(FORGET_PEAK)
    except OSError:
        return False
    return True


def taken_by_process(what: str) -> int | None:
    """Return an entry of this process's status in bytes; None where the system does not tell.

    ``VmRSS`` is what is resident now, ``VmHWM`` the most that was.
    """
    try:
        lines = STATUS.read_text().splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(what)), None)


def _taken_on_device() -> int | None:
    try:
        driver = ctypes.CDLL(LIBRARY)
    except OSError:
        return None
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    # This fails before anything has been computed there.
    if driver.cuMemGetInfo_v2(ctypes.byref(free), ctypes.byref(total)):
        return None
    return total.value - free.value
