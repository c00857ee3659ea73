"""Arrays where a provider computes: in the memory of the CPU, or of the device."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from stylize.runtime.providers import Provider, import_onnxruntime

if TYPE_CHECKING:
    from onnxruntime import OrtValue

Array = npt.NDArray[np.float32]
Tensor: TypeAlias = "OrtValue"


class Memory:
    """The memory in which a provider's inputs and outputs lie; all tensors are float32.

    Parameters
    ----------
    provider : Provider
        Whose.
    """

    def __init__(self, provider: Provider) -> None:
        self._values = import_onnxruntime(provider.extra).OrtValue
        self._place = provider.memory, int(provider.options.get("device_id", 0))

    def put(self, array: npt.ArrayLike) -> Tensor:
        """Return a copy of an array there."""
        # A copy: a tensor in the CPU's memory is a view of the array that it is made of.
        return self._values.ortvalue_from_numpy(
            np.array(array, np.float32, order="C"), *self._place
        )

    def empty(self, shape: Sequence[int]) -> Tensor:
        """Return a tensor whose numbers mean nothing yet."""
        return self._values.ortvalue_from_shape_and_type(list(shape), np.float32, *self._place)

    def copy(self, tensor: Tensor) -> Tensor:
        """Return a copy of a tensor, which does not leave this memory."""
        if self._place[0] == "cpu":
            return self.put(tensor.numpy())
        copy = self.empty(tensor.shape())
        copy.update_inplace(tensor)
        return copy


def read(tensor: Tensor) -> Array:
    """Return a tensor's numbers."""
    return np.array(tensor.numpy())


def number(tensor: Tensor) -> float:
    """Return the number that a tensor without dimensions holds."""
    return float(tensor.numpy())
