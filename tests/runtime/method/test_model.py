"""A model: its provider, and what its graphs find in a picture."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from older import OF_FORMAT_3, of_format_3
from PIL import Image

from stylize.models.errors import ImageError, ModelError, OptionError
from stylize.models.layers import LayerSet, Statistics
from stylize.runtime import Model, Options, Scene, load_image, scale_to, to_array, transfer
from stylize.runtime.engine.choice import find_provider
from stylize.runtime.method.options import OptimizerName
from stylize.runtime.providers.table import Precision, configure, exact


@pytest.fixture
def model() -> Model:
    return Model.open("compact", "cpu")


def test_it_takes_a_name_or_a_provider() -> None:
    cpu = configure("cpu")
    assert Model.open("compact", "cpu").provider == cpu
    assert Model.open("compact", cpu).provider is cpu
    assert Model.open("compact").provider == find_provider()
    with pytest.raises(OptionError, match="no provider 'None'"):
        Model.open("compact", None)  # type: ignore[arg-type]


def test_a_folder_of_an_earlier_release_paints_the_same(
    tmp_path: Path, picture: Callable[..., Path]
) -> None:
    """With L-BFGS, of which the third image is the first to follow from curvature, not so far."""
    pictures = picture("photo.png"), picture("painting.png", seed=1)
    options = Options(size=32, iterations=3, style_layers=OF_FORMAT_3.style)
    older = of_format_3(tmp_path / "older")

    def totals(model: str | Path, optimizer: OptimizerName) -> list[float]:
        chosen = replace(options, optimizer=optimizer)
        return [each.total for each in transfer(Model.open(model, "cpu"), *pictures, chosen)]

    assert totals(older, "adam") == pytest.approx(totals("compact", "adam"), rel=1e-4)
    first, second, third = totals(older, "lbfgs")
    assert [first, second] == pytest.approx(totals("compact", "lbfgs")[:2], rel=1e-4)
    assert third < second < first


@pytest.mark.parametrize("statistics", ["gram+moments", "bures"])
def test_a_folder_of_an_earlier_release_compares_gram_matrices_only(
    tmp_path: Path, picture: Callable[..., Path], statistics: Statistics
) -> None:
    model = Model.open(of_format_3(tmp_path / "older"), "cpu")
    options = Options(size=32, style_layers=OF_FORMAT_3.style, style_statistics=statistics)
    scene = Scene(model, picture("photo.png"), picture("painting.png", seed=1))
    with pytest.raises(ModelError, match=r"compared Gram matrices only.*--style-statistics gram"):
        scene.check(options)


@pytest.mark.parametrize(
    ("provider", "precision"), [("openvino", "bfloat16"), ("cuda", "tf32"), ("cuda", "float16")]
)
def test_roots_of_covariances_are_computed_in_float32(provider: str, precision: Precision) -> None:
    options = {"device_id": "1"} if provider == "cuda" else {}
    found = exact(configure(provider, precision, options, threads=3))
    assert found == configure(provider, "float32", options, threads=3)
    assert exact(found) is found


def test_features_of_a_tiny_image_lack_the_layers_without_a_response(model: Model) -> None:
    small = model.features(np.zeros((1, 3, 17, 16), np.float32))
    assert small["conv5_1"].shape == (1, 128, 1, 1)
    assert small["gram.conv1_1"].shape == (16, 16)


def test_only_some_features(model: Model) -> None:
    image = np.random.default_rng(0).random((1, 3, 32, 24), np.float32)
    every = model.features(image)
    some = model.features(image, ("conv2_1", "gram.conv4_3"))
    assert list(some) == ["conv2_1", "gram.conv4_3"]
    for name, value in some.items():
        np.testing.assert_array_equal(value, every[name])
    with pytest.raises(OptionError, match="has no layer 'conv9_9'"):
        model.features(image, ("gram.conv9_9",))


def test_targets_are_the_features_and_grams(model: Model, picture: Callable[..., Path]) -> None:
    image = to_array(scale_to(load_image(picture()), 40))
    features = model.features(image)
    targets = model.targets(image, LayerSet(("conv4_2",))) | model.targets(
        image, LayerSet(style=("conv1_1",))
    )
    np.testing.assert_allclose(targets["content_target.conv4_2"], features["conv4_2"], rtol=1e-5)
    target = targets["style_target.conv1_1"]
    np.testing.assert_allclose(target[:-1, :-1], features["gram.conv1_1"], rtol=1e-5)
    mean = features["conv1_1"].mean((0, 2, 3))
    np.testing.assert_allclose([target[:-1, -1], target[-1, :-1]], [mean, mean], rtol=1e-4)
    assert target[-1, -1] == 1


def test_a_finished_session_leaves_no_memory_behind(model: Model) -> None:
    """What ONNX Runtime returns would keep its session's memory alive."""
    targets = model.targets(np.zeros((1, 3, 32, 32), np.float32), LayerSet(("conv4_2",)))
    assert all(target.flags.owndata for target in targets.values())


def test_an_image_in_other_floats_is_the_same(model: Model) -> None:
    image = np.random.default_rng(0).random((1, 3, 32, 24), np.float32)
    single, double = model.features(image), model.features(image.astype(np.float64))
    np.testing.assert_array_equal(single["conv1_1"], double["conv1_1"])


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGB", (32, 32)),
        np.zeros((32, 32, 3), np.uint8),
        np.zeros((1, 3, 32, 32), np.uint8),
        np.zeros((3, 32, 32), np.float32),
        "photo.png",
        None,
    ],
)
def test_what_is_no_image_is_refused(model: Model, image: Any) -> None:
    for use in (model.features, lambda image: model.targets(image, LayerSet(("conv4_2",)))):
        with pytest.raises(ImageError, match=r"of shape \(1, 3, height, width\).*to_array"):
            use(image)


def test_targets_of_an_image_without_a_response_are_refused(model: Model) -> None:
    with pytest.raises(ImageError, match="15x40 pixels; both sides must have 16 at least"):
        model.targets(np.zeros((1, 3, 40, 15), np.float32), LayerSet(style=("conv5_1",)))


def test_what_a_notebook_shows(model: Model, picture: Callable[..., Path]) -> None:
    assert repr(model) == "<Model 'compact' on cpu in float32>"
    scene = Scene(model, picture("a.png", (60, 40)), picture("b.png", (30, 50)))
    assert repr(scene) == f"<Scene: photo 60x40, painting 30x50, seen by {model!r}>"
    (iterate,) = scene.render(Options(size=32, iterations=1))
    assert "OrtValue" not in repr(iterate)
    assert f"total={iterate.total}" in repr(iterate)
