"""A time in which nothing is written to stderr, for libraries that write there themselves."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_ONE = threading.RLock()
"""Two threads that put stderr aside at once would not both bring it back."""


@contextmanager
def silence() -> Iterator[None]:
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
