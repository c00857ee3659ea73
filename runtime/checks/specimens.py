"""Two pictures drawn from a seed, the same everywhere, for a check that needs no files."""

import numpy as np
from PIL import Image

SIZE = 512, 384
COARSEST = 4
"""Blots along the long side; each finer layer has twice as many."""


def drawn_photo() -> Image.Image:
    """Return large soft forms with a little detail."""
    return _blots(seed=1, fineness=0.5)


def drawn_painting() -> Image.Image:
    """Return busy strokes in other colours."""
    return _blots(seed=2, fineness=0.7)


def _blots(seed: int, fineness: float) -> Image.Image:
    """Return layers of coloured blots, each twice as fine and `fineness` times as strong."""
    random, strength = np.random.default_rng(seed), 1.0
    picture = np.zeros((SIZE[1], SIZE[0], 3))
    columns = COARSEST
    while columns < SIZE[0]:
        rows = columns * SIZE[1] // SIZE[0]
        colours = random.integers(0, 256, (rows, columns, 3), np.uint8)
        layer = Image.fromarray(colours).resize(SIZE, Image.Resampling.BICUBIC)
        picture += strength * (np.asarray(layer) / 255 - 0.5)
        columns, strength = 2 * columns, strength * fineness
    picture = picture / picture.std() / 5 + 0.5
    return Image.fromarray(np.rint(255 * picture.clip(0, 1)).astype(np.uint8))
