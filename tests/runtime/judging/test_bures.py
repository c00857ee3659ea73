"""Bures distances beside other formulas for the same, and what can be told by hand."""

import numpy as np
import numpy.typing as npt
import pytest

from stylize.runtime.judging import bures
from stylize.runtime.judging.bures import Gaussian, bures_distance, gaussian_of

Double = npt.NDArray[np.float64]

EXACT = 1e-9
"""Relative; square roots of sums in float64, from which sums as large are subtracted."""


def random_gaussian(seed: int, channels: int = 6, rank: int | None = None) -> Gaussian:
    random = np.random.default_rng(seed)
    factor = random.standard_normal((channels, rank or channels))
    return Gaussian(random.standard_normal(channels), factor @ factor.T)


def naive(one: Gaussian, other: Gaussian) -> float:
    """The definition, with the eigenvalues of C C', which are those of C^½ C' C^½."""
    eigenvalues = np.linalg.eigvals(one.covariance @ other.covariance).real
    overlap = np.sqrt(eigenvalues.clip(min=0)).sum()
    traces = np.trace(one.covariance) + np.trace(other.covariance)
    return float(np.sqrt(((one.mean - other.mean) ** 2).sum() + traces - 2 * overlap))


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_definition(seed: int) -> None:
    one, other = random_gaussian(seed), random_gaussian(seed + 10)
    assert bures_distance(one, other) == pytest.approx(naive(one, other), rel=EXACT)


def test_of_channels_that_vary_alone() -> None:
    one = Gaussian(np.array([1.0, 2.0]), np.diag([4.0, 9.0]))
    other = Gaussian(np.array([4.0, 6.0]), np.diag([1.0, 25.0]))
    squared = 3**2 + 4**2 + (2 - 1) ** 2 + (3 - 5) ** 2
    assert bures_distance(one, other) == pytest.approx(squared**0.5, rel=EXACT)


def test_of_distributions_along_a_line() -> None:
    """Covariances u uᵀ have no inverse; the distance is that of u and v, or of u and -v."""
    u, v = np.array([1.0, 2.0, 0.0]), np.array([-3.0, 1.0, 1.0])
    one, other = (Gaussian(np.zeros(3), np.outer(w, w)) for w in (u, v))
    nearest = min(np.linalg.norm(u - v), np.linalg.norm(u + v))
    assert bures_distance(one, other) == pytest.approx(nearest, rel=EXACT)


def test_of_equal_forms_it_is_that_of_the_means() -> None:
    one = random_gaussian(0)
    moved = Gaussian(one.mean + 2, one.covariance)
    assert bures_distance(one, moved) == pytest.approx(2 * 6**0.5, rel=EXACT)


@pytest.mark.parametrize("rank", [None, 2])
def test_it_is_a_distance(rank: int | None) -> None:
    a, b, c = (random_gaussian(seed, rank=rank) for seed in range(3))
    assert bures_distance(a, a) == 0
    assert bures_distance(a, b) == pytest.approx(bures_distance(b, a), rel=EXACT)
    assert 0 < bures_distance(a, c) < bures_distance(a, b) + bures_distance(b, c)


def test_equal_wide_distributions_are_0_apart_in_spite_of_rounding() -> None:
    random = np.random.default_rng(0)
    response = 1000 * random.random((1, 256, 8, 9)).astype(np.float32)
    turned = np.ascontiguousarray(response[:, :, ::-1])
    assert bures_distance(gaussian_of(response), gaussian_of(turned)) == 0


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_mean_and_covariance(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bures, "BLOCK", block)
    response = np.random.default_rng(0).random((1, 4, 5, 6), np.float32) + 100
    found = gaussian_of(response)
    columns = response.reshape(4, 30).astype(np.float64)
    np.testing.assert_allclose(found.mean, columns.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(found.covariance, np.cov(columns, bias=True), rtol=1e-9)
