"""What the terminal is: it is asked, for variables of the environment are often those of another.

Only questions are asked that every terminal either answers or passes over: its name (XTVERSION),
the size of a cell (XTWINOPS), and what it can do (DA1). The last is answered by all, and by each in
turn, so nobody waits for answers that do not come. The graphics of kitty have a question of their
own, but Apple's Terminal would print it.
"""

import os
import re
import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

NAME, CELL, ABILITIES = "\x1b[>q", "\x1b[16t", "\x1b[c"

NAMED = re.compile(rb"\x1bP>\|([^\x1b]*)\x1b\\")
MEASURED = re.compile(rb"\x1b\[6;([0-9]{1,4});([0-9]{1,4})t")
ABLE = re.compile(rb"\x1b\[\?([0-9;]*)c")
"""What the answers look like; the last one comes last."""

PATIENCE = 2.0
"""Seconds that are waited for an answer: terminals may be far away."""

SMALL_CELL = (6, 12)
"""Width and height in pixels, where it is unknown: a picture is to be too small, not too large."""

SILENT = ("", "dumb", "linux")
"""What $TERM calls terminals that do not answer."""


@dataclass(frozen=True)
class Terminal:
    """What a terminal tells of itself.

    Attributes
    ----------
    name : str
        Its program and maybe its version, if it tells.
    abilities : frozenset of str
        What it can do, in the numbers of DEC.
    cell : tuple of int
        Width and height of a character, in pixels.
    """

    name: str
    abilities: frozenset[str]
    cell: tuple[int, int] = SMALL_CELL


def ask_terminal() -> Terminal | None:
    """Ask the terminal that stderr goes to; None if there is none, or it does not tell.

    What is typed before it has answered is lost.
    """
    if os.environ.get("TERM", "") in SILENT:
        return None
    try:
        with _listening() as terminal:
            os.write(terminal, f"{NAME}{CELL}{ABILITIES}".encode())
            return _understood(_answer(terminal))
    except Exception:  # no terminal, not ours alone, or hung up: termios has errors of its own
        return None


@contextmanager
def _listening() -> Iterator[int]:
    """Open the terminal so that what it answers is neither shown nor waits for Enter."""
    import termios

    path = os.ttyname(sys.stderr.fileno())
    terminal = os.open(path, os.O_RDWR | os.O_NOCTTY)
    try:
        if os.tcgetpgrp(terminal) != os.getpgrp():
            raise OSError("a job in the background would be stopped if it read")
        before = termios.tcgetattr(terminal)
        quiet = [*before]
        quiet[3] &= ~(termios.ECHO | termios.ICANON)
        try:
            termios.tcsetattr(terminal, termios.TCSADRAIN, quiet)
            yield terminal
        finally:  # an answer that is still on its way is not to appear behind the prompt
            termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
    finally:
        os.close(terminal)


def _answer(terminal: int) -> bytes:
    """Return what the terminal says, up to the end of its last answer, or until it is too late."""
    said = b""
    end = time.monotonic() + PATIENCE
    while not ABLE.search(said) and (left := end - time.monotonic()) > 0:
        if select.select([terminal], [], [], left)[0]:
            said += os.read(terminal, 1024)
    return said


def _understood(said: bytes) -> Terminal | None:
    able, named, measured = ABLE.search(said), NAMED.search(said), MEASURED.search(said)
    if not able:
        return None
    height, width = map(int, measured.groups()) if measured else (0, 0)
    return Terminal(
        named[1].decode("ascii", "replace") if named else "",
        frozenset(able[1].decode().split(";")[1:]),  # the first is how old it is
        (width, height) if width and height else SMALL_CELL,
    )
