"""What this machine has for computing: CPUs, bfloat16, memory that can be given back."""

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
ARM_LINUX = platform.machine().lower() in ("aarch64", "arm64") and sys.platform == "linux"

CPU_INFO = Path("/proc/cpuinfo")

GPUS = Path("/sys/class/drm")
GPU_VENDORS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}
"""Makers of GPUs that compute, by their number on the bus. Others only show pictures."""

BFLOAT16_FLAGS = {"AMX": "amx_bf16", "AVX512-BF16": "avx512_bf16"}


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


def bfloat16_units() -> tuple[str, ...]:
    """Return what this CPU multiplies bfloat16 with, the fastest first; only Linux tells.

    ``AMX`` multiplies matrices, ``AVX512-BF16`` twice as many numbers at once as in float32.
    """
    try:
        flags = CPU_INFO.read_text()
    except OSError:
        return ()
    return tuple(name for name, flag in BFLOAT16_FLAGS.items() if flag in flags)


def gpu_vendors() -> tuple[str, ...]:
    """Return who made the GPUs that are here; only Linux and macOS on Arm tell."""
    if sys.platform == "darwin":
        return () if X86 else ("Apple",)
    found = set[str]()
    for file in GPUS.glob("card*/device/vendor"):
        with suppress(OSError):
            found.add(GPU_VENDORS.get(file.read_text().strip(), ""))
    return tuple(sorted(found - {""}))


def give_back_freed_memory() -> None:
    """Give memory that this process has freed back to the system; glibc would keep it."""
    if sys.platform == "linux":
        with suppress(AttributeError):  # other C libraries have no malloc_trim
            ctypes.CDLL(None).malloc_trim(0)
