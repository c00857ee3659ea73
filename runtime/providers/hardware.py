"""What this machine has for computing: CPUs, AMX, and memory that can be given back."""

import ctypes
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from stylize.runtime.providers.groups import own_groups

X86 = platform.machine().lower() in ("x86_64", "amd64")

CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class CpuLimit:
    """How many CPUs a process may use, and what says so."""

    cpus: int
    source: str


def usable_cpus() -> int:
    """Return how many CPUs this process may use; the machine may have more."""
    return cpu_limit().cpus


def cpu_limit() -> CpuLimit:
    """Return the strictest limit on this process's CPUs.

    That is the least of the machine's CPUs, of those that the process is bound to, and of the
    quotas of its control groups (``docker run --cpus 2``), rounded up: more threads than that would
    be stopped in turns.
    """
    limits = [CpuLimit(os.cpu_count() or 1, "the machine has no more CPUs"), *_bound(), *_quotas()]
    return min(limits, key=lambda limit: limit.cpus)


def _bound() -> Iterator[CpuLimit]:
    """Yield how many CPUs this process is bound to, where the system can bind it."""
    if hasattr(os, "sched_getaffinity"):
        yield CpuLimit(len(os.sched_getaffinity(0)), "this process is bound to so many CPUs")


def _quotas() -> Iterator[CpuLimit]:
    """Yield how many CPUs' time each control group has, where it has a limit."""
    for group, unified in own_groups("cpu"):
        with suppress(OSError, ValueError, ZeroDivisionError):  # no such group, or no limit
            if unified:
                quota, period = map(int, (group / "cpu.max").read_text().split())
            else:
                quota, period = (
                    int((group / name).read_text())
                    for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")
                )
            if quota > 0:  # -1 stands for none
                yield CpuLimit(max(1, ceil(quota / period)), f"{group} has that quota")


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
