"""The total variation against the formula written out, and its gradient."""

import numpy as np
import pytest

from stylize.runtime.variation import total_variation

IMAGE = np.random.default_rng(0).random((1, 3, 4, 5), np.float32)


def written_out(image: np.ndarray) -> float:
    grey = 255 * image.astype(np.float64)
    _, channels, height, width = image.shape
    total = 0.0
    for c in range(channels):
        for i in range(height - 1):
            for j in range(width - 1):
                total += (grey[0, c, i, j + 1] - grey[0, c, i, j]) ** 2 / 2
                total += (grey[0, c, i + 1, j] - grey[0, c, i, j]) ** 2 / 2
    return total


def test_it_is_what_the_formula_says() -> None:
    assert total_variation(IMAGE)[0] == pytest.approx(written_out(IMAGE), rel=1e-6)


def test_its_gradient_is_its_slope_at_every_pixel() -> None:
    gradient = total_variation(IMAGE)[1]
    step = 1e-4
    for index in np.ndindex(IMAGE.shape):
        ahead, behind = IMAGE.astype(np.float64), IMAGE.astype(np.float64)
        ahead[index] += step
        behind[index] -= step
        slope = (written_out(ahead) - written_out(behind)) / (2 * step)
        assert gradient[index] == pytest.approx(slope, rel=1e-4, abs=1e-2)


def test_a_flat_image_has_none() -> None:
    value, gradient = total_variation(np.full((1, 3, 4, 5), 0.7, np.float32))
    assert value == 0
    assert not gradient.any()
