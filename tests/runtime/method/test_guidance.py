"""Guidance against a plain computation in torch."""

import numpy as np
import pytest

from stylize.models.catalog import embedded_folder
from stylize.models.folder import open_folder
from stylize.runtime.method.guidance import guidance

torch = pytest.importorskip("torch", reason="the truth is torch's convolutions")

MANIFEST = open_folder(embedded_folder()).manifest
LAYERS = ("conv1_1", "conv2_2", "pool2", "conv4_1")


def expected(mask: np.ndarray, wanted: str) -> np.ndarray:
    """Return T² / Σ T²: a mask seen through kernels of ones and through mean poolings."""
    functional = torch.nn.functional
    value = torch.tensor(mask, dtype=torch.float64)[None, None]
    for layer in MANIFEST.layers:
        if layer.name.startswith("pool"):
            value = functional.avg_pool2d(value, 2)
        else:
            value = functional.avg_pool2d(functional.pad(value, (1, 1, 1, 1), "replicate"), 3, 1)
        if layer.name == wanted:
            return (value[0, 0] ** 2 / (value**2).sum()).numpy()
    raise AssertionError(wanted)


@pytest.mark.parametrize("size", [(48, 64), (51, 35)])
def test_it_goes_down_as_the_picture_does(size: tuple[int, int]) -> None:
    masks = np.random.default_rng(0).random((2, *size)).astype(np.float32)
    found = guidance(masks, MANIFEST.layers, LAYERS)
    assert [*found] == [f"guidance.{layer}" for layer in LAYERS]
    for layer in LAYERS:
        for mask, weights in zip(masks, found[f"guidance.{layer}"], strict=True):
            np.testing.assert_allclose(weights, expected(mask, layer), rtol=1e-5)


def test_a_single_pixel_is_seen_by_every_layer() -> None:
    masks = np.zeros((1, 64, 64), np.float32)
    masks[0, 20, 30] = 1
    for weights in guidance(masks, MANIFEST.layers, LAYERS).values():
        assert weights.sum() == pytest.approx(1)


def test_what_poolings_drop_has_no_weight() -> None:
    """And leads to no division by zero."""
    masks = np.zeros((1, 65, 64), np.float32)
    masks[0, 64] = 1e-30
    (weights,) = guidance(masks, MANIFEST.layers, ("conv4_1",)).values()
    assert not weights.any()


def test_a_margin_shows_what_is_beside_it() -> None:
    masks = np.random.default_rng(0).random((1, 40, 40)).astype(np.float32)
    framed = np.pad(masks, ((0, 0), (8, 8), (8, 8)), "reflect")
    found, whole = (
        guidance(masks, MANIFEST.layers, LAYERS, margin=8),
        guidance(framed, MANIFEST.layers, LAYERS),
    )
    for name, weights in whole.items():
        np.testing.assert_array_equal(found[name], weights)
