"""What a screen shows of a large picture, without another large one in memory."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from spaces import P3

from stylize.runtime.pictures import reduced, shown
from stylize.runtime.pictures.colour import as_srgb, on_white
from stylize.runtime.pictures.reduced import on_screen
from stylize.runtime.pictures.shown import Shown
from stylize.runtime.pictures.spaces import space_of

PIXELS = np.random.default_rng(0).uniform(-0.2, 1.2, (1, 3, 50, 31)).astype(np.float32)
LEVELS = np.random.default_rng(1).integers(0, 256, (50, 31, 4), np.uint8)
WHOLE = Shown(PIXELS)
ALPHA, COLOURS = Image.fromarray(LEVELS[..., 3]), Image.fromarray(LEVELS[..., :3].copy())


@pytest.mark.parametrize("most", [50, 49, 17])
@pytest.mark.parametrize(
    "picture",
    [
        WHOLE,
        replace(WHOLE, alpha=ALPHA),
        replace(WHOLE, colours=COLOURS),
        replace(WHOLE, space=space_of(P3)),
    ],
    ids=["plain", "cut out", "the photo's colours", "wide gamut"],
)
def test_some_rows_at_a_time_it_is_the_same(
    picture: Shown, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = on_white(as_srgb(picture.image())).reduce({50: 1, 49: 2, 17: 3}[most])
    assert expected.mode == "RGB"
    sizes: list[int] = []
    image = Shown.image
    monkeypatch.setattr(Shown, "image", lambda self: sizes.append(self.size[1]) or image(self))
    for module in (reduced, shown):
        monkeypatch.setattr(module, "BAND", 7 * 31)
    assert np.array_equal(np.asarray(on_screen(picture, most)), np.asarray(expected))
    assert max(sizes) < 10
