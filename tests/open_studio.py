"""A studio that is open while a test asks it: the real server, in a thread."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from studio_client import Client

from stylize.runtime.engine.machine import Machine
from stylize.studio.limits import Limits
from stylize.studio.serving import Settings, Studio

PAINTER = (sys.executable, "-I", "-S", str(Path(__file__).with_name("studio_painter.py")))
"""Paints nothing, is fast, and does as it is told."""

MACHINE = Machine(model="compact", provider="cpu", threads=1)


def settings(folder: Path, limits: dict[str, int] | None = None, **more: Any) -> Settings:
    """Return how a studio of a test is opened."""
    usual = {"page": False, "port": 0, "command": PAINTER}
    return Settings(folder, MACHINE, Limits(**(limits or {})), **{**usual, **more})


@contextmanager
def opened(folder: Path, **more: Any) -> Iterator[Client]:
    """Open a studio, and close it."""
    studio = Studio(settings(folder, **more))
    with served(studio) as client:
        yield client


@contextmanager
def served(studio: Studio) -> Iterator[Client]:
    """Serve a studio, and end it."""
    ready = threading.Event()
    thread = threading.Thread(target=studio.serve, args=(ready.set,))
    thread.start()
    try:
        assert ready.wait(30)
        yield Client(studio.address, studio.token)
    finally:
        studio.end()
        thread.join()
