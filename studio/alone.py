"""A folder that one studio alone works in, with the processes that it started."""

import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from stylize.models.errors import StylizeError

FILE = "studio.lock"

PATIENCE = 20.0
"""Seconds. So long the pictures of a studio that was killed may take to be saved."""
PAUSE = 0.1


class Alone:
    """A lock on a folder, which ends with its owner, however that ends.

    On POSIX the processes that the owner starts hold it, too: they write into the folder, also when
    their studio was killed.

    Parameters
    ----------
    folder : Path
        The folder; it exists.

    Raises
    ------
    StylizeError
        Another studio works there.
    OSError
        Nothing can be written there.
    """

    def __init__(self, folder: Path) -> None:
        self._file = (folder / FILE).open("a+b")
        until = time.monotonic() + PATIENCE
        while not _locked(self._file):
            owner = _told(self._file)
            if _lives(owner.get("process")) or time.monotonic() > until:
                self._file.close()
                where = f" at {owner['address']}" if owner.get("address") else ""
                raise StylizeError(
                    f"Another studio has the gallery '{folder}' open{where}. Use that one, end it "
                    "first, or name another folder with --gallery."
                )
            time.sleep(PAUSE)
        self.tell("")

    def tell(self, address: str) -> None:
        """Write down who has the folder, for whoever finds it locked."""
        with suppress(OSError):  # a full disk, where the lock holds all the same
            self._file.truncate(0)
            self._file.write(json.dumps({"process": os.getpid(), "address": address}).encode())
            self._file.flush()

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What a process has to inherit, so that it holds the lock, too."""
        return () if sys.platform == "win32" else (self._file.fileno(),)

    def close(self) -> None:
        """Give the folder back."""
        self._file.close()


def _told(file: BinaryIO) -> dict[str, object]:
    with suppress(OSError, ValueError):
        file.seek(0)
        found = json.loads(file.read(1000))
        if isinstance(found, dict):
            return found
    return {}


if sys.platform == "win32":
    import msvcrt

    FAR = 1 << 40
    """A place that no one reads: there, a locked byte cannot be read by others."""

    def _locked(file: BinaryIO) -> bool:
        file.seek(FAR)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _lives(process: object) -> bool:
        return True  # locks of dead processes are gone at once

else:
    import errno
    import fcntl

    def _locked(file: BinaryIO) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
                raise
        return True

    def _lives(process: object) -> bool:
        """Tell whether the owner itself is there; else only what it started."""
        if not isinstance(process, int):
            return False
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
        except OSError:
            return True
        return True
