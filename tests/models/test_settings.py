"""A setting stands once: its checks, its words."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, nan
from typing import Any, Literal

import numpy as np
import pytest

from stylize.models.errors import OptionError
from stylize.models.settings import check, setting, settings_of


@dataclass(frozen=True)
class Cake:
    layers: int = setting(2, "How high.", least=1, most=5)
    weight: float = setting(0.5, "How much.", above=0, called="weight of the cake")
    size: int | tuple[int, int] = setting(20, "How wide.", least=10, unit=" cm")
    kind: Literal["plain", "marble"] | None = setting(None, "What it is made of.")
    words: tuple[str, ...] = setting((), "What is written on it.")
    extras: Mapping[str, str] = setting(dict, "What else.")
    tiers: tuple[Literal["low", "high"], ...] = setting((), "How high each is.")
    most: float = setting(1.0, "At most so much.", most=2)
    crumbs: int = -1

    def __post_init__(self) -> None:
        check(self)


def test_defaults_may_be_made_anew_each_time() -> None:
    assert Cake().extras == {}
    assert Cake().extras is not Cake().extras


def test_fields_that_are_no_settings_are_left_alone() -> None:
    assert "crumbs" not in settings_of(Cake)


def test_types_are_those_of_the_fields() -> None:
    assert settings_of(Cake)["kind"][1] == Literal["plain", "marble"] | None
    assert settings_of(Cake)["layers"][0].help == "How high."


@pytest.mark.parametrize(
    "given",
    [
        {"layers": 1},
        {"layers": 5},
        {"weight": 1e-9},
        {"weight": inf},
        {"size": (10, 30)},
        {"kind": "marble"},
        {"words": ("0", "-5")},
        {"size": [10, 30]},
        {"layers": np.int64(3)},
        {"weight": np.float32(0.5)},
        {"tiers": ("low", "high")},
        {"most": -inf},
    ],
)
def test_what_is_admitted(given: dict[str, Any]) -> None:
    assert Cake(**given) == Cake(**given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"layers": 0}, "The layers is 0; it must be from 1 to 5."),
        ({"layers": 6}, "The layers is 6; it must be from 1 to 5."),
        ({"weight": 0}, "The weight of the cake is 0; it must be more than 0."),
        ({"weight": nan}, "The weight of the cake is nan; it must be more than 0."),
        ({"size": (9, 30)}, "The size is 9x30; it must be 10 cm or more."),
        ({"size": 9}, "The size is 9; it must be 10 cm or more."),
        ({"most": 3}, "The most is 3; it must be 2 or less."),
        ({"size": [9, 30]}, "The size is 9x30; it must be 10 cm or more."),
        ({"size": ()}, "The size is ; it must be 10 cm or more."),
        ({"layers": np.int64(0)}, "The layers is 0; it must be from 1 to 5."),
        ({"layers": False}, "The layers is False; it must be from 1 to 5."),
        ({"layers": None}, "The layers is None; it must be from 1 to 5."),
        ({"layers": "3"}, "The layers is 3; it must be from 1 to 5."),
        ({"weight": np.float32(-5)}, "The weight of the cake is -5.0; it must be more than 0."),
        ({"kind": "cheese"}, "The kind is cheese; it must be plain or marble."),
    ],
)
def test_what_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError) as refused:
        Cake(**given)
    assert str(refused.value) == message
