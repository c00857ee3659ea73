"""The example pictures are what our script draws."""

import sys
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from conftest import REPOSITORY
from PIL import Image

EXAMPLES = REPOSITORY / "examples"
GREY_LEVELS = 0.5
"""Mean difference that another libjpeg's or numpy's rounding may make."""


@pytest.fixture
def drawing(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], Image.Image]]:
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    from drawing.painting import draw_painting
    from drawing.photo import draw_photo

    return {"photo": draw_photo, "painting": draw_painting}


@pytest.mark.parametrize("name", ["photo", "painting"])
def test_script_draws_the_committed_picture(
    drawing: dict[str, Callable[[], Image.Image]], name: str
) -> None:
    drawn = drawing[name]()
    with Image.open(EXAMPLES / f"{name}.jpg") as committed:
        assert committed.size == drawn.size
        difference = np.asarray(compressed(drawn), np.float64) - np.asarray(committed)
    assert np.abs(difference).mean() < GREY_LEVELS


def compressed(image: Image.Image) -> Image.Image:
    file = BytesIO()
    image.save(file, "JPEG", quality=92)
    return Image.open(file)
