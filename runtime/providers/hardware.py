"""What this machine has for computing: CPUs, AMX, and memory that can be given back."""

import ctypes
import os
import platform
import sys
from contextlib import suppress
from pathlib import Path

X86 = platform.machine().lower() in ("x86_64", "amd64")

CPU_INFO = Path("/proc/cpuinfo")


def usable_cpus() -> int:
    """Return how many CPUs this process may use; the machine may have more."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def has_amx() -> bool:
    """Tell whether this CPU multiplies matrices of bfloat16 (AMX); only Linux tells."""
    try:
        return "amx_bf16" in CPU_INFO.read_text()
    except OSError:
        return False


def give_back_freed_memory() -> None:
    """Give memory that this process has freed back to the system; glibc would keep it."""
    if sys.platform == "linux":
        with suppress(AttributeError):  # other C libraries have no malloc_trim
            ctypes.CDLL(None).malloc_trim(0)
