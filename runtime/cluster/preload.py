"""What workers on this machine load first."""

import signal


def dask_setup(_: object) -> None:
    """Leave Ctrl-C, which every process at a terminal gets, to the one that wants the picture."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
