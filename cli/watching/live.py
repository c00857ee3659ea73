"""``--live``: the picture in the terminal, above the bar, drawn again and again at one place."""

import os
import sys
from dataclasses import dataclass
from secrets import randbits
from typing import TYPE_CHECKING

from stylize.cli.terminal import draw, lines_printed
from stylize.cli.watching.pauses import Pauses
from stylize.cli.watching.watchers import Glimpse

if TYPE_CHECKING:
    from PIL.Image import Image

    from stylize.cli.watching.asking import Terminal
    from stylize.cli.watching.graphics import Draw

SECONDS = 1.0
"""Between two pictures, at least."""

MOST_ROWS, LEAST_ROWS = 24, 3
OTHER_ROWS = 4
"""Rows of the terminal that are left for the bar, and for what was said before."""
TALLEST = 480
"""Pixels of its height that are sent where the terminal scales it: that may be far away."""

SAVE, RESTORE, ERASE = "\x1b7", "\x1b8", "\x1b[K"
"""The cursor's place is kept, and gone back to; the rest of its line is emptied."""


@dataclass(frozen=True)
class Place:
    """Where in the terminal a picture is.

    Attributes
    ----------
    rows : int
        How many rows it has, right above the cursor's.
    lines : int
        How many lines had been printed: each moves what is above.
    window : tuple of int
        Columns and rows of the terminal; a change of them may move everything.
    """

    rows: int
    lines: int
    window: tuple[int, int]


class Live:
    """Shows the picture so far in a terminal.

    Parameters
    ----------
    terminal : Terminal
        What it told of itself.
    way : function
        How it takes pictures.
    """

    name = "The live picture"

    def __init__(self, terminal: "Terminal", way: "Draw") -> None:
        self._cell, self._way = terminal.cell, way
        self._pauses = Pauses(SECONDS)
        self._place: Place | None = None
        self._number = 0

    def see(self, glimpse: Glimpse) -> None:
        """Draw the picture if the last one is a while ago."""
        if self._pauses.over:
            with self._pauses.before_next():
                self.finish(glimpse)

    def finish(self, glimpse: Glimpse) -> str:
        """Draw the last picture, which stays."""
        window = _window()
        rows = _rows(glimpse.image.size, self._cell, window)
        if rows < LEAST_ROWS:
            return ""
        place = Place(rows, lines_printed(), window)
        room = ""
        if place != self._place:  # the last picture stays where it has moved to
            self._place, self._number = place, randbits(31) | 1
            room = f"\r{ERASE}" + "\n" * rows
        picture = self._scaled(glimpse, rows)
        cells = self._columns(picture.size, rows), rows
        shown = self._way(picture, cells, self._number)
        draw(f"{room}{SAVE}\r\x1b[{rows}A{shown}{RESTORE}")
        return ""

    def give_up(self) -> None:
        """Leave what is shown."""

    def _columns(self, size: tuple[int, int], rows: int) -> int:
        """Return how many columns a picture has in its proportions, given its rows."""
        width, height = self._cell
        return max(1, round(rows * height * size[0] / (size[1] * width)))

    def _scaled(self, glimpse: Glimpse, rows: int) -> "Image":
        """Return the picture with as many pixels as the terminal is to get.

        Sixels are pixels of the screen. The others are scaled by the terminal.
        """
        from stylize.cli.watching.graphics import sixel

        width, height = glimpse.image.size
        room = rows * self._cell[1]
        tall = room if self._way is sixel else min(height, room, TALLEST)
        return glimpse.image.resize((max(1, round(width * tall / height)), tall))


def _window() -> tuple[int, int]:
    """Return columns and rows of the terminal; none, if it does not tell."""
    try:
        return tuple(os.get_terminal_size(sys.stderr.fileno()))  # type: ignore[return-value]
    except (AttributeError, OSError, ValueError):
        return 0, 0


def _rows(size: tuple[int, int], cell: tuple[int, int], window: tuple[int, int]) -> int:
    """Return how many rows a picture has that is as large as may be, in its proportions."""
    columns, lines = window
    widest = columns * cell[0] * size[1] // (size[0] * cell[1])
    return min(MOST_ROWS, lines - OTHER_ROWS, widest)
