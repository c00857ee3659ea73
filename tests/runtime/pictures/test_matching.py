"""Colours brought to the mean and covariance of another picture's."""

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from stylize.runtime.pictures.matching import FURTHEST, match_colours, mixed
from stylize.runtime.pictures.matching import moments as moments_of

Array = npt.NDArray[np.float32]


def picture(seed: int, spread: float = 0.05, size: tuple[int, int] = (30, 40)) -> Array:
    """Return a picture of correlated colours about some grey."""
    random = np.random.default_rng(seed)
    mixing = np.eye(3) + 0.3 * random.standard_normal((3, 3))
    mixed = mixing @ random.standard_normal((3, size[0] * size[1]))
    return (0.5 + spread * mixed).clip(0, 1).astype(np.float32).reshape(1, 3, *size)


def with_colours_of(picture: Array, other: Array, alpha: Image.Image | None = None) -> Array:
    matched = picture.copy()
    match_colours(matched, moments_of(other), alpha)
    return matched


def moments(pixels: Array) -> tuple[Array, Array]:
    colours = pixels[0].reshape(3, -1).astype(np.float64)
    return colours.mean(1), np.cov(colours)


@pytest.mark.parametrize("seed", range(4))
def test_mean_and_covariance_become_those_of_the_other(seed: int) -> None:
    other = picture(seed + 10, 0.03, (20, 50))
    found = with_colours_of(picture(seed, 0.03), other)
    assert found.dtype == np.float32
    assert found.shape == (1, 3, 30, 40)
    for mine, theirs in zip(moments(found), moments(other), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=2e-4)


def test_only_what_is_seen_counts() -> None:
    whole, other = picture(8, 0.02), picture(9, 0.02)
    alpha = np.zeros((30, 40), np.uint8)
    alpha[:, :20] = 255
    hidden = whole.copy()
    hidden[..., 20:] = 0.9
    found = with_colours_of(hidden, other, Image.fromarray(alpha))
    expected = with_colours_of(np.ascontiguousarray(whole[..., :20]), other)
    np.testing.assert_allclose(found[..., :20], expected, atol=1e-6)
    nothing = with_colours_of(whole, other, Image.fromarray(0 * alpha))
    np.testing.assert_allclose(nothing, with_colours_of(whole, other), atol=1e-6)


def test_nothing_changes_towards_itself() -> None:
    np.testing.assert_allclose(with_colours_of(picture(1), picture(1)), picture(1), atol=1e-4)


def test_the_map_is_a_gradient_of_a_convex_function() -> None:
    """That is what makes it the one that moves colours least: symmetric and positive."""
    before, other = picture(2, 0.02), picture(3, 0.02)
    after = with_colours_of(before, other)
    x, y = (each[0].reshape(3, -1).astype(np.float64) for each in (before, after))
    linear = (y - y.mean(1, keepdims=True)) @ np.linalg.pinv(x - x.mean(1, keepdims=True))
    np.testing.assert_allclose(linear, linear.T, atol=1e-3)
    assert np.linalg.eigvalsh(linear).min() > 0


def test_towards_one_colour_something_of_the_picture_is_left() -> None:
    one_colour = np.full((1, 3, 8, 8), 0.4, np.float32)
    found = with_colours_of(picture(4), one_colour)
    np.testing.assert_allclose(found.mean((0, 2, 3)), 0.4, atol=2e-3)
    np.testing.assert_allclose(found.std(), picture(4).std() / FURTHEST, rtol=0.2)


def test_a_grey_picture_gains_no_noise() -> None:
    grey = np.repeat(picture(5)[:, :1], 3, axis=1)
    noisy = grey + np.random.default_rng(0).normal(0, 1 / 255, grey.shape).astype(np.float32)
    found = with_colours_of(noisy.clip(0, 1), picture(6, 0.2))
    plain = with_colours_of(grey, picture(6, 0.2))
    assert np.abs(found - plain).mean() < 2 * FURTHEST / 255


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_picture_of_one_colour_takes_on_the_mean(level: float) -> None:
    found = with_colours_of(np.full((1, 3, 9, 7), level, np.float32), picture(7))
    np.testing.assert_allclose(found, picture(7).mean((2, 3), keepdims=True) + 0 * found, atol=1e-3)


def test_moments_of_several_are_those_of_all_their_pixels() -> None:
    """Side by side, three of one picture and one of another have the shares 3/4 and 1/4."""
    one, other = picture(1, 0.05), picture(2, 0.1) + np.float32(0.2)
    whole = np.concatenate([one, one, one, other], axis=3)
    found, expected = mixed([(moments_of(one), 0.75), (moments_of(other), 0.25)]), moments_of(whole)
    np.testing.assert_allclose(found.mean, expected.mean, atol=1e-9)
    np.testing.assert_allclose(found.covariance, expected.covariance, atol=1e-9)
