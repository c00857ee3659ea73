"""Pictures are read from files of any common kind."""

from pathlib import Path

import numpy as np
import pytest
from colours import COLOURS, EXACT, ROUNDING, colour_of, pixels, saved
from PIL import Image

from stylize.models.errors import ImageError
from stylize.runtime.pictures.limits import MIN_SIDE
from stylize.runtime.pictures.reading import load_image


@pytest.mark.parametrize("name", EXACT)
def test_lossless_kinds_are_read_exactly(tmp_path: Path, name: str) -> None:
    path = saved(Image.fromarray(COLOURS), tmp_path / name, **EXACT[name])
    assert np.array_equal(pixels(load_image(path)), COLOURS)


def test_jpeg_is_read(tmp_path: Path) -> None:
    path = saved(Image.new("RGB", (32, 24), (200, 100, 50)), tmp_path / "a.jpg", quality=100)
    assert np.abs(np.subtract(colour_of(path), (200, 100, 50))).max() <= ROUNDING


def test_the_ending_does_not_matter(tmp_path: Path) -> None:
    path = saved(Image.fromarray(COLOURS), tmp_path / "a.jpg", format="PNG")
    assert np.array_equal(pixels(load_image(str(path))), COLOURS)


def test_a_large_photo_is_read_without_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(Image.fromarray(COLOURS), tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 32 * 24 - 1)
    assert load_image(path).size == (32, 24)


def test_the_smallest_picture(tmp_path: Path) -> None:
    path = saved(Image.new("RGB", (MIN_SIDE, MIN_SIDE)), tmp_path / "a.png")
    assert load_image(path).size == (16, 16)


@pytest.mark.parametrize("size", [(15, 16), (16, 15)])
def test_a_picture_that_is_too_small(tmp_path: Path, size: tuple[int, int]) -> None:
    path = saved(Image.new("RGB", size), tmp_path / "a.png")
    with pytest.raises(ImageError, match=f"{size[0]}x{size[1]} pixels"):
        load_image(path)
