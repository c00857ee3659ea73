"""A picture that is not finished, in one file, from which another process goes on.

The file is a line that names the format, the length of a header, the header as JSON, the arrays one
after the other as they lie in memory, and a checksum of all that. Nothing in it is ever run.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal
from zlib import crc32

import msgspec
import numpy as np
import numpy.typing as npt

from stylize.installation import release
from stylize.models.catalog import MANIFEST_FILE
from stylize.models.errors import CheckpointError
from stylize.models.files import sha256
from stylize.models.folder import ModelFolder
from stylize.models.manifest import Sha256
from stylize.runtime.method.options import Options
from stylize.runtime.method.standing import Entry, Standing, State
from stylize.runtime.pictures.replacing import replacing_file
from stylize.runtime.pictures.spaces import SRGB, Space, space_of
from stylize.runtime.plans.recipe import LONGEST_PATH, Recipe, Word, check_start
from stylize.runtime.providers.session import import_onnxruntime

FORMAT = 2
"""Version of the file's format."""
MAGIC = b"stylize checkpoint "
"""How such a file begins; the format's version and a line feed follow."""
LENGTH = 8
"""Bytes of the header's length, the lowest first."""
SUM = 4
"""Bytes of the checksum, a CRC-32, in the same order."""
LARGEST_HEADER = 2**26
"""Bytes; of a picture of 200 paintings it has 0.1 MB."""
BARE = r"^[^/\\\\:\x00]+\Z"
"""A name of a file that leads nowhere else; a stranger may have written it."""
CHUNK = 2**20
"""Numbers that are written at a time, and bytes that are summed up."""

Folder = Annotated[str, msgspec.Meta(max_length=LONGEST_PATH)]


@dataclass(frozen=True)
class Place:
    """An array in the file; they lie in the header's order, without gaps."""

    name: Word
    dtype: Literal["float32", "float64", "int32", "int64", "bool"]
    shape: tuple[Annotated[int, msgspec.Meta(ge=0, le=2**48)], ...]

    @property
    def bytes(self) -> int:
        """How many bytes it takes."""
        return prod(self.shape) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Checkpoint:
    """What there is to know of a picture that is not finished, beside its arrays.

    Attributes
    ----------
    recipe : Recipe
        What is made, as the finished picture will tell.
    options : Options
        All settings as they were asked for, before the plan changed them.
    output : str
        The name of the file to write; it lies beside this one.
    named : bool
        Whether the user named that file.
    manifest : str
        The checksum of the model's manifest, which has those of all its graphs.
    onnxruntime : str
        The release of ONNX Runtime.
    standing : Standing
        How far the picture is.
    stop : int or None
        Iterations after which to stop, made or spared, before all are.
    profile : bytes or None
        The colour profile of the space in which it is painted; None for sRGB.
    threads, memory : int or None
        Those of the machine, as the user gave them.
    scratch : str or None
        The folder for scratch files, as the user gave it.
    """

    recipe: Recipe
    options: Options
    output: Annotated[str, msgspec.Meta(max_length=255, pattern=BARE)]
    named: bool
    manifest: Sha256
    onnxruntime: Word
    standing: Standing
    stop: int | None = None
    profile: bytes | None = None
    threads: int | None = None
    memory: int | None = None
    scratch: Folder | None = None

    @property
    def space(self) -> Space:
        """The colour space in which it is painted."""
        return space_of(self.profile) if self.profile else SRGB


@dataclass(frozen=True)
class _Header:
    checkpoint: Checkpoint
    arrays: tuple[Place, ...]


def manifest_of(folder: ModelFolder) -> str:
    """Return the checksum of a model's manifest."""
    return sha256(folder.path / MANIFEST_FILE)


def onnxruntime_release() -> str:
    """Return the release of ONNX Runtime."""
    return str(import_onnxruntime().__version__)


def write_checkpoint(path: Path, checkpoint: Checkpoint, state: State, fresh: bool = False) -> None:
    """Write a picture that is not finished; the file appears whole or not at all.

    No more than one array is in memory beside the search.

    Parameters
    ----------
    path : Path
        The file. One that is there is replaced.
    checkpoint : Checkpoint
        What there is to know of it.
    state : mapping of str to Entry
        The arrays of a snapshot.
    fresh : bool
        Whether to leave a file that is there already, and raise FileExistsError.

    Raises
    ------
    OSError
        It cannot be written; what was there before is still there.
    """
    places = tuple(Place(name, each.dtype, each.shape) for name, each in state.items())  # type: ignore[arg-type]
    header = msgspec.json.encode(_Header(checkpoint, places))
    with replacing_file(path, fresh) as file:
        total = 0
        for part in _parts(header, state):
            total = crc32(part, total)
            file.write(part)
        file.write(total.to_bytes(SUM, "little"))


