"""Claims on the pictures of a batch, which several processes and machines make together.

A claim is a lock on one byte of a file in the folder of the results. The byte's place is the hash
of what is claimed. The system gives such locks back when their owner ends, however that ends, and
file systems that machines share (NFS, SMB, Lustre) keep them between machines. The file stays
empty.
"""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from stylize.models.errors import ImageError

FILE = ".stylize-claims"
"""The name of the file."""

PLACES = 2**62
"""Bytes that can be claimed: more than any file has, and fewer than a lock's place may be."""

TAKEN = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
"""How systems say that another process has the lock."""
NONE = {errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL}
"""How file systems say that they have no locks."""


class Claims:
    """The claims of this process; to be used by one thread, and once for a folder.

    Parameters
    ----------
    folder : Path
        The folder of the results.

    Raises
    ------
    ImageError
        Nothing can be written there.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._file = (folder / FILE).open("a+b")
        except OSError as error:
            raise ImageError(
                f"Nothing can be written to '{folder}': {error.strerror}. Name another folder "
                "with -o."
            ) from error

    @contextmanager
    def claimed(self, what: str) -> Iterator[bool]:
        """Claim something for a while; give False if another process has it.

        Where the file system has no locks, it is always given: then two processes may do the same,
        but nothing is lost.
        """
        place = 1 + int.from_bytes(sha256(what.encode()).digest()[:16]) % PLACES
        with self._locked(place, wait=False) as got:
            yield got

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other process is in here."""
        with self._locked(0, wait=True):
            yield

    def close(self) -> None:
        """Give back all claims."""
        self._file.close()

    @contextmanager
    def _locked(self, place: int, wait: bool) -> Iterator[bool]:
        try:
            _lock(self._file, place, wait)
        except OSError as error:
            if error.errno not in TAKEN | NONE:
                raise
            yield error.errno in NONE
            return
        try:
            yield True
        finally:
            _unlock(self._file, place)


if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO, place: int, wait: bool) -> None:
        file.seek(place)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)

    def _unlock(file: BinaryIO, place: int) -> None:
        file.seek(place)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(file: BinaryIO, place: int, wait: bool) -> None:
        fcntl.lockf(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB), 1, place)

    def _unlock(file: BinaryIO, place: int) -> None:
        fcntl.lockf(file, fcntl.LOCK_UN, 1, place)
