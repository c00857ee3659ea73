"""Which sizes of pictures are possible."""

from typing import Literal

Side = Literal["long", "short"]

MIN_SIDE, MAX_SIDE = 16, 100_000
"""Pixels of a side; conv5_1 sees a sixteenth of each side."""
