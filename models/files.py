"""The files of a model folder, read if they have the sha256 that is expected."""

import hashlib
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from stylize.models.errors import ModelError
from stylize.models.opening import opened

LARGEST_GRAPH = 16 * 2**20
"""Bytes of a graph; those of VGG-19 have 0.4 MB, for the weights are not in them."""


def sha256(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_graph(path: Path, expected: str) -> bytes:
    """Return the content of a graph's file.

    Raises
    ------
    ModelError
        It is missing, cannot be read, is too large, or has another sha256.
    """
    with _part_of_model(path) as file:
        if _size(file) > LARGEST_GRAPH:
            raise ModelError(
                f"'{path}' has more than {LARGEST_GRAPH // 2**20} MiB, which no graph needs. Get "
                "the model again from somebody you trust, or export it yourself."
            )
        model = file.read(LARGEST_GRAPH)
    _check_sum(path, len(model), hashlib.sha256(model).hexdigest(), expected)
    return model


def map_weights(path: Path, expected: str) -> mmap.mmap | bytes:
    """Return the content of the weights file, which stays on the disk until it is looked at.

    Raises
    ------
    ModelError
        It is missing, cannot be read, or has another sha256.
    """
    with _part_of_model(path) as file:
        size = _size(file)
        _check_sum(path, size, hashlib.file_digest(file, "sha256").hexdigest(), expected)
        return mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) if size else b""


@contextmanager
def _part_of_model(path: Path) -> Iterator[BufferedReader]:
    try:
        with opened(path) as file:
            yield file
    except FileNotFoundError as error:
        raise ModelError(
            f"The model folder '{path.parent}' is incomplete: {path.name} is missing. "
            "Copy the whole folder again, or export it anew."
        ) from error
    except OSError as error:
        raise ModelError(
            f"'{path}' cannot be read: {error.strerror or error}. Check its permissions and the "
            "disk, or copy the folder again."
        ) from error


def _size(file: BufferedReader) -> int:
    return os.fstat(file.fileno()).st_size


def _check_sum(path: Path, size: int, found: str, expected: str) -> None:
    if found != expected:
        raise ModelError(
            f"'{path}' ({size} bytes) is damaged or was changed: its sha256 is {found}, the "
            f"manifest says {expected}. Copy the folder again, or export it anew."
        )