def _parts(header: bytes, state: State) -> Iterator[bytes]:
    """Yield what the file has before its checksum; of arrays, a part is copied at a time."""
    yield b"%s%d\n" % (MAGIC, FORMAT)
    yield len(header).to_bytes(LENGTH, "little")
    yield header
    for each in state.values():
        numbers = each.read().reshape(-1)
        for start in range(0, numbers.size, CHUNK):
            yield numbers[start : start + CHUNK].tobytes()


def read_checkpoint(path: Path) -> tuple[Checkpoint, State]:
    """Return what there is to know of a picture, and its arrays, which are not read yet.

    Raises
    ------
    CheckpointError
        There is no such file, it is no checkpoint, not whole or damaged, or another release wrote
        it.
    """
    try:
        with path.open("rb") as file:
            header, start = _header(file, path)
            ends = list(_ends(header.arrays, start))
            end = ends[-1] if ends else start
            if os.fstat(file.fileno()).st_size != end + SUM:
                raise CheckpointError(f"The checkpoint '{path}' is not whole. Begin again.")
            if _sum(file, end) != int.from_bytes(file.read(), "little"):
                raise CheckpointError(f"The checkpoint '{path}' is damaged. Begin again.")
    except FileNotFoundError as error:
        raise CheckpointError(
            f"There is no checkpoint '{path}'. It is removed when its picture is saved."
        ) from error
    except OSError as error:
        raise CheckpointError(
            f"The checkpoint '{path}' cannot be read: {error.strerror}."
        ) from error
    starts = [start, *ends]
    return header.checkpoint, {
        place.name: Entry(place.shape, place.dtype, partial(_read, path, place, offset))
        for place, offset in zip(header.arrays, starts, strict=False)
    }


def _header(file: BinaryIO, path: Path) -> tuple[_Header, int]:
    """Return the header, and where the arrays begin."""
    line = file.readline(len(MAGIC) + 20)
    if not line.startswith(MAGIC):
        raise CheckpointError(
            f"'{path}' is no checkpoint. Name the file that a run left beside its picture, for "
            "example out.png.checkpoint."
        )
    if line != b"%s%d\n" % (MAGIC, FORMAT):
        raise CheckpointError(_of_another(path, "another release of stylize"))
    length = int.from_bytes(file.read(LENGTH), "little")
    if length > LARGEST_HEADER:
        raise CheckpointError(f"The checkpoint '{path}' is damaged. Begin again.")
    text = file.read(length)
    _check_release(text, path)
    try:
        header = msgspec.json.decode(text, type=_Header)
        check_start(header.checkpoint.recipe)
    except MemoryError:
        raise
    except Exception as error:  # the text may be a stranger's
        raise CheckpointError(
            f"The checkpoint '{path}' is damaged: {str(error).rstrip('.')}. Begin again."
        ) from error
    return header, file.tell()


def _sum(file: BinaryIO, end: int) -> int:
    """Return the checksum of a file up to a place, and stay there."""
    file.seek(0)
    total = 0
    for start in range(0, end, CHUNK):
        total = crc32(file.read(min(CHUNK, end - start)), total)
    return total


def _check_release(text: bytes, path: Path) -> None:
    """Raise CheckpointError if another release wrote a header; it may mean other things by it."""
    try:
        version = str(msgspec.json.decode(text)["checkpoint"]["recipe"]["version"])
    except MemoryError:
        raise
    except Exception as error:
        raise CheckpointError(f"The checkpoint '{path}' is damaged. Begin again.") from error
    if version != release():
        raise CheckpointError(_of_another(path, f"stylize {version}"))


def _of_another(path: Path, writer: str) -> str:
    return (
        f"The checkpoint '{path}' was written by {writer}, and this is stylize {release()}: steps "
        "may not be the same. Go on with the release that wrote it, or begin again."
    )


def _ends(places: tuple[Place, ...], start: int) -> Iterator[int]:
    for place in places:
        start += place.bytes
        yield start


def _read(path: Path, place: Place, offset: int) -> npt.NDArray[Any]:
    """Return an array of the file."""
    count = prod(place.shape)
    array = np.fromfile(path, np.dtype(place.dtype), count, offset=offset)
    if array.size != count:
        raise CheckpointError(f"The checkpoint '{path}' changed while it was read. Begin again.")
    return array.reshape(place.shape)
