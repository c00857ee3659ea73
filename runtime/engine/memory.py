"""How much memory a picture needs, and how much there is, before the work begins.

The formula was fitted to the peak of the process on the CPU provider, for VGG-19 and the embedded
model, average and max pooling, 512 to 2048 pixels. ``benchmarks/memory.py`` prints both again.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path

from stylize.models.errors import ProviderError
from stylize.models.folder import ModelFolder
from stylize.models.layers import LayerSet
from stylize.runtime.providers.groups import own_groups
from stylize.runtime.providers.nvidia import find_driver
from stylize.runtime.providers.table import Provider

PROCESS = 90_000_000
"""Bytes of Python, ONNX Runtime and the pictures' files."""

KERNELS = 2.3
"""Resident bytes per byte of float32 weights. Each kernel is held twice, as it is needed forwards
and backwards. The wide ones are held in a form for fewer multiplications, 16/9 as large."""

KERNELS_TURNS = 2.0
"""The same where blocks are loaded by themselves, forwards and back."""

RESPONSES = {"average": 1.75, "max": 2.4}
"""Resident bytes per byte of all responses at the worst moment, half-way between forwards and
backwards. Then all responses are held, and the gradients of their Gram matrices. A third of that
lies in gaps between blocks, whose number varies from size to size. The way back through a
max pooling compares each response with the maximum of its window."""

WEIGHTED = 0.5
"""The same per byte of responses times weights of regions, most of which do not live as long."""

FORWARD = 3.3
"""Resident bytes per byte of the largest layer's responses where only targets are computed. Then no
more than three layers are held at a time."""

IMAGES = 30
"""Images held by the optimiser, the losses and whoever looks at the result, without the history.
The optimiser holds what it remembers twice, and what it computes with once."""

IMAGE_BYTES = 3 * 4

MEMINFO = Path("/proc/meminfo")

UNIFIED = ("memory.max", "memory.current", "inactive_file")
SEPARATE = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
"""Files of a control group: its limit, what it uses, and the count of the page cache in its
statistics; in the unified hierarchy (cgroup v2) and in the older one."""


@dataclass(frozen=True)
class Need:
    """The CPU memory that pictures of some layers and history need, within about a quarter.

    Attributes
    ----------
    fixed : float
        Bytes that do not depend on the size.
    of_a_pixel : float
        Bytes for each pixel of the picture.
    """

    fixed: float
    of_a_pixel: float

    def bytes(self, size: tuple[int, int]) -> int:
        """Return how many bytes a picture of this width and height needs."""
        return round(self.fixed + prod(size) * self.of_a_pixel)


def memory_need(folder: ModelFolder, layers: LayerSet, history: int = 0, regions: int = 0) -> Need:
    """Return the CPU memory that pictures need.

    Parameters
    ----------
    folder : ModelFolder
        The model.
    layers : LayerSet
        The layers that have a loss.
    history : int
        Steps that L-BFGS remembers; each keeps two images.
    regions : int
        Parts of the picture; of each, responses times weights are held where there is a loss.
    """
    bytes_of = _responses(folder, layers)
    responses = sum(bytes_of.values())
    weighted = regions * sum(bytes_of[name] for name in layers.style)
    images = IMAGE_BYTES * (IMAGES + 2 * history)
    of_a_pixel = RESPONSES[folder.manifest.pooling] * responses + WEIGHTED * weighted + images
    return Need(fixed_bytes(folder), of_a_pixel)


def targets_need(folder: ModelFolder, layers: LayerSet) -> Need:
    """Return the CPU memory that computing the targets of a picture needs."""
    return Need(
        fixed_bytes(folder), FORWARD * max(_responses(folder, layers).values()) + 2 * IMAGE_BYTES
    )


def fixed_bytes(folder: ModelFolder, kernels: float = KERNELS) -> float:
    """Return the bytes of the process and of the weights, of which so many copies are held."""
    manifest = folder.manifest
    weights = (folder.path / manifest.weights.file).stat().st_size
    as_float32 = weights * (2 if manifest.weights.dtype == "float16" else 1)
    return PROCESS + kernels * as_float32


def _responses(folder: ModelFolder, layers: LayerSet) -> dict[str, float]:
    """Return the bytes for each pixel of the image of every response up to the deepest layer."""
    known = folder.manifest.layers
    names = [layer.name for layer in known]
    deepest = max(map(names.index, layers.content + layers.style))
    used = known[: deepest + 1]
    return {layer.name: 4 * layer.channels / layer.stride**2 for layer in used}


HEADROOM = 0.9
"""Part of the free memory that a picture may take, for its need is an estimate."""


def memory_to_spare(provider: Provider) -> int | None:
    """Return how many bytes a picture may take where a provider computes; None if nobody knows.

    Of an NVIDIA GPU all of its memory counts, free or not.
    """
    if provider.memory == "cpu":
        free = memory_available()
    elif provider.memory == "cuda":
        free = _memory_of_gpu(int(provider.options.get("device_id", 0)))
    else:
        return None
    return None if free is None else int(HEADROOM * free)


def _memory_of_gpu(number: int) -> int | None:
    try:
        return find_driver().gpus[number].memory
    except (ProviderError, IndexError):
        return None


def memory_available() -> int | None:
    """Return how many bytes this process may still take; None if that cannot be known.

    On Linux that is what is free or can be freed at once, within the limits of the process's
    control groups (a container's). On other POSIX systems it is all that the machine has.
    """
    try:
        if MEMINFO.exists():
            return min([_told("MemAvailable:"), *(limit.left for limit in _limits())])
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None


def memory_of_machine() -> int | None:
    """Return how many bytes there are in all, with those to swap to; None if that is not known.

    On Linux that is within the limits of the process's control groups. What a group may swap is not
    told everywhere, so all of the machine's counts.
    """
    try:
        if MEMINFO.exists():
            memory = min([_told("MemTotal:"), *(limit.most for limit in _limits())])
            return memory + _told("SwapTotal:")
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError, StopIteration):
        return None


def _told(what: str) -> int:
    lines = MEMINFO.read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(what))


@dataclass(frozen=True)
class _Limit:
    """What a control group may take, and what is left of it, in bytes."""

    most: int
    left: int


def _limits() -> Iterator[_Limit]:
    """Yield each group's limit; files of the page cache that can go count as free."""
    for group, unified in own_groups("memory"):
        limit, used, cache = UNIFIED if unified else SEPARATE
        try:
            most = int((group / limit).read_text())
            taken = int((group / used).read_text())
            counts = dict(map(str.split, (group / "memory.stat").read_text().splitlines()))
        except (OSError, ValueError):  # no such group, or "max": no limit
            continue
        yield _Limit(most, most - taken + int(counts.get(cache, 0)))
