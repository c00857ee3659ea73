"""The example pictures are what our script draws."""

import sys
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from conftest import REPOSITORY
from PIL import Image

Draw = Callable[..., Image.Image]

EXAMPLES = REPOSITORY / "examples"
GREY_LEVELS = 0.5
"""Mean difference that another libjpeg's or numpy's rounding may make."""
COARSE, COARSE_GREY_LEVELS = 8, 2.0
"""The photo is traced with a quarter of its rays, which takes a quarter of the time. Then grain and
edges differ; means over 8 by 8 pixels differ by 1.5 grey levels."""


@pytest.fixture
def drawing(monkeypatch: pytest.MonkeyPatch) -> dict[str, Draw]:
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    from drawing.painting import draw_painting
    from drawing.photo import draw_photo

    return {"photo": draw_photo, "painting": draw_painting}


def test_script_draws_the_committed_painting(drawing: dict[str, Draw]) -> None:
    drawn = compressed(drawing["painting"](scale=2))
    with Image.open(EXAMPLES / "painting.jpg") as committed:
        assert apart(drawn, committed) < GREY_LEVELS


def test_script_draws_the_committed_photo(drawing: dict[str, Draw]) -> None:
    drawn = drawing["photo"](scale=1)
    with Image.open(EXAMPLES / "photo.jpg") as committed:
        assert committed.size == drawn.size
        assert apart(drawn.reduce(COARSE), committed.reduce(COARSE)) < COARSE_GREY_LEVELS


def apart(drawn: Image.Image, committed: Image.Image) -> float:
    """Return the mean difference in grey levels."""
    assert committed.size == drawn.size
    return float(np.abs(np.asarray(drawn, float) - np.asarray(committed, float)).mean())


def compressed(image: Image.Image) -> Image.Image:
    file = BytesIO()
    image.save(file, "JPEG", quality=92)
    return Image.open(file)
