"""Files opened that are files: what is looked for among the models may be anything."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """Open a file; raise OSError if it cannot be read, and FileNotFoundError if it is no file.

    A pipe is none: it would be waited for.
    """
    if not path.is_file():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    with path.open("rb") as file:
        yield file
