"""The Python interface: pictures, options and models as a notebook would give them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylize.models.errors import ImageError, ModelError, OptionError
from stylize.runtime import Model, Options, transfer

SHORT = Options(size=48, iterations=3)


@pytest.fixture
def model() -> Model:
    return Model.open("compact")


def test_files_and_pillow_images_give_the_same(model: Model, picture: Callable[..., Path]) -> None:
    photo, painting = picture("photo.png"), picture("painting.png", seed=1)
    from_files = list(transfer(model, photo, str(painting), SHORT))
    with Image.open(photo) as one, Image.open(painting) as other:
        from_images = list(transfer(model, one, other, SHORT))
    assert [i.losses for i in from_files] == [i.losses for i in from_images]
    np.testing.assert_array_equal(from_files[-1].pixels, from_images[-1].pixels)


def test_a_pillow_image_is_read_as_its_file_would_be(
    model: Model, tmp_path: Path, picture: Callable[..., Path]
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 48, 4), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "clear.png")
    painting = picture("painting.png")
    (from_file, *_) = transfer(model, tmp_path / "clear.png", painting, SHORT)
    (from_image, *_) = transfer(model, Image.fromarray(pixels), painting, SHORT)
    np.testing.assert_array_equal(from_file.pixels, from_image.pixels)
    with pytest.raises(ImageError, match="64x10 pixels"):
        transfer(model, Image.new("RGB", (64, 10)), painting, SHORT)


def test_errors_come_with_the_call_and_not_with_the_first_iterate(
    model: Model, picture: Callable[..., Path]
) -> None:
    path = picture()
    with pytest.raises(ImageError, match=r"There is no picture 'missing\.png'"):
        transfer(model, "missing.png", path, SHORT)
    with pytest.raises(OptionError, match="no layer 'conv9_9'"):
        transfer(model, path, path, Options(style_layers=("conv9_9",)))
    with pytest.raises(ModelError, match="no graph for"):
        transfer(model, path, path, Options(style_layers=("conv3_3",)))


def test_a_layer_named_twice_counts_once(model: Model, picture: Callable[..., Path]) -> None:
    path, other = picture(), picture("other.png", seed=1)
    once = Options(size=48, iterations=1, style_layers=("conv1_1",))
    twice = Options(size=48, iterations=1, style_layers=("conv1_1", "conv1_1"))
    (expected,) = transfer(model, path, other, once)
    (found,) = transfer(model, path, other, twice)
    assert found.losses == expected.losses


def test_style_alone_and_content_alone_use_graphs_of_their_own(
    model: Model, picture: Callable[..., Path]
) -> None:
    path, other = picture(), picture("other.png", seed=1)
    noise = {"size": 48, "iterations": 4, "init": "noise"}
    *_, style = transfer(model, path, other, Options(content_weight=0, **noise))  # type: ignore[arg-type]
    *_, content = transfer(model, path, other, Options(style_weight=0, **noise))  # type: ignore[arg-type]
    assert style.content_losses == {}
    assert content.style_losses == {}
    assert style.total > 0 < content.total
