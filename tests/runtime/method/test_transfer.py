"""The Python interface: pictures, options and models as a notebook would give them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylize.models.errors import ImageError, ModelError, OptionError
from stylize.models.layers import LayerSet
from stylize.runtime import Model, Options, load_image, scale_to, to_array, transfer

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


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 15},
        {"iterations": 0},
        {"content_weight": -1.0},
        {"style_weight": float("nan")},
        {"content_weight": 0.0, "style_weight": 0.0},
        {"content_layers": (), "style_layers": ()},
        {"optimizer": "sgd"},
        {"history": 0},
        {"learning_rate": 0.0},
        {"seed": -1},
    ],
    ids=str,
)
def test_options_that_cannot_be_used(wrong: dict[str, object]) -> None:
    with pytest.raises(OptionError, match="must be"):
        Options(**wrong)  # type: ignore[arg-type]


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


def test_features_of_a_tiny_image_lack_the_layers_without_a_response(model: Model) -> None:
    small = model.features(np.zeros((1, 3, 17, 16), np.float32))
    assert small["conv5_1"].shape == (1, 128, 1, 1)
    assert small["gram.conv1_1"].shape == (16, 16)


def test_targets_are_the_features_and_grams(model: Model, picture: Callable[..., Path]) -> None:
    image = to_array(scale_to(load_image(picture()), 40))
    features = model.features(image)
    targets = model.targets(image, LayerSet(("conv4_2",))) | model.targets(
        image, LayerSet(style=("conv1_1",))
    )
    np.testing.assert_allclose(targets["content_target.conv4_2"], features["conv4_2"], rtol=1e-5)
    np.testing.assert_allclose(targets["style_target.conv1_1"], features["gram.conv1_1"], rtol=1e-5)


def test_a_finished_session_leaves_no_memory_behind(model: Model) -> None:
    """What ONNX Runtime returns would keep its session's memory alive."""
    targets = model.targets(np.zeros((1, 3, 32, 32), np.float32), LayerSet(("conv4_2",)))
    assert all(target.flags.owndata for target in targets.values())
