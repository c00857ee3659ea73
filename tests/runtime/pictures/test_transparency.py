"""Colours under full transparency come from around, and none of those that a file hides."""

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from stylize.runtime.pictures.reading import open_picture
from stylize.runtime.pictures.transparency import Seen, seen

INSIDE = np.zeros((40, 60), bool)
INSIDE[8:31, 10:45] = True
RAMP = np.linspace(40, 200, 60).astype(np.uint8)


def cut_out(hidden: tuple[int, int, int], alpha: int = 255) -> Image.Image:
    """A ramp in a rectangle; beyond it, a hidden colour under full transparency."""
    rgba = np.empty((40, 60, 4), np.uint8)
    rgba[..., :3] = np.where(INSIDE[..., None], RAMP[None, :, None], hidden)
    rgba[..., 3] = np.where(INSIDE, alpha, 0)
    return Image.fromarray(rgba)


def as_it_is(image: Image.Image) -> Seen:
    return seen(image, lambda each: each)


def colours(image: Image.Image) -> npt.NDArray[np.int_]:
    found, _ = as_it_is(image)
    assert found.mode == "RGB"
    return np.asarray(found, int)


def test_an_opaque_picture_is_the_same() -> None:
    image = Image.new("RGB", (20, 20))
    assert as_it_is(image) == (image, None)


@pytest.mark.parametrize("alpha", [16, 128, 255])
def test_colours_that_are_seen_are_kept_and_alpha_is_returned(alpha: int) -> None:
    image = cut_out((0, 255, 0), alpha)
    assert np.array_equal(colours(image)[INSIDE], np.asarray(image, int)[INSIDE][:, :3])
    found = as_it_is(image).alpha
    assert found is not None
    assert np.array_equal(np.asarray(found), np.where(INSIDE, alpha, 0))


def test_hidden_colours_do_not_matter() -> None:
    black, green = (colours(cut_out(hidden)) for hidden in ((0, 0, 0), (0, 255, 0)))
    assert np.array_equal(black, green)


def test_beyond_an_edge_the_colours_of_the_edge_go_on() -> None:
    found = colours(cut_out((0, 255, 0)))
    assert np.abs(found[:, 9] - found[:, 10])[8:31].max() < 10
    assert np.abs(found[:, 45] - found[:, 44])[8:31].max() < 10
    assert found.min() >= 40
    assert found.max() <= 200


def test_a_hole_is_filled_smoothly() -> None:
    image = cut_out((0, 0, 0))
    image.paste((0, 0, 255, 0), (20, 14, 32, 26))
    hole = colours(image)[14:26, 20:32]
    assert np.abs(hole - RAMP[None, 20:32, None]).max() < 16


def test_a_picture_that_is_nowhere_seen_is_white() -> None:
    assert (colours(Image.new("RGBA", (21, 17), (0, 0, 0, 0))) == 255).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (16, 16), (17, 23)])
def test_any_size_can_be_filled(size: tuple[int, int]) -> None:
    image = Image.new("RGBA", size, (9, 9, 9, 0))
    image.putpixel((0, 0), (70, 80, 90, 255))
    assert (colours(image) == (70, 80, 90)).all()


def test_scaling_mixes_no_hidden_colours_into_an_edge() -> None:
    """A red disc in hidden green has a red edge at any size."""
    large = np.zeros((200, 200, 4), np.uint8)
    rows, columns = np.mgrid[:200, :200]
    disc = (rows - 100) ** 2 + (columns - 100) ** 2 < 80**2
    large[...] = 0, 255, 0, 0
    large[disc] = 255, 0, 0, 255
    image, alpha = open_picture(large, alpha=True).seen((33, 33))
    assert alpha is not None
    assert len(np.unique(np.asarray(alpha))) > 5
    assert (np.asarray(image) == (255, 0, 0)).all()
