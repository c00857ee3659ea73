"""Connections: no more than there are files for, and none that is held open and asks for nothing.

This is before the guard: whoever reaches the port can open connections, also without the token.
"""

import asyncio
import sys

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST = 1000
"""At a time; each page that watches a picture has one."""

PATIENCE = 20.0
"""Seconds in which the first request of a connection has to come."""

EACH, OTHERS = 2, 100
"""Files that are open: of each connection (itself, and what is sent or uploaded), and beside."""


class Connection(H11Protocol):
    """A connection that is ended if it is one too many, or asks for nothing."""

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, or end at once."""
        super().connection_made(transport)
        if len(self.connections) > (self.limit_concurrency or MOST):
            transport.abort()
        else:
            self._patience = self.loop.call_later(PATIENCE, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        if self._patience:
            self._patience.cancel()
        super().connection_lost(exc)

    def _give_up(self) -> None:
        if self.cycle is None:  # not even a first request
            self.transport.abort()


def most_connections() -> int:
    """Return how many there may be, after asking the system for as many files as they need."""
    if sys.platform == "win32":
        return MOST
    import resource

    wanted = MOST * EACH + OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return MOST
    return max(1, min(MOST, (soft - OTHERS) // EACH))
