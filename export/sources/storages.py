"""Tensors as torch lays them out: a storage of numbers, and steps through it."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from stylize.export.sources.tensors import Array, FileTensor

MOST_AXES = 64
"""Axes that an array of NumPy or torch may have."""


@dataclass(frozen=True)
class NumberType:
    """What the numbers of a storage are: torch's name for it, and NumPy's."""

    dtype: str
    numpy: str
    floating: bool = False


TYPES = {
    "DoubleStorage": NumberType("float64", "f8", floating=True),
    "FloatStorage": NumberType("float32", "f4", floating=True),
    "HalfStorage": NumberType("float16", "f2", floating=True),
    "BFloat16Storage": NumberType("bfloat16", "u2", floating=True),
    "LongStorage": NumberType("int64", "i8"),
    "IntStorage": NumberType("int32", "i4"),
    "ShortStorage": NumberType("int16", "i2"),
    "CharStorage": NumberType("int8", "i1"),
    "ByteStorage": NumberType("uint8", "u1"),
    "BoolStorage": NumberType("bool", "u1"),
    "ComplexFloatStorage": NumberType("complex64", "c8"),
    "ComplexDoubleStorage": NumberType("complex128", "c16"),
    "UntypedStorage": NumberType("untyped", "u1"),
}
"""Storages of plain numbers by torch's name for them. NumPy has no bfloat16: it is read as bits."""


@dataclass(frozen=True)
class Storage:
    """A row of numbers in a file; `start` and `count` are of a view into it, if it is one."""

    type: str
    key: str
    whole: int
    start: int
    count: int

    @classmethod
    def checked(cls, name: str, key: Any, count: Any, view: Any) -> "Storage":
        """Return what a file describes; raise ValueError where it cannot be."""
        _, start, part = view if isinstance(view, tuple) and len(view) == 3 else ("", 0, count)
        if not isinstance(key, str) or not _counts(count, start, part) or start + part > count:
            raise ValueError("a storage of numbers has no proper name or size")
        return cls(name, key, count, start, part)

    @property
    def item_size(self) -> int:
        """Bytes of a number."""
        return np.dtype(TYPES[self.type].numpy).itemsize

    @property
    def size(self) -> int:
        """Bytes of all numbers."""
        return self.whole * self.item_size


@dataclass(frozen=True)
class StridedTensor:
    """A tensor: where in a storage it begins, and how far its neighbours lie apart, in numbers."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @classmethod
    def checked(cls, storage: Any, offset: Any, shape: Any, strides: Any) -> "StridedTensor":
        """Return what a file describes; raise ValueError where it cannot be."""
        if not (
            isinstance(storage, Storage)
            and isinstance(shape, tuple)
            and isinstance(strides, tuple)
            and len(shape) == len(strides) <= MOST_AXES
            and _counts(offset, *shape, *strides)
        ):
            raise ValueError("a tensor has no proper storage, shape or strides")
        tensor = cls(storage, storage.start + offset, shape, strides)
        if prod(shape) and offset + tensor.span > storage.count:
            raise ValueError(f"a tensor of shape {shape} reaches beyond its storage")
        return tensor

    @property
    def span(self) -> int:
        """Numbers of the storage from the tensor's first to its last, if it has any."""
        steps = zip(self.shape, self.strides, strict=True)
        return 1 + sum((size - 1) * stride for size, stride in steps)

    def in_file(self, read: Callable[[Storage, int, int], bytes], order: str) -> FileTensor:
        """Return the tensor, whose numbers are read when they are asked for.

        Parameters
        ----------
        read : function of Storage, int and int
            Returns bytes of a storage: from where, and how many.
        order : {"<", ">"}
            Of the bytes of a number, as NumPy names it.
        """
        kind = TYPES[self.storage.type]

        def numbers() -> Array:
            dtype = np.dtype(order + kind.numpy)
            if not prod(self.shape):
                return np.zeros(self.shape, np.float32)
            data = read(self.storage, self.offset * dtype.itemsize, self.span * dtype.itemsize)
            strides = [stride * dtype.itemsize for stride in self.strides]
            return _as_float32(np.ndarray(self.shape, dtype, data, strides=strides), kind)

        return FileTensor(self.shape, f"torch.{kind.dtype}", kind.floating, numbers)


def _as_float32(array: Any, kind: NumberType) -> Array:
    if kind.dtype == "bfloat16":  # the upper half of a float32
        return (array.astype(np.uint32, order="C") << 16).view(np.float32)
    return np.array(array, np.float32, order="C")


def _counts(*values: Any) -> bool:
    """Tell whether all values are numbers of something that a file may have."""
    return all(type(value) is int and 0 <= value < 2**63 for value in values)
