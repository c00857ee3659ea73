"""Oklab by its author's values, and sliced distances beside a sort in loops."""

import numpy as np
import numpy.typing as npt
import pytest

from stylize.runtime.judging.colours import (
    DIRECTIONS,
    QUANTILES,
    _directions,
    oklab,
    palette,
    palette_distance,
)

Array = npt.NDArray[np.float32]

EVEN = 0.02
"""Relative; 64 directions are spread that evenly over a sphere."""


def flat(colour: tuple[float, float, float], side: int = 32) -> Array:
    return np.broadcast_to(np.array(colour, np.float32)[:, None, None], (1, 3, side, side))


def random_image(seed: int, height: int = 32, width: int = 32) -> Array:
    return np.random.default_rng(seed).random((1, 3, height, width), np.float32)


def distance(one: Array, other: Array) -> float:
    return palette_distance(palette(one), palette(other))


@pytest.mark.parametrize(
    ("srgb", "expected"),
    [
        ((0, 0, 0), (0, 0, 0)),
        ((1, 1, 1), (1, 0, 0)),
        ((1, 0, 0), (0.62796, 0.22486, 0.12585)),
        ((0, 1, 0), (0.86644, -0.23389, 0.17950)),
        ((0, 0, 1), (0.45201, -0.03246, -0.31153)),
        ((0.5, 0.5, 0.5), (0.59818, 0, 0)),
        ((0.03, 0.03, 0.03), (0.13242, 0, 0)),  # on the straight part of sRGB's curve
    ],
)
def test_oklab(srgb: tuple[float, float, float], expected: tuple[float, float, float]) -> None:
    np.testing.assert_allclose(oklab(flat(srgb, 1))[:, 0], expected, atol=2e-5)


def test_it_is_the_sorted_difference_along_each_direction() -> None:
    one, other = random_image(0), random_image(1)
    assert one[0, 0].size == QUANTILES, "no pixel is left out"
    squares = []
    for direction in _directions():
        seen = [sorted(direction @ colour for colour in oklab(image).T) for image in (one, other)]
        squares += [(a - b) ** 2 for a, b in zip(*seen, strict=True)]
    expected = (3 * sum(squares) / len(squares)) ** 0.5
    assert distance(one, other) == pytest.approx(expected, rel=1e-12)


def test_of_two_colours_it_is_their_distance() -> None:
    one, other = (0.9, 0.3, 0.1), (0.2, 0.4, 0.8)
    apart = np.linalg.norm(oklab(flat(one, 1)) - oklab(flat(other, 1)))
    assert distance(flat(one), flat(other)) == pytest.approx(apart, rel=EVEN)


def test_it_tells_how_much_goes_how_far() -> None:
    """A quarter of the pixels goes from black to white: the root of a quarter."""
    one, other = np.zeros((1, 3, 32, 32), np.float32), np.zeros((1, 3, 32, 32), np.float32)
    one[:, :, :8], other[:, :, :16] = 1, 1
    assert distance(one, other) == pytest.approx(0.5, rel=EVEN)


def test_places_and_sizes_do_not_matter() -> None:
    image = random_image(0)
    shuffled = np.random.default_rng(1).permuted(image.reshape(3, -1).T, axis=0)
    assert distance(image, image[:, :, ::-1, ::-1]) == 0
    assert distance(image, image.repeat(2, axis=2).repeat(3, axis=3)) == 0
    assert distance(image, shuffled.T.reshape(image.shape)) > 0, "other colours, same channels"


def test_it_is_a_distance() -> None:
    a, b, c = random_image(0), random_image(1, 20, 30) ** 2, random_image(2, 9, 7) / 2
    assert distance(a, b) == distance(b, a)
    assert 0 < distance(a, c) < distance(a, b) + distance(b, c)


def test_directions_are_spread_evenly() -> None:
    directions = _directions()
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    spread = directions.T @ directions / DIRECTIONS
    np.testing.assert_allclose(spread, np.eye(3) / 3, atol=EVEN / 3)
