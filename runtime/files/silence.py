"""Times in which libraries say nothing, neither as warnings nor on stderr.

Both belong to the whole process. Warnings stay away as long as any thread wants it, so that none
waits. Stderr must not stay away for long, so those that put it aside wait for each other.
"""

import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

_STDERR = threading.RLock()


@contextmanager
def without_stderr() -> Iterator[None]:
    """Let nothing that this process writes reach stderr, not even what C code writes."""
    with _STDERR:
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


@contextmanager
def _ignoring_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class _Together:
    """A time without warnings, which the first thread begins and the last one ends."""

    def __init__(self) -> None:
        self._lock, self._threads, self._end = threading.Lock(), 0, ExitStack()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if not self._threads:
                self._end.enter_context(_ignoring_warnings())
            self._threads += 1
        try:
            yield
        finally:
            with self._lock:
                self._threads -= 1
                if not self._threads:
                    self._end.close()


# Since Python 3.14, threads can have filters of their own. Then each must see to its own.
_threads_have_filters = getattr(sys.flags, "context_aware_warnings", False)
without_warnings = _ignoring_warnings if _threads_have_filters else _Together()
"""Let no warning of Python be shown."""
