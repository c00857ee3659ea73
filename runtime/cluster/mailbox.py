"""Where what others send lies until it is wanted."""

from collections.abc import Callable, Mapping
from threading import Condition
from typing import Any

import numpy as np
import numpy.typing as npt

Message = Mapping[str, npt.NDArray[Any]]
Key = tuple[int, int]
"""Who sent it, and the number of what was done, which all count alike."""


PATIENCE = 2.0
"""Seconds between two looks at whether anybody still wants what is waited for."""


class PartedError(Exception):
    """One of the others is gone, so that nothing more will come."""


class Mailbox:
    """Messages by their keys; one thread may put them in while another waits.

    Parameters
    ----------
    wanted : function
        Tells whether anybody still wants what is computed here.
    """

    def __init__(self, wanted: Callable[[], bool] = lambda: True) -> None:
        self._wanted = wanted
        self._messages: dict[Key, Message] = {}
        self._changed = Condition()
        self._closed = False

    def put(self, key: Key, message: Message) -> None:
        """Put a message in."""
        with self._changed:
            self._messages[key] = message
            self._changed.notify_all()

    def take(self, key: Key) -> Message:
        """Take a message out; wait until it is there.

        Raises
        ------
        PartedError
            The mailbox was closed, or nobody wants it any more.
        """
        with self._changed:
            while not self._changed.wait_for(
                lambda: self._closed or key in self._messages, PATIENCE
            ):
                self.check()
            self.check()
            return self._messages.pop(key)

    def check(self) -> None:
        """Raise PartedError if waiting is of no use."""
        if self._closed or not self._wanted():
            raise PartedError

    def close(self) -> None:
        """Let nobody wait any longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def size_of(message: Message) -> int:
    """Return how many bytes the numbers of a message have."""
    return sum(np.asarray(value).nbytes for value in message.values())
