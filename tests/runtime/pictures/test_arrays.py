"""Pictures become arrays and arrays pictures."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from colours import COLOURS, pixels
from PIL import Image

from stylize.models.errors import ImageError
from stylize.runtime.pictures.arrays import mirror, room_for, to_array, to_image
from stylize.runtime.pictures.reading import load_image


def test_an_array_holds_the_pixels_by_channel() -> None:
    array = to_array(Image.fromarray(COLOURS))
    assert array.shape == (1, 3, 24, 32)
    assert array.dtype == np.float32
    assert array.flags.c_contiguous
    expected = COLOURS.astype(np.float32) / np.float32(255)
    assert np.array_equal(array[0].transpose(1, 2, 0), expected)


def test_every_level_survives_the_round_trip() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = Image.fromarray(np.stack([levels, levels.T, 255 - levels], -1))
    assert np.array_equal(pixels(to_image(to_array(image))), pixels(image))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_a_picture_of_any_mode_is_seen_as_it_is_loaded(mode: str) -> None:
    image = Image.fromarray(COLOURS[..., 0].astype(np.uint16) * 257)
    if mode != "I;16":
        image = Image.fromarray(COLOURS)
        image.putalpha(Image.linear_gradient("L").resize(image.size))
        image = image.convert(mode)
    assert np.array_equal(to_array(image), to_array(load_image(image)))


@pytest.mark.parametrize("given", ["photo.jpg", Path("photo.jpg"), COLOURS, None])
def test_what_is_no_image_of_pillow_is_refused(given: Any) -> None:
    with pytest.raises(ImageError, match=r"is no Pillow image.*load_image"):
        to_array(given)


def test_a_closed_image_is_refused() -> None:
    image = Image.fromarray(COLOURS)
    image.close()
    with pytest.raises(ImageError, match="closed"):
        to_array(image)


@pytest.mark.parametrize(
    ("value", "level"),
    [
        (-0.5, 0),
        (1.5, 255),
        (-np.inf, 0),
        (np.inf, 255),
        (100.4 / 255, 100),
        (100.6 / 255, 101),
    ],
)
def test_values_are_clipped_and_rounded(value: float, level: int) -> None:
    image = to_image(np.full((1, 3, 16, 16), value, np.float32))
    assert image.getcolors() == [(256, (level, level, level))]


@pytest.mark.parametrize("margin", [0, 1, 5, 15, 16, 40])
def test_a_margin_is_the_mirror_image(margin: int) -> None:
    """Also one that is wider than what is inside of it."""
    whole, inside = room_for((20, 16), margin)
    inside[...] = np.random.default_rng(0).random(inside.shape)
    mirror(whole, margin)
    edges = (margin, margin)
    np.testing.assert_array_equal(whole, np.pad(inside, ((0, 0), (0, 0), edges, edges), "reflect"))
