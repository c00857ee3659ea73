"""Options are checked where they are made."""

from typing import get_args

import pytest

from stylize.models.errors import OptionError
from stylize.models.manifest import OPTIMIZERS
from stylize.runtime import Options
from stylize.runtime.method.options import OptimizerName


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
    ],
    ids=str,
)
def test_options_that_cannot_be_used(wrong: dict[str, object]) -> None:
    with pytest.raises(OptionError, match="must be"):
        Options(**wrong)  # type: ignore[arg-type]
