"""Times in which libraries say nothing, neither as warnings nor on stderr.

Both belong to the whole process. Two threads that put one of them aside at once would not both
bring it back, so each waits for the other.
"""

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_ONE = threading.RLock()


@contextmanager
def without_warnings() -> Iterator[None]:
    """Let no warning of Python be shown."""
    with _ONE, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def without_stderr() -> Iterator[None]:
    """Let nothing that this process writes reach stderr, not even what C code writes."""
    with _ONE:
        kept = _put_aside()
        try:
            yield
        finally:
            if kept is not None:
                os.dup2(kept, 2)
                os.close(kept)


def _put_aside() -> int | None:
    """Let descriptor 2 lead nowhere; return another for where it led, None if that was nowhere."""
    with suppress(OSError):
        kept = os.dup(2)
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        return kept
    return None
