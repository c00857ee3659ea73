"""Pictures are scaled and cropped to the size that was asked for."""

import numpy as np
import pytest
from colours import COLOURS, pixels
from PIL import Image

from stylize.models.errors import ImageError
from stylize.runtime.pictures.sizes import cover, scale_to


@pytest.mark.parametrize(
    ("size", "long_side", "expected"),
    [
        ((64, 48), 32, (32, 24)),
        ((48, 64), 32, (24, 32)),
        ((32, 24), 64, (64, 48)),
        ((50, 33), 40, (40, 26)),
        ((40, 40), 16, (16, 16)),
    ],
)
def test_the_long_side_is_set_and_proportions_kept(
    size: tuple[int, int], long_side: int, expected: tuple[int, int]
) -> None:
    scaled = scale_to(Image.new("RGB", size, (1, 2, 3)), long_side)
    assert scaled.size == expected
    assert scaled.getcolors() == [(expected[0] * expected[1], (1, 2, 3))]


def test_a_picture_of_that_size_is_not_resampled() -> None:
    image = Image.fromarray(COLOURS)
    assert scale_to(image, 32) is image


@pytest.mark.parametrize(
    ("mode", "scaled"), [("L", "RGB"), ("P", "RGB"), ("LA", "RGBA"), ("RGBA", "RGBA")]
)
def test_a_picture_of_any_mode_is_scaled_in_its_colours(mode: str, scaled: str) -> None:
    image = Image.fromarray(COLOURS)
    if scaled == "RGBA":
        image.putalpha(100)
    found = scale_to(image.convert(mode), 16 * 2)
    assert (found.mode, found.size) == (scaled, (32, 24))


def test_colours_of_a_palette_are_mixed() -> None:
    stripes = Image.fromarray(np.tile(np.uint8([0, 255]), (32, 32))).convert("P")
    found = pixels(scale_to(stripes, 32))
    assert 50 < found.min() <= found.max() < 200


def test_a_path_is_no_picture_to_scale() -> None:
    with pytest.raises(ImageError, match=r"is no Pillow image.*load_image"):
        scale_to("photo.jpg", 32)  # type: ignore[arg-type]


def test_a_short_side_that_gets_too_short() -> None:
    with pytest.raises(ImageError, match="is 32x8 pixels"):
        scale_to(Image.new("RGB", (64, 16)), 32)


def test_cover_crops_what_is_too_wide() -> None:
    expected = COLOURS[:, 4:28]
    assert np.array_equal(pixels(cover(Image.fromarray(COLOURS), (24, 24))), expected)


def test_cover_crops_what_is_too_high() -> None:
    expected = COLOURS[4:20]
    assert np.array_equal(pixels(cover(Image.fromarray(COLOURS), (32, 16))), expected)


def test_cover_scales_before_it_crops() -> None:
    image = Image.new("RGB", (64, 32), "red")
    image.paste("blue", (8, 0, 56, 32))  # beyond the crop, as far as the filter looks
    assert cover(image, (16, 16)).getcolors() == [(256, (0, 0, 255))]


def test_cover_leaves_a_picture_of_that_size_as_it_is() -> None:
    image = Image.fromarray(COLOURS)
    assert cover(image, (32, 24)) is image
