"""Where what others send lies until it is wanted."""

from collections.abc import Mapping
from threading import Condition
from typing import Any

import numpy as np
import numpy.typing as npt

Message = Mapping[str, npt.NDArray[Any]]
Key = tuple[int, int]
"""Who sent it, and the number of what was done, which all count alike."""


class PartedError(Exception):
    """One of the others is gone, so that nothing more will come."""


class Mailbox:
    """Messages by their keys; one thread may put them in while another waits."""

    def __init__(self) -> None:
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
            The mailbox was closed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or key in self._messages)
            if self._closed:
                raise PartedError
            return self._messages.pop(key)

    def close(self) -> None:
        """Let nobody wait any longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def size_of(message: Message) -> int:
    """Return how many bytes the numbers of a message have."""
    return sum(np.asarray(value).nbytes for value in message.values())
