"""How much is downloaded: a bar in a terminal, a line now and then in a log file."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stylize.cli.showing.bar import Bar, as_time
from stylize.cli.terminal import is_terminal, note

LOG_LINES = 10
MEGABYTE = 10**6


@contextmanager
def showing_download() -> Iterator[Callable[[int, int], None]]:
    """Give a function that shows on stderr how many bytes there are, of how many."""
    shown = _Bar() if is_terminal() else _Log()
    try:
        yield shown
    finally:
        shown.clear()


class _Megabytes:
    """Counts megabytes, and foretells from their mean pace how long the rest will take."""

    def __init__(self, bytes_there: int, size: int) -> None:
        self.total = -(-size // MEGABYTE)
        self.done = 0
        self._size, self._there, self._before = size, bytes_there, bytes_there
        self._start = time.perf_counter()

    def reach(self, bytes_there: int) -> None:
        """Count on."""
        self._there = bytes_there
        self.done = self.total if bytes_there == self._size else bytes_there // MEGABYTE

    @property
    def time_left(self) -> str:
        """Until the end, as minutes:seconds or hours:minutes:seconds."""
        each = (time.perf_counter() - self._start) / max(1, self._there - self._before)
        return as_time(each * (self._size - self._there))


class _Bar:
    def __init__(self) -> None:
        self._bar: Bar | None = None

    def __call__(self, there: int, size: int) -> None:
        if self._bar is None:
            self._counted = _Megabytes(there, size)
            self._bar = Bar(self._counted)
        self._counted.reach(there)
        self._bar.show("  MB of weights")

    def clear(self) -> None:
        if self._bar:
            self._bar.clear()


class _Log:
    """A line for each tenth."""

    def __init__(self) -> None:
        self._told = -1

    def __call__(self, there: int, size: int) -> None:
        tenth = LOG_LINES * there // size
        if tenth > self._told:
            self._told = tenth
            note(f"{there // MEGABYTE}/{-(-size // MEGABYTE)} MB of weights")

    def clear(self) -> None: ...
