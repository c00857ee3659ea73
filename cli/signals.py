"""Signals that end a run: what was made so far is saved, as after Ctrl-C."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType

ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGXCPU")
"""Ctrl-C; a scheduler or a container that stops; a terminal that is closed; a scheduler's warning;
a limit of processor time."""

TOGETHER = 0.5
"""Seconds. Signals that come so soon after another are one: systemd sends TERM and HUP at once."""

TETHER_VARIABLE = "STYLIZE_TETHER"
"""With the value ``stdin``, the end of the standard input counts as Ctrl-C."""


class Stopped(KeyboardInterrupt):
    """A signal came that ends the run.

    Attributes
    ----------
    code : int
        The exit code by which shells tell of it: 128 and the signal's number.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = 128 + number


class _Hearing:
    """What to do when a signal comes: raise, or remember it while something is being saved."""

    def __init__(self) -> None:
        self._last = -TOGETHER
        self._held: Stopped | None = None
        self._busy = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - self._last < TOGETHER:
            return
        self._last = now
        if not self._busy:
            raise Stopped(number)
        self._held = self._held or Stopped(number)

    @contextmanager
    def holding(self, heed: bool) -> Iterator[None]:
        self._busy, self._held = True, None
        try:
            yield
        finally:
            self._busy = False
        if self._held and heed:
            raise self._held


_hearing = _Hearing()


def heed_signals() -> None:
    """Let each of the signals raise `Stopped`.

    A shell lets its background jobs ignore SIGINT: that is heard all the same. Where SIGHUP is
    ignored, as under nohup, it stays so.
    """
    for name in ENDING:
        number = getattr(signal, name, None)  # Windows has only two of them
        if number and not (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):
            signal.signal(number, _hearing)


def heed_tether() -> None:
    """Let the end of the standard input count as Ctrl-C, if $STYLIZE_TETHER says so.

    A program that starts this one keeps a pipe open. When it closes that, or is killed itself, the
    run ends and is saved. It works alike on all systems.
    """
    if os.environ.get(TETHER_VARIABLE) == "stdin":
        from threading import Thread

        Thread(target=_await_end, daemon=True).start()


def _await_end() -> None:
    from _thread import interrupt_main

    try:
        while os.read(0, 1024):
            pass
    except OSError:  # there is none
        pass
    interrupt_main(signal.SIGINT)


def holding_signals(heed: bool = True) -> AbstractContextManager[None]:
    """Hold signals back while something is saved.

    Parameters
    ----------
    heed : bool
        Whether to raise the first of them afterwards; not, where the program ends in any case.
    """
    return _hearing.holding(heed)
