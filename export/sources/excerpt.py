"""An excerpt of a .safetensors file on a server: some of its tensors, as such a file of their own.

The file begins with 8 bytes, the length of the header, and the header, JSON that tells where each
tensor lies. So the tensors that are needed can be asked for alone.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from stylize.export.network.architecture import Network
from stylize.export.sources.names import our_name
from stylize.models.errors import WeightsError

LARGEST_HEADER = 1 << 20
"""Bytes; that of timm's VGG-19 has 4 KB."""
LENGTH = 8
"""Bytes that tell the header's length."""

Part = Callable[[int, int], Iterable[bytes]]
"""Gives the bytes of a file, from where, and how many."""


@dataclass(frozen=True)
class _Tensor:
    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.end - self.begin


@dataclass(frozen=True)
class Excerpt:
    """What is to be read of a file, and what it is put together to.

    Attributes
    ----------
    header : bytes
        The beginning of the excerpt; the tensors follow, one after the other.
    """

    header: bytes
    _tensors: tuple[_Tensor, ...]
    _data: int

    @property
    def size(self) -> int:
        """Bytes of the excerpt."""
        return len(self.header) + sum(tensor.size for tensor in self._tensors)

    def missing(self, done: int) -> Iterator[tuple[int, int]]:
        """Yield start and length of what is to be read, when so many bytes of it are there.

        Tensors that lie together are read together.
        """
        done -= len(self.header)
        begin = end = self._tensors[0].begin
        for place, following in [*((each.begin, each.end) for each in self._tensors), (-1, -1)]:
            if place != end:
                there = min(done, end - begin)
                done -= there
                if begin + there < end:
                    yield self._data + begin + there, end - begin - there
                begin = place
            end = following


def excerpt_of(part: Part, network: Network) -> Excerpt:
    """Return the excerpt of a file that has the tensors of a network.

    Raises
    ------
    WeightsError
        The file's header is damaged, or it has not exactly these tensors, as float32.
    """
    tensors, data = _contents(part)
    needed = [tensor for tensor in tensors if our_name(tensor.name, network)]
    shapes = {our_name(tensor.name, network): tensor.shape for tensor in needed}
    whole = all(
        tensor.dtype == "F32" and tensor.size == 4 * prod(tensor.shape) for tensor in needed
    )
    if shapes != network.parameters or len(needed) != len(shapes) or not whole:
        raise WeightsError("The hub's file has other tensors than VGG-19's, as float32.")
    return Excerpt(_header(needed), tuple(needed), data)


def _contents(part: Part) -> tuple[list[_Tensor], int]:
    """Return the tensors of a .safetensors file as they lie, and where the first begins."""
    length = int.from_bytes(b"".join(part(0, LENGTH)), "little")
    if length > LARGEST_HEADER:
        raise WeightsError(f"The hub's file has a header of {length} bytes: it is damaged.")
    text = b"".join(part(LENGTH, length))
    try:
        tensors = [
            _tensor(name, entry["dtype"], entry["shape"], *entry["data_offsets"])
            for name, entry in json.loads(text).items()
            if name != "__metadata__"
        ]
        tensors.sort(key=lambda tensor: tensor.begin)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise WeightsError(f"The hub's file has a damaged header: {error}.") from error
    return tensors, LENGTH + length


def _tensor(name: str, dtype: Any, shape: Any, begin: Any, end: Any) -> _Tensor:
    if not all(type(number) is int and number >= 0 for number in (*shape, begin, end)):
        raise ValueError(f"'{name}' has no proper shape or place")
    return _Tensor(name, dtype, tuple(shape), begin, end)


def _header(needed: list[_Tensor]) -> bytes:
    """Return the beginning of a .safetensors file of these tensors, one after the other."""
    entries: dict[str, Any] = {}
    position = 0
    for tensor in needed:
        entries[tensor.name] = {
            "dtype": tensor.dtype,
            "shape": tensor.shape,
            "data_offsets": (position, position + tensor.size),
        }
        position += tensor.size
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % LENGTH)  # numbers begin where machines like them to
    return len(text).to_bytes(LENGTH, "little") + text
