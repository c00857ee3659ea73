"""Options are checked where they are made."""

from typing import get_args

import pytest

from stylize.models.errors import OptionError
from stylize.models.manifest import OPTIMIZERS
from stylize.runtime import Options
from stylize.runtime.method.options import (
    Crop,
    Layers,
    OptimizerName,
    parse_crop,
    parse_layers,
)


def test_every_model_must_have_the_optimisers_that_can_be_chosen() -> None:
    assert get_args(OptimizerName) == OPTIMIZERS


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
        {"learning_rate": float("inf")},
        {"iterations": 3.0},
        {"size": (64, 48, 3)},
        {"size": "64"},
        {"style_layers": "conv4_1"},
        {"content_layers": [4]},
        {"init": None},
        {"seed": -1},
        {"strength": 101},
        {"strength": -1},
        {"crop_painting": -1},
        {"crop_painting": 0.46},
        {"crop_painting": "3%"},
        {"style_layers": {"conv1_1": -1}},
        {"style_layers": {"conv1_1": float("nan")}},
        {"style_layers": {"conv1_1": "2"}},
        {"content_layers": {"conv4_2": 0}, "style_layers": {"conv1_1": 0}},
    ],
    ids=str,
)
def test_options_that_cannot_be_used(wrong: dict[str, object]) -> None:
    with pytest.raises(OptionError, match="must be"):
        Options(**wrong)  # type: ignore[arg-type]


class TestLayers:
    @pytest.mark.parametrize(
        ("texts", "layers"),
        [
            (["conv1_1", "conv2_1"], ("conv1_1", "conv2_1")),
            (["conv1_1", "conv2_1", "conv1_1"], ("conv1_1", "conv2_1")),
            (["conv1_1=1"], ("conv1_1",)),
            (["conv1_1=2", "conv2_1"], {"conv1_1": 2.0, "conv2_1": 1.0}),
            (["conv1_1=.5", "conv1_1=0.5"], {"conv1_1": 0.5}),
        ],
    )
    def test_in_words(self, texts: list[str], layers: Layers) -> None:
        assert Options(style_layers=parse_layers(texts)).style_layers == layers

    @pytest.mark.parametrize("text", ["conv1_1=", "conv1_1=two", "conv1_1=nan", "conv1_1=inf"])
    def test_no_weight(self, text: str) -> None:
        with pytest.raises(OptionError, match="is no layer with its weight; write conv1_1, or"):
            parse_layers([text])

    def test_two_weights(self) -> None:
        with pytest.raises(OptionError, match="conv1_1 is given twice, with the weights 1 and 2"):
            parse_layers(["conv1_1", "conv1_1=2"])

    def test_one_without_weight_is_not_looked_at(self) -> None:
        options = Options(style_layers={"conv1_1": 2, "conv2_1": 0})
        assert options.layers.style == ("conv1_1",)


@pytest.mark.parametrize(
    ("text", "crop"),
    [("3%", 0.03), ("2.5 %", 0.025), ("40px", 40), ("40", 40), ("0.1", 0.1), ("0", 0)],
)
def test_cropping_in_words(text: str, crop: Crop) -> None:
    found = parse_crop(text)
    assert (found, type(found)) == (pytest.approx(crop), type(crop))


@pytest.mark.parametrize("text", ["", "3.5px", "-3%", "three", "3%%", "1e-3"])
def test_no_cropping(text: str) -> None:
    with pytest.raises(OptionError, match="is no part of a picture; write 3%, or pixels as 40px"):
        parse_crop(text)


@pytest.mark.parametrize(("strength", "factor"), [(0, 1 / 32), (50, 1), (60, 2), (100, 32)])
def test_strength_doubles_the_style_weight_with_each_ten(strength: float, factor: float) -> None:
    assert Options(strength=strength).strong_style_weight == Options().style_weight * factor
