"""The total variation against the formula written out, and its gradient."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="runs a graph")

from stylize.models.catalog import embedded_folder
from stylize.models.folder import open_folder
from stylize.runtime.engine.program import Program
from stylize.runtime.providers.table import configure

CPU = configure("cpu")
IMAGE, GRADIENT = np.random.default_rng(0).random((2, 1, 3, 4, 5), np.float32)


def added(image: np.ndarray, weight: float = 1.0) -> dict[str, np.ndarray]:
    """Return what the graph makes of a loss of 7 and a random gradient."""
    folder = open_folder(embedded_folder())
    program = Program(folder, folder.manifest.variation, {"height": 4, "width": 5}, CPU)
    feeds = {"image": image, "other_gradient": GRADIENT}
    feeds |= {"other_total": np.float32(7), "tv_weight": np.float32(weight)}
    return program({name: np.asarray(value) for name, value in feeds.items()})


def total_variation(image: np.ndarray) -> tuple[float, np.ndarray]:
    found = added(image)
    return float(found["variation"]), found["gradient"] - GRADIENT


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
    np.testing.assert_allclose(gradient, 0, atol=1e-6)


def test_it_is_added_by_its_weight() -> None:
    found, more = added(IMAGE, 0.0), added(IMAGE, 3.0)
    assert found["total"] == 7
    np.testing.assert_array_equal(found["gradient"], GRADIENT)
    assert more["total"] == pytest.approx(7 + 3 * written_out(IMAGE), rel=1e-6)
    assert more["variation"] == found["variation"]
    slope = total_variation(IMAGE)[1]
    np.testing.assert_allclose(more["gradient"] - GRADIENT, 3 * slope, rtol=1e-3, atol=1e-2)
