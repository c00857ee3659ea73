"""Pictures with regions: each takes the style of its painting, and nothing of the others."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from every_provider import MODES, provider_or_skip
from PIL import Image

pytest.importorskip("onnxruntime", reason="makes pictures")

from stylize.models.layers import Statistics
from stylize.runtime import Mask, Model, Options, Painting, Region, Scene
from stylize.runtime.checks.comparison import (
    FLOAT32,
    gradients_apart,
    losses_apart,
    named_losses,
    reference_provider,
    tolerance_of,
)
from stylize.runtime.method.objective import Evaluation
from stylize.runtime.method.options import Colors
from stylize.runtime.providers.table import Precision

Array = npt.NDArray[np.float32]

SIZE = (64, 48)
OPTIONS = Options(size=SIZE[0], iterations=4, margin=8, scales=1)
LEFT = np.zeros((48, 64), np.uint8)
LEFT[:, :40] = 255
WHITE = np.full_like(LEFT, 255)


@pytest.fixture
def photo(picture: Callable[..., Path]) -> Path:
    return picture("photo.png", SIZE)


@pytest.fixture
def paintings(picture: Callable[..., Path]) -> tuple[Path, Path]:
    return picture("one.png", (60, 50), seed=1), picture("two.png", (40, 70), seed=2)


@pytest.fixture
def model() -> Model:
    return Model.open("compact", "cpu")


def evaluated(scene: Scene, options: Options = OPTIONS) -> Evaluation:
    """Return losses and gradient at an image half-way between the photo and noise."""
    images = [scene.start(replace(options, init=init)) for init in ("photo", "noise")]
    return scene.objective(options)(np.mean(images, axis=0, dtype=np.float32))


def assert_alike(found: Evaluation, expected: Evaluation, within: float = 1.0) -> None:
    assert found.total == pytest.approx(expected.total, rel=within * FLOAT32.losses)
    for layer, loss in expected.style_losses.items():
        assert found.style_losses[layer] == pytest.approx(loss, rel=within * FLOAT32.losses)
    away = np.linalg.norm(found.gradient - expected.gradient)
    assert away <= within * FLOAT32.gradient * np.linalg.norm(expected.gradient)


@pytest.mark.parametrize("colors", ["painting-matched", "painting", "photo", "photo-matched"])
def test_a_region_of_everything_is_the_whole(
    model: Model, photo: Path, paintings: tuple[Path, Path], colors: Colors
) -> None:
    options = replace(OPTIONS, colors=colors)
    expected = evaluated(Scene(model, photo, paintings[0]), options)
    for white in (WHITE, WHITE[:24, :32]):
        region = Region(Image.fromarray(white), paintings[0])
        assert_alike(evaluated(Scene(model, photo, regions=[region]), options), expected)


@pytest.mark.parametrize("mode", MODES)
def test_every_provider(
    model: Model, photo: Path, paintings: tuple[Path, Path], mode: tuple[str, Precision]
) -> None:
    provider = provider_or_skip(*mode)
    ramp = Image.linear_gradient("L").resize(SIZE)
    regions = [Region(ramp, paintings[0]), Region(Image.fromarray(LEFT), paintings[1])]
    found, expected = (
        evaluated(Scene(Model(model.folder, each), photo, regions=regions))
        for each in (provider, reference_provider())
    )
    tolerance = tolerance_of(provider, model.folder.manifest.pooling)
    assert losses_apart(named_losses(found), named_losses(expected)) <= tolerance.losses
    assert gradients_apart(found.gradient, expected.gradient) <= tolerance.gradient


def test_the_paintings_of_the_command_are_for_the_rest(
    model: Model, photo: Path, paintings: tuple[Path, Path]
) -> None:
    one, two = paintings
    left, right = Image.fromarray(LEFT), Image.fromarray(255 - LEFT)
    both = Scene(model, photo, regions=[Region(left, one), Region(right, two)])
    rest = Scene(model, photo, two, [Region(left, one)])
    assert_alike(evaluated(rest), evaluated(both))


@pytest.mark.parametrize("statistics", ["gram+moments", "bures"])
def test_other_statistics_by_tiles_as_whole(
    model: Model, photo: Path, paintings: tuple[Path, Path], statistics: Statistics
) -> None:
    """Only Gram matrices have graphs of regions without tiles."""
    options = replace(OPTIONS, style_statistics=statistics, style_layers=("conv1_1", "conv3_1"))
    scene = Scene(model, photo, regions=[Region(Image.fromarray(WHITE), paintings[0])])
    assert scene.plan(options).tile
    expected = evaluated(Scene(model, photo, paintings[0]), options)
    assert_alike(evaluated(scene, options), expected, within=3)


def test_soft_regions_by_tiles_as_whole(
    model: Model, photo: Path, paintings: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ramp = Image.linear_gradient("L").resize(SIZE)
    regions = [Region(ramp, paintings[0]), Region(Image.fromarray(LEFT), paintings[1])]
    expected = evaluated(Scene(model, photo, regions=regions))
    monkeypatch.setattr("stylize.runtime.streaming.plan.UNSTREAMED", 0)
    monkeypatch.setattr("stylize.runtime.streaming.plan.TILES", ((16, 24),))
    scene = Scene(model, photo, regions=regions)
    assert scene.plan(OPTIONS).tile == (16, 24)
    assert_alike(evaluated(scene), expected)


def test_a_region_leaves_the_rest_as_the_photo_has_it(
    model: Model, photo: Path, paintings: tuple[Path, Path]
) -> None:
    options = replace(OPTIONS, iterations=30, scales=2, size=128)
    scene = Scene(model, photo, regions=[Region(Image.fromarray(LEFT), paintings[0])])
    *_, last = scene.render(options)
    before = scene.start(replace(options, margin=0))
    changed = np.abs(last.best.pixels - before).mean(axis=(0, 1, 2))
    assert changed[120:].mean() < 0.1 * changed[:60].mean()


@pytest.mark.parametrize("colors", ["painting-matched", "painting", "photo", "photo-matched"])
def test_a_mask_of_the_painting_hides_what_it_does_not_cover(
    model: Model, photo: Path, paintings: tuple[Path, Path], colors: Colors
) -> None:
    """Whatever is there. Only near the edge do positions see beyond it."""
    one, two = (Image.open(path).convert("RGB").resize((256, 256)) for path in paintings)
    both = one.copy()
    both.paste(two.crop((192, 0, 256, 256)), (192, 0))
    mask = Image.new("L", (256, 256))
    mask.paste(255, (0, 0, 96, 256))
    white = Image.fromarray(WHITE)
    options = replace(OPTIONS, painting_size=256, colors=colors, style_layers=("conv2_1",))
    first, second = (
        evaluated(Scene(model, photo, regions=[Region(white, each, mask)]), options)
        for each in (one, both)
    )
    assert_alike(second, first)
    everything = evaluated(Scene(model, photo, regions=[Region(white, both)]), options)
    losses = everything.style_losses, first.style_losses
    assert losses[0]["conv2_1"] != pytest.approx(losses[1]["conv2_1"], rel=1e-2)


def test_losses_are_the_mean_of_the_regions(
    model: Model, photo: Path, paintings: tuple[Path, Path]
) -> None:
    """By what each has of the picture; the weights make the total of the same parts."""
    masks = [Image.fromarray(LEFT), Image.fromarray(255 - LEFT)]
    options = replace(OPTIONS, content_weight=0.0, losses="paper", margin=0, colors="painting")
    both, one, other = (
        evaluated(Scene(model, photo, regions=[*map(Region, of_masks, of_paintings)]), options)
        for of_masks, of_paintings in (
            (masks, paintings),
            (masks[:1], paintings[:1]),
            (masks[1:], paintings[1:]),
        )
    )
    factors = Scene(model, photo, paintings[0]).coefficients(options).style
    for layer, loss in both.style_losses.items():
        apart = 40 / 64 * one.style_losses[layer] + 24 / 64 * other.style_losses[layer]
        assert loss == pytest.approx(apart, rel=1e-5)
    expected = sum(factors[layer] * loss for layer, loss in both.style_losses.items())
    assert both.total == pytest.approx(expected, rel=1e-5)


def test_init_painting_starts_from_that_of_the_rest(
    model: Model, photo: Path, paintings: tuple[Path, Path]
) -> None:
    one, two = paintings
    options = replace(OPTIONS, init="painting", colors="painting")
    regions = [Region(Image.fromarray(LEFT), one)]
    for painting, expected in ((two, two), (None, one)):
        start = Scene(model, photo, painting, regions).start(options)
        np.testing.assert_array_equal(start, Scene(model, photo, expected).start(options))


def test_colour_coded_regions(model: Model, photo: Path, paintings: tuple[Path, Path]) -> None:
    coded = Image.new("RGB", SIZE, "red")
    coded.paste("blue", (40, 0, 64, 48))
    colours = [Mask(coded, "red"), Mask(coded, "0000ff")]
    grey = [Image.fromarray(LEFT), Image.fromarray(255 - LEFT)]
    by_colour, by_grey = (
        Scene(model, photo, regions=[*map(Region, masks, paintings)]) for masks in (colours, grey)
    )
    assert_alike(evaluated(by_colour), evaluated(by_grey))


def test_a_region_may_blend_paintings(
    model: Model, photo: Path, paintings: tuple[Path, Path]
) -> None:
    blend = [Painting(paintings[0], 3), Painting(paintings[1], 1)]
    region = Region(Image.fromarray(WHITE), blend)
    found = evaluated(Scene(model, photo, regions=[region]))
    assert_alike(found, evaluated(Scene(model, photo, blend)))
