"""Those who compute the other shares of a picture, reached by messages.

Sums go up a tree and come down it: so all have the same, to the last bit, and nobody hears from
more than two others. Rows go to neighbours.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from stylize.runtime.cluster.mailbox import PATIENCE, Mailbox, Message, size_of
from stylize.runtime.streaming.shares import Share, Sums, shares
from stylize.runtime.streaming.strips import Strip

Array = npt.NDArray[Any]


class Sent(Protocol):
    """A message on its way."""

    def result(self, timeout: float) -> object:
        """Wait until it has arrived; raise an error if it cannot, TimeoutError after a while."""


Send = Callable[[int, tuple[int, int], Message], Sent]
"""A function that sends someone, by his number, a message with a key."""


class Post:
    """What `stylize.runtime.streaming.shares.Others` are where there are others.

    Attributes
    ----------
    bytes_sent : int
        Bytes of all numbers that were sent from here.

    Parameters
    ----------
    number, count : int
        One's own number, from 0, and how many there are.
    send : function
        Sends a message.
    mailbox : Mailbox
        Where messages arrive.
    """

    def __init__(self, number: int, count: int, send: Send, mailbox: Mailbox) -> None:
        self.bytes_sent = 0
        self._number, self._count = number, count
        self._deliver = send
        self._mailbox = mailbox
        self._done = 0
        self._under_way: list[Sent] = []
        self._parent = (number - 1) // 2 if number else None
        self._children = [n for n in (2 * number + 1, 2 * number + 2) if n < count]

    def share(self, height: int) -> Share:
        """Return what is one's own of a picture of so many rows."""
        return shares(height, self._count)[self._number]

    def total(self, sums: Sums) -> dict[str, npt.NDArray[np.float64]]:
        """Add up what each of them found."""
        self._done += 1
        totals = {name: np.array(value, np.float64) for name, value in sums.items()}
        for child in self._children:
            for name, value in self._receive(child).items():
                totals[name] += value
        if self._parent is not None:
            self._send(self._parent, totals)
        return self.agreed(totals)

    def agreed(self, found: Mapping[str, Array]) -> dict[str, Array]:
        """Return what the first of them found, to the last bit."""
        self._done += 1
        message = dict(found if self._parent is None else self._receive(self._parent))
        for child in self._children:
            self._send(child, message)
        self._settle()
        return message

    def surround(self, array: Array, rows: Strip) -> None:
        """Set the rows around one's own to what they are."""
        own, end = rows.own, rows.end - rows.start
        after = end - own.stop
        self._exchange(
            array[:, :, own.start : 2 * own.start], array[:, :, own.stop - after : own.stop]
        )
        if own.start:
            array[:, :, : own.start] = self._receive(self._number - 1)["rows"]
        if after:
            array[:, :, own.stop :] = self._receive(self._number + 1)["rows"]
        self._settle()

    def add_up(self, array: Array, rows: Strip) -> None:
        """Add to one's own rows what others have found for them in their surroundings."""
        own, end = rows.own, rows.end - rows.start
        after = end - own.stop
        self._exchange(array[:, :, : own.start], array[:, :, own.stop :])
        if own.start:
            array[:, :, own.start : 2 * own.start] += self._receive(self._number - 1)["rows"]
        if after:
            array[:, :, own.stop - after : own.stop] += self._receive(self._number + 1)["rows"]
        self._settle()

    def _exchange(self, before: Array, after: Array) -> None:
        """Send rows to the neighbours, if there are any to send."""
        self._done += 1
        for number, rows in ((self._number - 1, before), (self._number + 1, after)):
            if rows.shape[2]:
                self._send(number, {"rows": np.ascontiguousarray(rows)})

    def _send(self, number: int, message: Message) -> None:
        self.bytes_sent += size_of(message)
        self._under_way.append(self._deliver(number, (self._number, self._done), message))

    def _receive(self, number: int) -> Message:
        return self._mailbox.take((number, self._done))

    def _settle(self) -> None:
        """Wait for what was sent, so that never more than this lies in mailboxes."""
        while self._under_way:
            try:
                self._under_way[-1].result(PATIENCE)
            except TimeoutError:  # whoever it was for may be gone, of which nobody tells
                self._mailbox.check()
            else:
                self._under_way.pop()
