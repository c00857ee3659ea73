"""A model: its provider, and what its graphs find in a picture."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stylize.models.layers import LayerSet
from stylize.runtime import Model, load_image, scale_to, to_array
from stylize.runtime.engine.choice import find_provider
from stylize.runtime.providers.table import configure


@pytest.fixture
def model() -> Model:
    return Model.open("compact")


def test_it_takes_a_name_or_a_provider() -> None:
    cpu = configure("cpu")
    assert Model.open("compact", "cpu").provider == cpu
    assert Model.open("compact", cpu).provider is cpu
    assert Model.open("compact").provider == find_provider()


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
