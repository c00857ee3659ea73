"""Arrays where a provider computes: in the memory of the CPU, or of the device."""

import ctypes
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from stylize.models.errors import ProviderError, StylizeError
from stylize.runtime.providers.diagnosis import known_fault
from stylize.runtime.providers.plugins import memory_of
from stylize.runtime.providers.session import import_onnxruntime
from stylize.runtime.providers.table import Provider

if TYPE_CHECKING:
    from onnxruntime import OrtValue

Array = npt.NDArray[np.float32]
Tensor: TypeAlias = "OrtValue"


OUT_OF_MEMORY = re.compile(r"alloc|out of memory|not enough memory", re.IGNORECASE)
"""What the errors say by which ONNX Runtime, CUDA and C++ tell that memory ran out."""


class Memory:
    """The memory in which a provider's inputs and outputs lie.

    All methods raise ProviderError if memory runs out, or the device fails. A graph must have been
    loaded on a GPU before they are called: otherwise WebGPU ends the process where it finds none.

    Attributes
    ----------
    on_device : bool
        Whether it is not the CPU's.

    Parameters
    ----------
    provider : Provider
        The provider whose memory it is.
    """

    def __init__(self, provider: Provider) -> None:
        onnxruntime = import_onnxruntime(provider.extra)
        self._of_array = onnxruntime.OrtValue.ortvalue_from_numpy
        self._make_empty = onnxruntime.OrtValue.ortvalue_from_shape_and_type
        self.on_device = provider.memory != "cpu"
        self._place: dict[str, object]
        if provider.plugin:
            self._place = {"memory_info": memory_of(onnxruntime, provider)}
        else:
            device = int(provider.options.get("device_id", 0)) if self.on_device else 0
            self._place = {"device_type": provider.memory, "device_id": device}
        self._what = f"memory of the provider {provider.name}"

    def put(self, array: npt.ArrayLike) -> Tensor:
        """Return a copy of an array in this memory."""
        own = np.asarray(array, np.float32, order="C")
        tensor = self.empty(own.shape)
        with translating_errors(self._what):
            tensor.update_inplace(own)
        return tensor

    def view(self, array: npt.NDArray[Any]) -> Tensor:
        """Return an array as a tensor in the CPU's memory, without a copy; keep the array."""
        with translating_errors(self._what):
            return self._of_array(array)

    def full(self, shape: Sequence[int], value: float) -> Tensor:
        """Return a tensor that holds one number everywhere."""
        return self.put(np.full(shape, value, np.float32))

    def empty(self, shape: Sequence[int], dtype: npt.DTypeLike = np.float32) -> Tensor:
        """Return a tensor whose numbers are not set yet."""
        with translating_errors(self._what):
            return self._make_empty(list(shape), dtype, **self._place)

    def copy(self, tensor: Tensor) -> Tensor:
        """Return a copy of a tensor, made without leaving this memory."""
        if not self.on_device:
            return self.put(tensor.numpy())
        copy = self.empty(tensor.shape())
        with translating_errors(self._what):
            copy.update_inplace(tensor)
        return copy

    def look(self, tensor: Tensor) -> Array:
        """Return a tensor's numbers, without a copy if this is the CPU's memory; keep the tensor.

        Nothing is to be written to them.
        """
        return read(tensor) if self.on_device else _array_of(tensor, tensor.shape(), np.float32)


class Slot:
    """An array here, and the tensor where a provider computes; on the CPU they are the same memory.

    Attributes
    ----------
    array : float32 array
        What goes to the provider, or came from it.
    tensor : Tensor
        The same in the provider's memory.

    Parameters
    ----------
    memory : Memory
        The provider's memory.
    shape : sequence of int
        The shape of both.
    dtype : numpy dtype
        The type of both.
    """

    def __init__(
        self, memory: Memory, shape: Sequence[int], dtype: npt.DTypeLike = np.float32
    ) -> None:
        self._shared = not memory.on_device
        self.tensor = memory.empty(shape, dtype)
        array = _array_of(self.tensor, shape, dtype) if self._shared else np.empty(shape, dtype)
        array[...] = 0
        self.array = array

    def send(self) -> None:
        """Take the array to the provider."""
        if not self._shared:
            with translating_errors("an input"):
                self.tensor.update_inplace(self.array)

    def fetch(self) -> npt.NDArray[Any]:
        """Bring the array from the provider, and return it."""
        if not self._shared:
            self.array[...] = read(self.tensor)
        return self.array


def _array_of(tensor: Tensor, shape: Sequence[int], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return a tensor in the CPU's memory as an array, which keeps it alive.

    The other way round, OpenVINO would not notice that an array has changed since it was bound.
    """
    size = prod(shape) * np.dtype(dtype).itemsize
    memory = (ctypes.c_char * size).from_address(tensor.data_ptr())
    memory.tensor = tensor  # type: ignore[attr-defined]
    return np.frombuffer(memoryview(memory), dtype).reshape(shape)


def read(tensor: Tensor) -> Array:
    """Return a tensor's numbers; raise ProviderError if the device fails."""
    with translating_errors("reading a result"):
        return np.array(tensor.numpy())


def number(tensor: Tensor) -> float:
    """Return the number that a tensor without dimensions holds."""
    return float(read(tensor))


@contextmanager
def translating_errors(what: str) -> Iterator[None]:
    """Turn ONNX Runtime's errors, which have no common base, into ours."""
    try:
        yield
    except StylizeError:
        raise
    except Exception as error:
        if fault := known_fault(str(error)):
            raise ProviderError(fault) from error
        hint = " Memory ran out: use a smaller size." if OUT_OF_MEMORY.search(str(error)) else ""
        told = " ".join(str(error).split())  # it may have lines
        raise ProviderError(f"ONNX Runtime failed on {what}: {told}{hint}") from error
