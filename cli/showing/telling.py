"""What is told at the end of the work, whatever ended it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Literal

State = Literal["done", "stopped", "failed"]
"""How the work ended: as it should, by a signal, or by an error."""


@contextmanager
def telling(tell: Callable[[State], None]) -> Iterator[None]:
    """Tell in the end how the work ended; its own error counts more than one of the telling."""
    try:
        yield
    except BaseException as error:
        with suppress(Exception):
            tell("stopped" if isinstance(error, KeyboardInterrupt) else "failed")
        raise
    tell("done")
