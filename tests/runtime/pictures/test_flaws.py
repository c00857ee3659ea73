"""Borders of one colour, pictures of one colour, pictures without colours."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from stylize.runtime.pictures.flaws import cropping, flaws, flaws_of
from stylize.runtime.pictures.reading import open_picture

Levels = npt.NDArray[np.uint8]
WIDTH, HEIGHT = 200, 100


def painted(colour: int = 250, **edges: int) -> Image.Image:
    """Return noise with a border of so many pixels at the edges that are named."""
    random = np.random.default_rng(0)
    levels = random.integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    border = (colour + random.integers(-4, 5, levels.shape)).clip(0, 255)
    inside = np.zeros((HEIGHT, WIDTH), bool)
    top, bottom = edges.get("top", 0), HEIGHT - edges.get("bottom", 0)
    left, right = edges.get("left", 0), WIDTH - edges.get("right", 0)
    inside[top:bottom, left:right] = True
    return Image.fromarray(np.where(inside[..., None], levels, border).astype(np.uint8))


@pytest.mark.parametrize("colour", [0, 128, 250])
@pytest.mark.parametrize(
    ("edges", "part"),
    [
        ({}, 0.0),
        ({"top": 1, "left": 1}, 0.0),
        ({"top": 5}, 0.05),
        ({"bottom": 30}, 0.3),
        ({"left": 10, "right": 20}, 0.1),
        ({"top": 4, "bottom": 4, "left": 4, "right": 4}, 0.04),
    ],
)
def test_border(colour: int, edges: dict[str, int], part: float) -> None:
    found = flaws_of(painted(colour, **edges))
    assert found == (pytest.approx(part), False, False)


def test_a_plain_ground_is_no_border() -> None:
    """A figure on it comes in by and by."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (230, 220, 200))
    ImageDraw.Draw(image).ellipse((60, 20, 140, 160), (40, 30, 20))
    assert flaws_of(image).border == 0


def test_plain_and_grey() -> None:
    assert flaws_of(Image.new("RGB", (30, 20), (200, 30, 30))) == (0, True, False)
    assert flaws_of(Image.new("RGB", (30, 20), (90, 90, 90))) == (0, True, True)
    assert flaws_of(painted().convert("L").convert("RGB")) == (0, False, True)


def test_what_is_cropped_leaves_no_border(tmp_path: Path) -> None:
    painted(top=4, bottom=4, left=4, right=4).resize((1600, 800)).save(tmp_path / "a.png")
    picture = open_picture(tmp_path / "a.png")
    part = cropping(picture, flaws(picture).border)
    assert part == pytest.approx(0.045)
    assert flaws(picture.cropped(part)).border == 0
    little = picture.cropped(0.01)
    assert flaws(little).border > 0
    assert cropping(little, flaws(little).border) == pytest.approx(part, abs=0.005)
