"""Files that appear under their names whole or not at all, and names that are free and short."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

PREFIX, SUFFIX = ".stylize-", ".part"
"""Begin and end of the name under which a file lies, hidden, until it is whole. If the process is
killed, it may stay; whoever finds it may remove it."""

LONGEST = 255
"""Bytes of a file's name, on nearly all systems."""
RESERVED = len("-again-99999.tiff")
"""Bytes that a shortened name leaves for what is put behind it."""

PROBE = 1 << 12
"""Bytes that are written to find out whether a disk is full."""

NO_SYNC = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}
"""How file systems say that they write at once, or never tell."""

MOUNTS = Path("/proc/self/mountinfo")
PLACE = 4
"""The field of a line there that tells where something is mounted."""


@contextmanager
def replacing_file(path: Path, fresh: bool = False) -> Iterator[BinaryIO]:
    """Give a file to write to; at the end it takes the place of `path`, with its permissions.

    Where that is a link, the file that it leads to is replaced.

    Parameters
    ----------
    path : Path
        The name under which the file appears.
    fresh : bool
        Whether to raise FileExistsError where there is such a file already.

    Raises
    ------
    OSError
        The file cannot be written; what was there before is still there.
    """
    place = path if fresh else _place(path)
    part = _part(place)
    try:
        with part.open("x+b") as file:
            _allow_as_before(part, place)
            yield file
            _to_disk(file)
        if fresh:
            _appear(part, place)
        else:
            part.replace(place)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def check_replaceable(path: Path) -> None:
    """Raise OSError if it can be known that `replacing_file` would fail; change nothing."""
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(os.stat(path).st_mode):  # or the name is too long
            raise OSError(errno.EINVAL, "a pipe or a device is there")
    if os.path.realpath(path) in _mounts():
        raise OSError(errno.EBUSY, "it is mounted from elsewhere by itself, so it keeps its place")
    part = _part(_place(path))
    try:
        part.write_bytes(bytes(PROBE))
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def numbered(path: Path) -> Iterator[Path]:
    """Yield a path, and then the same with 2, 3 and so on behind the name."""
    yield path
    for number in count(2):
        yield path.with_name(f"{shortened(path.stem)}-{number}{path.suffix}")


def shortened(*parts: str) -> str:
    """Return parts of a name, joined by hyphens, so that a file can be called by it.

    What is too long loses characters at the end of its longest parts.
    """
    kept = list(parts)
    while len(os.fsencode("-".join(kept))) > LONGEST - RESERVED:
        longest = max(range(len(kept)), key=lambda i: len(os.fsencode(kept[i])))
        kept[longest] = kept[longest][:-1]
    return "-".join(kept)


def _place(path: Path) -> Path:
    return Path(os.path.realpath(path)) if os.path.islink(path) else path


def _part(place: Path) -> Path:
    return place.with_name(f"{PREFIX}{token_hex(4)}{SUFFIX}")


def _allow_as_before(part: Path, place: Path) -> None:
    """Give a file the permissions of the one that it will replace, if there is one."""
    with suppress(OSError):  # some file systems have none
        part.chmod(stat.S_IMODE(place.stat().st_mode) & 0o777)


def _to_disk(file: BinaryIO) -> None:
    """Write out what is buffered; on some file systems, that alone shows that there is no space."""
    file.flush()
    try:
        os.fsync(file.fileno())
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise


def _appear(part: Path, path: Path) -> None:
    """Give a file its name unless another has it."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        part.replace(path)


def _mounts() -> set[str]:
    """Return the places at which something is mounted, where the system tells."""
    try:
        lines = MOUNTS.read_bytes().splitlines()
    except OSError:
        return set()
    places = (line.split()[PLACE] for line in lines)
    return {os.fsdecode(place.decode("unicode_escape").encode("latin-1")) for place in places}
