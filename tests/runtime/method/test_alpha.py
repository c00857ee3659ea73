"""A photo that is transparent in parts gives such a picture, and its hidden colours do nothing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from stylize.runtime import Iterate, Model, Options, Scene, reconstruct, texture, transfer

Values = npt.NDArray[Any]

SHORT = Options(size=48, iterations=2)
LEVELS = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
ALPHA = np.zeros((64, 96), np.uint8)
ALPHA[8:50, 20:70] = 255
ALPHA[50:60, 20:70] = 100


def cut_out(hidden: int = 0) -> Values:
    """Noise with transparent parts, under which a grey level is hidden."""
    colours = np.where(ALPHA[..., None] > 0, LEVELS, np.uint8(hidden))
    return np.concatenate([colours, ALPHA[..., None]], -1)


@pytest.fixture
def model() -> Model:
    return Model.open("compact")


@pytest.fixture
def painting(picture: Any) -> Path:
    return picture("painting.png", (50, 70), seed=1)


def last(iterates: Iterator[Iterate]) -> Iterate:
    *_, found = iterates
    return found


@pytest.mark.parametrize("size", [48, (40, 32), 96, (96, 64)])
def test_a_result_has_the_photos_alpha(model: Model, painting: Path, size: Any) -> None:
    found = last(transfer(model, cut_out(), painting, replace(SHORT, size=size)))
    for image in (found.image, found.best.image):
        assert image.mode == "RGBA"
        alpha = np.asarray(image.getchannel("A"), int)
        width, height = image.size
        box = (0, 0, 96, 64) if width * 64 == height * 96 else (8, 0, 88, 64)
        exact = Image.fromarray(ALPHA.astype(np.float32))
        expected = np.asarray(exact.resize(image.size, Image.Resampling.LANCZOS, box))
        assert np.abs(alpha - expected.clip(0, 255)).max() <= 1


def test_hidden_colours_change_nothing(model: Model, painting: Path) -> None:
    black, white = (last(transfer(model, cut_out(hidden), painting, SHORT)) for hidden in (0, 255))
    np.testing.assert_array_equal(black.pixels, white.pixels)


def test_an_edge_is_not_pulled_towards_white(model: Model, painting: Path) -> None:
    """In a picture of one colour, what is around a cut-out is of that colour, too."""
    photo = np.full((64, 96, 4), (200, 30, 30, 255), np.uint8)
    whole = Scene(model, photo, painting).start(SHORT)
    photo[ALPHA == 0] = 255, 255, 255, 0
    np.testing.assert_array_equal(Scene(model, photo, painting).start(SHORT), whole)


def test_an_alpha_that_hides_nothing_is_none(model: Model, painting: Path) -> None:
    opaque = np.concatenate([LEVELS, np.full((64, 96, 1), 255, np.uint8)], -1)
    found, expected = (last(transfer(model, photo, painting, SHORT)) for photo in (opaque, LEVELS))
    assert found.image.mode == "RGB"
    np.testing.assert_array_equal(found.pixels, expected.pixels)


def test_a_reconstruction_keeps_it_and_a_texture_has_none(model: Model) -> None:
    noise = replace(SHORT, init="noise")
    assert last(reconstruct(model, cut_out(), noise)).image.mode == "RGBA"
    assert last(texture(model, cut_out(), noise)).image.mode == "RGB"


def test_a_painting_is_seen_on_white(model: Model) -> None:
    on_white = Image.new("RGBA", (96, 64), "white")
    on_white.alpha_composite(Image.fromarray(cut_out()))
    found, expected = (
        last(transfer(model, LEVELS, painting, SHORT))
        for painting in (cut_out(), on_white.convert("RGB"))
    )
    np.testing.assert_array_equal(found.pixels, expected.pixels)


def test_a_scene_has_it_in_every_size(model: Model, painting: Path, tmp_path: Path) -> None:
    Image.fromarray(cut_out()).save(tmp_path / "photo.png")
    scene = Scene(model, tmp_path / "photo.png", painting)
    sizes: list[Any] = [24, 48, (32, 20), 24]
    for size in sizes:
        found = last(scene.render(replace(SHORT, size=size, iterations=1))).image
        fresh = last(transfer(model, cut_out(), painting, replace(SHORT, size=size, iterations=1)))
        assert found == fresh.image
        assert found.mode == "RGBA"


def test_a_start_from_a_cut_out_has_no_hidden_colours(
    model: Model, painting: Path, tmp_path: Path
) -> None:
    starts = []
    for hidden in (0, 255):
        path = tmp_path / f"{hidden}.png"
        Image.fromarray(cut_out(hidden)).save(path)
        starts.append(Scene(model, LEVELS, painting).start(replace(SHORT, init=str(path))))
    np.testing.assert_array_equal(*starts)
