"""Files of `torch.save`, read without torch: a zip file, or a stream as before torch 1.6.

Both hold a pickle, which tells names, shapes and where in which storage a tensor lies, and the
storages. In a zip file each storage is a record of its own, not compressed. In a stream they follow
the pickle, one after the other, in the order of a list of their keys.
"""

import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from stylize.export.sources.pickles import ForeignPickleError
from stylize.export.sources.storages import Storage, StridedTensor
from stylize.export.sources.tensors import FileTensors
from stylize.export.sources.torch_pickle import Unread, read_pickle
from stylize.export.sources.zips import DAMAGED
from stylize.models.errors import WeightsError

ZIP = b"PK\x03\x04"
MAGIC = 0x1950A86A20F9469CFC6C
"""The first number in a stream."""
PROTOCOL = 1001

LARGEST_PICKLE = 64 * 2**20
"""Bytes. VGG-19's has 4 KB; those of checkpoints with an optimiser's state have a few hundred."""

CHECKPOINT_KEYS = ("state_dict", "model_state_dict", "model")
"""Where checkpoints keep a network's tensors."""

_ORDERS = {b"little": "<", b"big": ">"}
_LOCAL_HEADER = 30
"""Bytes of a record's header in a zip file, before its name; at 26 are the lengths of what follows,
two times two bytes."""


@dataclass(frozen=True)
class _Place:
    """Where a storage lies in a file, and its checksum, if the file has one."""

    start: int
    size: int
    crc: int | None = None


def read_state(file: BinaryIO, name: str) -> FileTensors:
    """Look into a file of torch's; no code in it is run, and no number is read yet.

    The tensors may be the file's own, or those of a checkpoint's ``state_dict`` or ``model``.

    Parameters
    ----------
    file : file
        The numbers are read from it later, so it must stay open until then.
    name : str
        What the file is called in messages.

    Raises
    ------
    WeightsError
        The file is damaged or holds something other than tensors.
    """
    with _reading(name):
        file.seek(0)
        content, places, order = (_zip if file.read(4) == ZIP else _stream)(file, name)
    state = _state_in(content)
    if not isinstance(state, Mapping):
        raise WeightsError(f"'{name}' holds {_kind(state)}, not named tensors.")
    for key, value in state.items():
        if not isinstance(value, StridedTensor):
            raise WeightsError(
                f"'{name}': '{key}' is {_kind(value)}, not a tensor of plain numbers."
            )

    def read(storage: Storage, start: int, size: int) -> bytes:
        with _reading(name):
            return _read(file, places, storage, start, size)

    return {str(key): value.in_file(read, order) for key, value in state.items()}


def _read(
    file: BinaryIO, places: Mapping[str, _Place], storage: Storage, start: int, size: int
) -> bytes:
    place = places.get(storage.key)
    if place is None or place.size != storage.size or start + size > place.size:
        raise ForeignPickleError(f"its storage {storage.key!r} is missing or has another size")
    if place.start + place.size > file.seek(0, os.SEEK_END):  # before memory is taken for it
        raise ForeignPickleError(f"its storage {storage.key!r} reaches beyond its end")
    file.seek(place.start + start)
    data = file.read(size)
    whole = size == place.size and place.crc is not None
    if len(data) < size or (whole and zlib.crc32(data) != place.crc):
        raise ForeignPickleError(f"its storage {storage.key!r} is damaged")
    return data


def _zip(file: BinaryIO, name: str) -> tuple[Any, dict[str, _Place], str]:
    """Return what a zip file holds, where its storages lie, and the order of a number's bytes."""
    with zipfile.ZipFile(file) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values()):
            raise WeightsError(
                f"'{name}' is compressed, as torch's files never are. Get it again from its source."
            )
        folders = [path.removesuffix("data.pkl") for path in entries if path.endswith("data.pkl")]
        if len(folders) != 1:
            raise ForeignPickleError("it is a zip file without torch's data.pkl")
        folder = folders[0]
        order = b"little"
        if told := entries.get(f"{folder}byteorder"):
            order = archive.open(told).read(len("little"))
        with archive.open(f"{folder}data.pkl") as pickled:
            content = read_pickle(_Bounded(pickled, LARGEST_PICKLE))
    places = {
        path.removeprefix(f"{folder}data/"): _place(file, entry)
        for path, entry in entries.items()
        if path.startswith(f"{folder}data/")
    }
    return content, places, _ORDERS[order]


def _place(file: BinaryIO, entry: zipfile.ZipInfo) -> _Place:
    file.seek(entry.header_offset)
    header = file.read(_LOCAL_HEADER)
    if not header.startswith(ZIP) or len(header) < _LOCAL_HEADER:
        raise ForeignPickleError(f"there is no {entry.filename!r} in it")
    names = sum(int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
    return _Place(entry.header_offset + _LOCAL_HEADER + names, entry.file_size, entry.CRC)


def _stream(file: BinaryIO, _: str) -> tuple[Any, dict[str, _Place], str]:
    """Return what a stream holds, where its storages lie, and the order of a number's bytes.

    That is always the same order, whatever machine wrote it.
    """
    file.seek(0)
    pickles = _Bounded(file, LARGEST_PICKLE)
    if read_pickle(pickles) != MAGIC or read_pickle(pickles) != PROTOCOL:
        raise ForeignPickleError("it does not begin as torch's files do")
    read_pickle(pickles)  # about the machine that wrote it
    storages: dict[str, Storage] = {}
    content = read_pickle(pickles, storages)
    keys = read_pickle(pickles)
    places, position = {}, file.tell()
    for key in keys if isinstance(keys, list) else ():
        if not isinstance(key, str):
            raise ForeignPickleError("a storage in it has no proper name")
        storage = storages[key]
        count = int.from_bytes(file.read(8), "little")
        if count != storage.whole:
            raise ForeignPickleError(f"its storage {key!r} has another size than it says")
        places[key] = _Place(position + 8, storage.size)
        position = file.seek(position + 8 + storage.size)
    return content, places, "<"


class _Bounded:
    """A file that ends after so many bytes: what asks for more gets no more memory."""

    def __init__(self, file: Any, size: int) -> None:
        self._file, self._left = file, size

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes."""
        return self._taken(self._file.read(min(size, self._left)))

    def readline(self) -> bytes:
        """Return the bytes up to a newline."""
        return self._taken(self._file.readline(self._left))

    def _taken(self, data: bytes) -> bytes:
        self._left -= len(data)
        return data


@contextmanager
def _reading(name: str) -> Iterator[None]:
    try:
        yield
    except DAMAGED as error:
        raise WeightsError(
            f"'{name}' is no file of tensors that stylize reads safely: {error}. It holds more "
            "than tensors, or is damaged. Save the model's state_dict() instead, or download the "
            "file again."
        ) from error


def _state_in(content: Any) -> Any:
    """Return the tensors of a checkpoint, which has other things beside them."""
    if isinstance(content, dict):
        for key in CHECKPOINT_KEYS:
            if isinstance(content.get(key), dict):
                return content[key]
    return content


def _kind(value: Any) -> str:
    if isinstance(value, Unread):
        return value.kind
    return "a tensor" if isinstance(value, StridedTensor) else f"a {type(value).__name__}"
