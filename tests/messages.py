"""Messages of Protocol Buffers, and ONNX models of them, written without onnx."""


def number(value: int) -> bytes:
    """Return a varint."""
    low = value & 0x7F
    return bytes((low,)) if value < 0x80 else bytes((low | 0x80,)) + number(value >> 7)


def field(key: int, value: int | bytes | str) -> bytes:
    """Return a field: of a number as a varint, else of bytes with their length."""
    if isinstance(value, int):
        return number(key << 3) + number(value)
    content = value.encode() if isinstance(value, str) else value
    return number(key << 3 | 2) + number(len(content)) + content


def tensor(
    location: str = "weights.safetensors",
    offset: int | str = 8,
    length: int | str = 24,
    *,
    name: str = "kernel",
    dims: tuple[int, ...] = (2, 3),
    kind: int = 1,
) -> bytes:
    """Return a TensorProto of 2 x 3 float32 numbers that lie in a file."""
    entries = {"location": location, "offset": str(offset), "length": str(length)}
    places = b"".join(field(13, field(1, key) + field(2, text)) for key, text in entries.items())
    shape = b"".join(field(1, size) for size in dims)
    return shape + field(2, kind) + field(8, name) + places + field(14, 1)


def model(*parts: bytes) -> bytes:
    """Return a ModelProto whose graph has the given fields."""
    return field(1, 8) + field(7, b"".join(parts)) + field(8, field(1, "") + field(2, 17))
