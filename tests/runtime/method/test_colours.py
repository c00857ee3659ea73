"""Whose colours a picture has: the painting's or the photo's, before the losses or after."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

pytest.importorskip("onnxruntime", reason="makes pictures")

from stylize.runtime import Model, Options, Scene, load_image, to_array
from stylize.runtime.method.options import Colors
from stylize.runtime.method.paintings import Painting
from stylize.runtime.method.views import Views
from stylize.runtime.pictures.lightness import to_grey
from stylize.runtime.pictures.matching import match_colours, mixed, moments
from stylize.runtime.pictures.oklab import oklab
from stylize.runtime.pictures.reading import PictureLike
from stylize.runtime.pictures.sizes import scale_to

Array = npt.NDArray[np.float32]

OPTIONS = Options(size=48, scales=1, iterations=4, margin=0, style_layers=("conv1_1", "conv2_1"))


@pytest.fixture
def photo(picture: Callable[..., Path]) -> Path:
    return picture("photo.png", (60, 40))


@pytest.fixture
def painting(picture: Callable[..., Path]) -> Path:
    return picture("painting.png", (48, 48), seed=1)


@pytest.fixture
def model() -> Model:
    return Model.open("compact", "cpu")


def as_array(picture: PictureLike, size: int = 48) -> Array:
    return to_array(scale_to(load_image(picture), size))


def seen(
    model: Model, photo: Path | None, paintings: list[Painting[PictureLike]], colors: Colors
) -> list[Array]:
    """Return the photo and the paintings as they are looked at."""
    views, options = Views(model.folder, photo, paintings), replace(OPTIONS, colors=colors)
    (part,) = views.parts
    shown = (views.painting(part, each, options) for each in part.seen_by(options.layers.style))
    return [views.canvas(options), *shown]


def test_of_the_photo_after_the_painting_was_matched(
    model: Model, photo: Path, painting: Path
) -> None:
    canvas, shown = seen(model, photo, [Painting(painting)], "photo-matched")
    np.testing.assert_array_equal(canvas, as_array(photo))
    expected = as_array(painting)
    match_colours(expected, moments(canvas))
    np.testing.assert_array_equal(shown, expected)
    found, wanted = moments(shown), moments(canvas)
    np.testing.assert_allclose(found.mean, wanted.mean, atol=0.02)  # some are clipped


def test_of_light_alone(model: Model, photo: Path, painting: Path) -> None:
    """Gatys et al. 2016, section 4.2: L_S' = σ_C / σ_S (L_S - μ_S) + μ_C, of greys."""
    canvas, shown = seen(model, photo, [Painting(painting)], "photo")
    grey, expected = as_array(photo), as_array(painting)
    to_grey(grey)
    to_grey(expected)
    np.testing.assert_array_equal(canvas, grey)
    scale = grey.std(dtype=np.float64) / expected.std(dtype=np.float64)
    expected = scale * (expected - expected.mean()) + grey.mean()
    np.testing.assert_allclose(shown, expected.clip(0, 1), atol=1e-3)


def test_a_picture_of_light_alone_has_the_photos_hues(
    model: Model, photo: Path, painting: Path
) -> None:
    scene, options = Scene(model, photo, painting), replace(OPTIONS, colors="photo")
    *_, last = scene.render(options)
    found, given = oklab(as_array(last.image)), oklab(as_array(photo))
    grey = last.pixels.clip(0, 1)
    np.testing.assert_allclose(found[0], oklab(grey)[0], atol=0.01)
    chroma, wanted = np.hypot(*found[1:]), np.hypot(*given[1:])
    assert (chroma <= wanted + 0.02).all()
    assert (np.abs(chroma - wanted) < 0.02).mean() > 0.3
    shown = chroma > 0.05
    cosine = (found[1:] * given[1:]).sum(0)[shown] / (chroma * wanted)[shown]
    assert cosine.min() > 0.97


