"""A file that one process alone goes on with."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from stylize.models.errors import WeightsError


@contextmanager
def opened_alone(path: Path) -> Iterator[BinaryIO]:
    """Open a file, made if need be, to read it and to write at its end.

    The lock ends with the process, however that ends. File systems that have no locks do without.

    Raises
    ------
    WeightsError
        Another process has opened it so.
    OSError
        It cannot be opened.
    """
    with path.open("a+b") as file:
        try:
            with suppress(NotImplementedError):
                _lock(file)
        except (BlockingIOError, PermissionError) as error:
            raise WeightsError(
                f"Another process is writing '{path}'. Wait until it is done, and run again."
            ) from error
        yield file


if sys.platform == "win32":
    import msvcrt

    FAR = 1 << 40
    """A place that no one reads: there, a locked byte cannot be read by others."""

    def _lock(file: BinaryIO) -> None:
        file.seek(FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import errno
    import fcntl

    def _lock(file: BinaryIO) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
                raise NotImplementedError from error
            raise
