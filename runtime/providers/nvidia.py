"""NVIDIA's driver, asked directly: whether it works, which CUDA it runs, and on what."""

import ctypes
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from stylize.models.errors import ProviderError

LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
RELEASE_FILE = Path("/proc/driver/nvidia/version")
FIRST_DRIVERS = {12: "525", 13: "580"}
"""The oldest release of the driver that runs a major release of CUDA."""


@dataclass(frozen=True)
class Gpu:
    """A device that CUDA computes on."""

    name: str
    memory: int
    """Bytes, free or not."""


@dataclass(frozen=True)
class Driver:
    """A driver that works."""

    release: str | None
    """The release, such as ``580.65.06``; None if the system does not tell."""
    cuda: tuple[int, int]
    """The newest CUDA that it runs."""
    gpus: tuple[Gpu, ...]

    def check(self, cuda: int) -> None:
        """Raise ProviderError if the driver is too old for a major release of CUDA."""
        if self.cuda[0] >= cuda:
            return
        release = f" {self.release}" if self.release else ""
        first = FIRST_DRIVERS.get(cuda)
        raise ProviderError(
            f"NVIDIA's driver{release} runs CUDA up to {self.cuda[0]}.{self.cuda[1]}, and the "
            f"installed ONNX Runtime needs CUDA {cuda}. Install a newer driver"
            + (f": {first} or later." if first else ".")
        )


def find_driver() -> Driver:
    """Return the driver.

    Raises
    ------
    ProviderError
        There is none, or it finds no GPU.
    """
    try:
        cuda = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise ProviderError(
            f"There is no NVIDIA driver: {LIBRARY} cannot be loaded. Install the driver of the "
            "GPU; a container must be started with its GPUs (docker run --gpus all)."
        ) from error
    if code := cuda.cuInit(0):
        raise ProviderError(
            f"NVIDIA's driver is there but cannot start: {_meaning(cuda, code)}. Look whether "
            "nvidia-smi lists a GPU; after an update of the driver, restart the machine."
        )
    newest = ctypes.c_int()
    cuda.cuDriverGetVersion(ctypes.byref(newest))
    return Driver(_release(), (newest.value // 1000, newest.value % 1000 // 10), _gpus(cuda))


def _gpus(cuda: ctypes.CDLL) -> tuple[Gpu, ...]:
    count = ctypes.c_int()
    cuda.cuDeviceGetCount(ctypes.byref(count))
    return tuple(_gpu(cuda, number) for number in range(count.value))


def _gpu(cuda: ctypes.CDLL, number: int) -> Gpu:
    device, name, memory = ctypes.c_int(), ctypes.create_string_buffer(256), ctypes.c_size_t()
    cuda.cuDeviceGet(ctypes.byref(device), number)
    cuda.cuDeviceGetName(name, len(name), device)
    cuda.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
    return Gpu(name.value.decode(errors="replace"), memory.value)


def _meaning(cuda: ctypes.CDLL, code: int) -> str:
    text = ctypes.c_char_p()
    cuda.cuGetErrorString(code, ctypes.byref(text))
    return f"{(text.value or b'unknown error').decode()} ({code})"


def _release() -> str | None:
    try:
        found = re.search(r"\b(\d{3}\.\d[\d.]*)", RELEASE_FILE.read_text())
    except OSError:
        return None
    return found[1] if found else None
