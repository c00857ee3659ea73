"""What workers on this machine load first."""

import signal


def dask_setup(_: object) -> None:
    """Leave what every process at a terminal gets to the one that wants the picture.

    That is Ctrl-C, and the end of the terminal.
    """
    for name in ("SIGINT", "SIGHUP"):
        if number := getattr(signal, name, None):
            signal.signal(number, signal.SIG_IGN)
