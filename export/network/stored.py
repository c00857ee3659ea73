"""References into a .safetensors file: ONNX external data takes any file, offset and length.

All graphs of a model folder refer into its one weights file, so that every tensor is stored once.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto

_ONNX_TYPES = {"F32": TensorProto.FLOAT, "F16": TensorProto.FLOAT16}


@dataclass(frozen=True)
class StoredTensor:
    """The place of a tensor in a weights file.

    Attributes
    ----------
    file : str
        Name of the weights file, which lies beside the graphs.
    name : str
        Name of the tensor.
    onnx_type : int
        ``TensorProto.FLOAT`` or ``TensorProto.FLOAT16``.
    shape : tuple of int
        Shape of the tensor.
    offset, length : int
        Position in the file, in bytes.
    """

    file: str
    name: str
    onnx_type: int
    shape: tuple[int, ...]
    offset: int
    length: int

    def as_external_data(self) -> onnx.TensorProto:
        """Return an initializer that refers to the stored bytes."""
        tensor = TensorProto(name=self.name, data_type=self.onnx_type, dims=self.shape)
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (
            ("location", self.file),
            ("offset", self.offset),
            ("length", self.length),
        ):
            tensor.external_data.add(key=key, value=str(value))
        return tensor


def stored_tensors(path: Path) -> dict[str, StoredTensor]:
    """Read the header of a .safetensors file: 8 bytes of length, then JSON, then the data."""
    with path.open("rb") as file:
        header_length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(header_length))
    data = 8 + header_length
    return {
        name: _stored(path.name, name, entry, data)
        for name, entry in header.items()
        if name != "__metadata__"
    }


def _stored(file: str, name: str, entry: dict[str, Any], data: int) -> StoredTensor:
    begin, end = entry["data_offsets"]
    return StoredTensor(
        file, name, _ONNX_TYPES[entry["dtype"]], tuple(entry["shape"]), data + begin, end - begin
    )
