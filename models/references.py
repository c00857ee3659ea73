"""What a graph refers to in other files, read from the bytes of an ONNX model, without onnx.

ONNX calls it external data. Who loads a graph opens the files that it names, be they anything on
the disk. So graphs, which may be a stranger's, are read here first. References are allowed from the
initializers of the graph itself only. Field numbers are those of onnx.proto.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from stylize.models import protobuf as wire

ITEM_SIZES = {"float32": 4, "float16": 2}
ELEMENTS = {1: "float32", 10: "float16"}
"""Types of a tensor by their number in ONNX, as far as weights have them."""

PARTS = {
    "model": {7: "main graph", 20: "training", 25: "function"},
    "main graph": {1: "node", 5: "initializer", 15: "sparse tensor"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
        22: "sparse tensor",
        23: "sparse tensor",
    },
    "sparse tensor": {1: "tensor", 2: "tensor"},
}
"""For each message that holds tensors or nodes at any depth, in which field what lies."""

DEEPEST = 100
"""Messages within messages; protobuf's own readers stop at the same depth."""

DOMAIN = 7
STANDARD = (b"", b"ai.onnx")
"""The field of a node's domain, and what it is for ONNX's own operators."""

ENTRIES = ["length", "location", "offset"]
"""What must be told of a tensor in another file."""

NUMBER = re.compile(r"[0-9]{1,18}")
MOST_DIMS = 8


@dataclass(frozen=True)
class Reference:
    """An initializer whose numbers lie in another file.

    Attributes
    ----------
    name : str
        Name of the initializer.
    dtype : {"float32", "float16"}
        Type of the numbers, which are little-endian.
    shape : tuple of int
        Shape of the initializer.
    file : str
        Where the numbers lie, as the graph names it.
    offset, length : int
        Where they lie in the file, in bytes.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    file: str
    offset: int
    length: int


def references(model: bytes) -> tuple[Reference, ...]:
    """Return all that an ONNX model refers to in other files.

    Raises
    ------
    ValueError
        The bytes are no ONNX model. Or it refers to a file from elsewhere than its graph's
        initializers, or in an odd way. Or it has operators that are not ONNX's own, of which some
        open files, too.
    """
    found = tuple(_references(model))
    if len({reference.name for reference in found}) < len(found):
        raise ValueError("two of its weights have the same name")
    return found


def _references(model: bytes) -> Iterator[Reference]:
    for message, start, end in _tensors(model, "model", 0, len(model), DEEPEST):
        reference = _reference(model, start, end)
        if reference and message != "initializer":
            raise ValueError("it refers to a file from elsewhere than its graph's initializers")
        if reference:
            yield reference


def _tensors(
    model: bytes, message: str, start: int, end: int, depth: int
) -> Iterator[tuple[str, int, int]]:
    """Yield each tensor in a message, as ``initializer`` or ``tensor``, and where it lies."""
    if message not in PARTS:
        yield message, start, end
        return
    if not depth:
        raise ValueError("its messages are nested too deeply")
    parts = PARTS[message]
    for number, kind, begin, after in wire.fields(model, start, end):
        if kind == wire.BYTES and number in parts:
            yield from _tensors(model, parts[number], begin, after, depth - 1)
        elif message == "node" and number == DOMAIN and model[begin:after] not in STANDARD:
            raise ValueError("it has an operator that is not one of ONNX's own")


def _reference(model: bytes, start: int, end: int) -> Reference | None:
    """Return what a tensor refers to; None of one that holds its numbers itself."""
    name, dtype, external = b"", 0, False
    dims: list[int] = []
    entries: list[tuple[str, str]] = []
    for number, kind, begin, after in wire.fields(model, start, end):
        match number, kind:
            case 1, wire.VARINT | wire.BYTES:  # dims, each by itself or packed
                dims += wire.varints(model, begin, after)
            case 2, wire.VARINT:  # data_type
                dtype, _ = wire.varint(model, begin, after)
            case 8, wire.BYTES:  # name
                name = model[begin:after]
            case 13, wire.BYTES:  # external_data
                entries.append(_entry(model, begin, after))
            case 14, wire.VARINT:  # data_location: anything but 0 is another file
                external |= wire.varint(model, begin, after)[0] != 0
    if not (entries or external):
        return None
    return _checked(name.decode(), ELEMENTS.get(dtype), tuple(dims), entries)


def _entry(model: bytes, start: int, end: int) -> tuple[str, str]:
    """Return key and value of an entry of external data; if one is there twice, the last counts."""
    texts = {1: b"", 2: b""}
    for number, kind, begin, after in wire.fields(model, start, end):
        if kind == wire.BYTES:
            texts[number] = model[begin:after]
    return texts[1].decode(), texts[2].decode()


def _checked(
    name: str, dtype: str | None, shape: tuple[int, ...], entries: list[tuple[str, str]]
) -> Reference:
    place = dict(entries)
    if sorted(key for key, _ in entries) != ENTRIES:
        raise ValueError(f"the place of '{name}' is told by {sorted(place)}, not by {ENTRIES}")
    offset, length = place["offset"], place["length"]
    if not (NUMBER.fullmatch(offset) and NUMBER.fullmatch(length)):
        raise ValueError(f"'{name}' lies at '{offset}' and has the length '{length}'")
    if dtype is None or not 0 < len(shape) <= MOST_DIMS or 0 in shape:
        raise ValueError(f"'{name}' has a type or a shape that weights do not have")
    if int(length) != prod(shape) * ITEM_SIZES[dtype] or int(offset) % ITEM_SIZES[dtype]:
        raise ValueError(f"'{name}' of shape {shape} is not what lies at its place")
    return Reference(name, dtype, shape, place["location"], int(offset), int(length))
