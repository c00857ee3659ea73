"""CFSD beside its definition in loops, and what can be told by hand."""

from math import exp, log

import numpy as np
import numpy.typing as npt
import pytest

from stylize.runtime.judging import structure
from stylize.runtime.judging.structure import cfsd, directions_of, shuffled

Array = npt.NDArray[np.float32]

HEIGHT, WIDTH = 4, 6
POSITIONS = HEIGHT * WIDTH


def response(seed: int) -> Array:
    return np.random.default_rng(seed).random((1, 5, HEIGHT, WIDTH), np.float32)


def softmax(logits: list[float]) -> list[float]:
    powers = [exp(logit) for logit in logits]
    return [power / sum(powers) for power in powers]


def similarities(found: Array, i: int) -> list[float]:
    """The cosines of position i and each other, from the response as it is."""
    vectors = [found[0, :, y, x].astype(float) for y in range(HEIGHT) for x in range(WIDTH)]
    length = np.linalg.norm
    return [float(vectors[i] @ each / (length(vectors[i]) * length(each))) for each in vectors]


def divergence(photo: Array, result: Array, i: int) -> float:
    p, q = softmax(similarities(photo, i)), softmax(similarities(result, i))
    return sum(a * log(a / b) for a, b in zip(p, q, strict=True))


def distance(photo: Array, result: Array) -> float:
    return cfsd(directions_of(photo), directions_of(result))


@pytest.mark.parametrize("entries", [1, 50, 2**21])
def test_it_is_the_definition(entries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structure, "ENTRIES", entries)
    photo, result = response(0), response(1)
    expected = np.mean([divergence(photo, result, i) for i in range(POSITIONS)])
    assert distance(photo, result) == pytest.approx(expected, rel=1e-9)


def test_of_a_large_picture_some_positions_are_compared_with_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(structure, "ROWS", 3)
    photo, result = response(0), response(1)
    first, middle, last = 0, round((POSITIONS - 1) / 2), POSITIONS - 1
    expected = np.mean([divergence(photo, result, i) for i in (first, middle, last)])
    assert distance(photo, result) == pytest.approx(expected, rel=1e-9)


def test_it_is_0_whatever_the_contrast() -> None:
    photo = response(0)
    assert distance(photo, photo) == 0
    assert distance(photo, 3 * photo) == pytest.approx(0, abs=1e-12)
    assert distance(photo, response(1)) > 1e-3


def test_directions_may_be_turned_all_together() -> None:
    """What resembles what stays the same if channels are swapped."""
    photo = response(0)
    assert distance(photo, photo[:, ::-1]) == pytest.approx(0, abs=1e-12)


def test_of_a_result_that_is_the_same_everywhere_it_is_what_the_entropy_lacks() -> None:
    photo = response(0)
    distributions = [softmax(similarities(photo, i)) for i in range(POSITIONS)]
    entropies = [-sum(p * log(p) for p in each) for each in distributions]
    expected = log(POSITIONS) - np.mean(entropies)
    assert distance(photo, np.ones_like(photo)) == pytest.approx(expected, rel=1e-9)


def test_a_position_without_a_response_resembles_none() -> None:
    photo = response(0)
    photo[..., 0, 0] = 0
    directions = directions_of(photo)
    assert not directions[0].any()
    assert np.isfinite(cfsd(directions, directions_of(response(1))))


def test_shuffled_are_the_same_in_another_order() -> None:
    directions = directions_of(response(0))
    found = shuffled(directions)
    np.testing.assert_array_equal(found, shuffled(directions))
    assert (found != directions).any()
    np.testing.assert_array_equal(np.sort(found, axis=0), np.sort(directions, axis=0))
    assert cfsd(directions, found) > 0
