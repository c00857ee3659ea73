"""Which sizes of pictures are possible."""

from typing import Literal, get_args

Side = Literal["long", "short"]
SIDES = get_args(Side)

MIN_SIDE, MAX_SIDE = 16, 100_000
"""Pixels of a side; conv5_1 sees a sixteenth of each side."""
