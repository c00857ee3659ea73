"""Files of .safetensors, read by the library of that name."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from stylize.export.sources.tensors import Array, FileTensor, FileTensors
from stylize.models.errors import WeightsError

FLOATING = ("F64", "F32", "F16", "BF16")
"""Types that are read."""


def read_safetensors(path: Path) -> FileTensors:
    """Look into a .safetensors file.

    Raises
    ------
    WeightsError
        It is damaged.
    """
    with _reading(path):
        file: Any = safe_open(path, framework="numpy")
        return {name: _tensor(file, name, path) for name in file.keys()}  # noqa: SIM118 - no mapping


def _tensor(file: Any, name: str, path: Path) -> FileTensor:
    found = file.get_slice(name)
    kind = found.get_dtype()

    def read() -> Array:
        with _reading(path):
            return np.asarray(file.get_tensor(name), np.float32)

    return FileTensor(tuple(found.get_shape()), kind, kind in FLOATING, read)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (SafetensorError, OSError, TypeError, LookupError, AttributeError, ValueError) as error:
        raise WeightsError(
            f"'{path}' cannot be read: {error}. It may be truncated: compare its size with the "
            "source's, and download it again."
        ) from error