def test_it_keeps_its_transparency(model: Model, photo: Path, painting: Path) -> None:
    cut_out = Image.open(photo).convert("RGBA")
    cut_out.putalpha(Image.linear_gradient("L").resize(cut_out.size))
    *_, last = Scene(model, cut_out, painting).render(replace(OPTIONS, colors="photo"))
    assert last.image.mode == "RGBA"


def test_from_coarse_to_fine(model: Model, photo: Path, painting: Path) -> None:
    options = replace(OPTIONS, size=64, scales=(32,), iterations=12, colors="photo", margin=4)
    first, *_, last = Scene(model, photo, painting).render(options)
    assert last.best.total < first.total
    assert last.image.size == (64, 43)


def test_of_several_paintings(model: Model, photo: Path, painting: Path) -> None:
    """All pixels of all paintings, by their shares, have the colours that the photo takes on."""
    other = Image.effect_noise((48, 48), 40).convert("RGB")
    canvas, *_ = seen(model, photo, [Painting(painting, 3), Painting(other)], "painting-matched")
    parts = [(moments(as_array(painting)), 0.75), (moments(as_array(other)), 0.25)]
    expected = as_array(photo)
    match_colours(expected, mixed(parts))
    np.testing.assert_array_equal(canvas, expected)


def test_of_the_painting_that_the_lowest_layer_sees(
    model: Model, photo: Path, painting: Path
) -> None:
    other = Image.effect_noise((48, 48), 40).convert("RGB")
    blend = [Painting(other), Painting(painting, layers=("conv1_1",))]
    canvas, *_ = seen(model, photo, blend, "painting-matched")
    expected, *_ = seen(model, photo, [Painting(painting)], "painting-matched")
    np.testing.assert_array_equal(canvas, expected)


@pytest.mark.parametrize("colors", get_args(Colors))
@pytest.mark.parametrize("plain", ["photo", "painting", "both"])
def test_pictures_of_one_colour_or_none(
    model: Model, photo: Path, painting: Path, colors: Colors, plain: str
) -> None:
    one = Image.new("RGB", (60, 40), (200, 30, 30))
    grey = load_image(photo).convert("L").convert("RGB")
    pictures: list[tuple[PictureLike, PictureLike]] = {
        "photo": [(one, painting), (grey, painting)],
        "painting": [(photo, one), (photo, grey)],
        "both": [(one, one), (grey, grey)],
    }[plain]
    for content, style in pictures:
        for iterate in Scene(model, content, style).render(replace(OPTIONS, colors=colors)):
            assert np.isfinite(iterate.total)
            assert np.isfinite(iterate.pixels).all()


@pytest.mark.parametrize("colors", get_args(Colors))
def test_a_texture_has_no_photo_to_take_them_from(
    model: Model, painting: Path, colors: Colors
) -> None:
    shown = seen(model, None, [Painting(painting)], colors)
    for each in shown:
        np.testing.assert_array_equal(each, as_array(painting))


def test_each_choice_has_targets_of_its_own(model: Model, photo: Path, painting: Path) -> None:
    scene, image = Scene(model, photo, painting), as_array(photo)
    totals = {}
    for colors in (*get_args(Colors), *get_args(Colors)):
        options = replace(OPTIONS, colors=colors)
        fresh = Scene(model, photo, painting).objective(options)(image).total
        assert scene.objective(options)(image).total == fresh
        totals[colors] = fresh
    assert len(set(totals.values())) == 4


def test_cropping_is_of_the_painting_alone(model: Model, photo: Path, painting: Path) -> None:
    framed = Image.new("RGB", (68, 68), "white")
    framed.paste(load_image(painting), (10, 10))
    options = replace(OPTIONS, crop_painting=10)
    *_, found = Scene(model, photo, framed).render(options)
    *_, expected = Scene(model, photo, painting).render(OPTIONS)
    np.testing.assert_array_equal(found.pixels, expected.pixels)
