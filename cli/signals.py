"""Signals that end a run: what was made so far is saved, as after Ctrl-C."""

import signal
from types import FrameType
from typing import NoReturn

ENDING = ("SIGINT", "SIGTERM", "SIGHUP")
"""Ctrl-C; a scheduler or a container that stops; a terminal that is closed."""


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


def heed_signals() -> None:
    """Let each of the signals raise `Stopped`.

    A shell lets its background jobs ignore SIGINT: that is heard all the same. Where SIGHUP is
    ignored, as under nohup, it stays so.
    """
    for name in ENDING:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number and not (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):
            signal.signal(number, _stop)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise Stopped(number)
