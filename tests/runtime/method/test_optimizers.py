"""L-BFGS and Adam against torch's, and where they must do better."""

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest
from field import Formula, walk
from two_loops import TwoLoops, by_coordinates, image_of

from stylize.runtime.method.options import AS_PUBLISHED, OptimizerName

if TYPE_CHECKING:
    import torch

Array = npt.NDArray[np.float32]
Loss = Callable[["torch.Tensor"], "torch.Tensor"]

SHAPE = (1, 3, 4, 5)
CURVATURES = np.geomspace(1, 300, 60, dtype=np.float32).reshape(SHAPE)


def minimise(
    field: Callable[[Array], Array], steps: int, name: OptimizerName = "lbfgs", **settings: float
) -> Array:
    """Return the image after some steps; the loss, which never explodes, leaves the way to them."""
    return next(islice(walk(of(field), start(), name, **settings), steps, None))


def of(field: Callable[[Array], Array]) -> Formula:
    return lambda image: (1.0, field(image))


def start() -> Array:
    return np.random.default_rng(0).random(SHAPE, np.float32)


def bowl(image: Array) -> Array:
    """Gradient of a quadratic with curvatures from 1 to 300 and its minimum at 0.5."""
    return CURVATURES * (image - 0.5)


def valley(image: Array) -> Array:
    """Gradient of a convex quartic."""
    return CURVATURES * (image - 0.5) + 4 * (image - 0.5) ** 3


def torch_minimise(
    make: Callable[..., "torch.optim.Optimizer"], field: Callable, steps: int
) -> Array:
    torch = pytest.importorskip("torch", reason="compares with torch.optim")
    image = torch.tensor(start(), requires_grad=True)
    optimizer = make(torch, image)
    seen: list[Array] = []

    def closure() -> float:
        seen.append(image.detach().numpy().copy())
        image.grad = torch.from_numpy(field(image.detach().numpy()))
        return 1.0

    while len(seen) <= steps:
        optimizer.step(closure)
    return seen[steps]


@pytest.mark.parametrize("field", [bowl, valley])
def test_lbfgs_steps_as_the_two_loops_do(field: Callable[[Array], Array]) -> None:
    """In float32; `tests/export` compares the graph in float64, and the two loops with torch."""
    reference, expected = TwoLoops(5), start().astype(np.float64)
    for found in islice(walk(of(field), start(), history=5), 15):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
        gradient = by_coordinates(field(expected.astype(np.float32)).astype(np.float64))
        expected = expected + image_of(reference.step(1.0, gradient))


@pytest.mark.parametrize("steps", [1, 2, 30])
def test_adam_steps_as_torch(steps: int) -> None:
    found = minimise(bowl, steps, "adam", learning_rate=0.05)
    expected = torch_minimise(lambda torch, image: torch.optim.Adam([image], lr=0.05), bowl, steps)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_lbfgs_reaches_the_minimum_at_any_scale_of_the_loss(scale: float) -> None:
    def scaled(image: Array) -> tuple[float, Array]:
        away = image.astype(np.float64) - 0.5
        return scale * (CURVATURES * away**2).sum() / 2, np.float32(scale) * bowl(image)

    found = next(islice(walk(scaled, start()), 100, None))
    np.testing.assert_allclose(found, 0.5, atol=1e-3)


def test_lbfgs_leaves_a_region_of_negative_curvature_in_a_few_steps() -> None:
    """There torch's would step by the whole gradient, here a million times the picture."""

    def ridge(image: Array) -> tuple[float, Array]:
        angle = 2 * np.pi * (image - 0.5)
        total = 1e6 / (2 * np.pi) * (1 - np.cos(angle)).sum()
        return float(total), 1e6 * np.sin(angle) * np.float32(1)

    images = list(islice(walk(ridge, np.full(SHAPE, 0.01, np.float32)), 41))
    assert max(float(np.abs(image).max()) for image in images) < 5
    np.testing.assert_allclose(ridge(images[-1])[1], 0, atol=1e3)


@pytest.mark.parametrize("name", ["lbfgs", "adam"])
def test_where_the_gradient_is_zero_nothing_moves(name: OptimizerName) -> None:
    np.testing.assert_array_equal(minimise(np.zeros_like, 3, name), start())


def test_the_image_that_was_given_is_not_changed() -> None:
    image = start()
    assert not np.array_equal(next(islice(walk(of(bowl), image), 3, None)), image)
    np.testing.assert_array_equal(image, start())


@pytest.mark.real_weights
def test_lbfgs_gets_as_far_as_torch_on_the_real_network(
    real_weights: Path, real_model: Callable[..., Path], real_pictures: Path
) -> None:
    """50 evaluations from the photo, at a scale at which torch's does not diverge."""
    pytest.importorskip("torch", reason="compares with torch.optim")
    from torch_transfer import torch_losses

    from stylize.export.network.architecture import vgg19
    from stylize.export.sources.loading import load_weights
    from stylize.runtime import Model, transfer

    network = vgg19()
    weights = load_weights(str(real_weights), network, "caffe")
    photo = real_pictures / "tuebingen_neckarfront.jpg"
    painting = real_pictures / "starry_night.jpg"
    options = replace(AS_PUBLISHED, size=64, init="photo", iterations=50)
    options = replace(options, content_weight=1e-10, style_weight=1e-7)
    *_, last = transfer(Model.open(real_model()), photo, painting, options)
    theirs = torch_losses(network, weights.arrays, photo, painting, options)
    print(f"ours {last.total:.5f}, torch.optim.LBFGS {theirs[-1]:.5f}")
    assert last.total <= theirs[-1]
