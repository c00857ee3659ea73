"""Light and dark apart from hue and chroma, and both together again."""

import numpy as np
import numpy.typing as npt
import pytest

from stylize.runtime.pictures import lightness
from stylize.runtime.pictures.lightness import give_colours, to_grey
from stylize.runtime.pictures.oklab import oklab, srgb

Array = npt.NDArray[np.float32]


def random_picture(seed: int, low: float = 0.0, high: float = 1.0) -> Array:
    values = np.random.default_rng(seed).uniform(low, high, (1, 3, 30, 20))
    return values.astype(np.float32)


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let small pictures be converted in several parts, too."""
    monkeypatch.setattr(lightness, "ROWS", 7)


def test_oklab_and_back() -> None:
    picture = random_picture(0)
    np.testing.assert_allclose(srgb(oklab(picture)), picture.reshape(3, -1), atol=1e-6)


def test_a_grey_is_as_light_as_the_colour() -> None:
    picture = random_picture(1)
    grey = picture.copy()
    to_grey(grey)
    np.testing.assert_allclose(oklab(grey)[0], oklab(picture)[0], atol=1e-6)
    np.testing.assert_allclose(grey[:, :1], grey[:, 1:2], atol=1e-6)
    np.testing.assert_allclose(grey[:, :1], grey[:, 2:], atol=1e-6)
    again = grey.copy()
    to_grey(again)
    np.testing.assert_allclose(again, grey, atol=1e-6)


def test_its_own_colours_given_to_a_grey_are_the_picture() -> None:
    picture = random_picture(2)
    found = picture.copy()
    to_grey(found)
    give_colours(found, picture)
    np.testing.assert_allclose(found, picture, atol=1e-5)


def test_lightness_stays_and_hue_is_the_others() -> None:
    picture, other = random_picture(3, -0.2, 1.2), random_picture(4)
    expected, (_, a, b) = oklab(picture.clip(0, 1))[0], oklab(other)
    give_colours(picture, other)
    assert picture.min() >= 0
    assert picture.max() <= 1
    found = oklab(picture)
    np.testing.assert_allclose(found[0], expected, atol=4e-3)  # near black that is nothing
    chroma, given = np.hypot(*found[1:]), np.hypot(a, b)
    assert (chroma <= given + 2e-4).all()
    seen = chroma > 0.02
    assert seen.mean() > 0.5
    turned = (found[1] * a + found[2] * b)[seen] / (chroma * given)[seen]
    assert turned.min() > 0.999
    untouched = np.abs(chroma - given) < 1e-4
    assert 0.1 < untouched.mean() < 1, "a screen shows some of them, and not all"


def test_black_and_white_take_no_colour() -> None:
    picture = np.zeros((1, 3, 2, 2), np.float32)
    picture[..., 1] = 1
    expected = picture.copy()
    give_colours(picture, random_picture(5)[..., :2, :2])
    np.testing.assert_allclose(picture, expected, atol=1e-3)
