"""Which sizes of pictures are possible."""

from typing import Literal

Side = Literal["long", "short"]

MIN_SIDE, MAX_SIDE = 16, 100_000
"""Pixels of a side; conv5_1 sees a sixteenth of each side."""

WHOLE_PIXELS = 25_000_000
"""Pixels up to which every picture is read whole. Pillow holds 4 bytes for each, and may need as
much again to turn them or to convert their colours."""

MAX_PIXELS = 175_000_000
"""Most pixels that are read of a picture: a little less than what Pillow calls a bomb."""

MAX_BYTES = 2**30
"""Most bytes of a file that does not lie on a disk."""
