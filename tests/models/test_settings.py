"""A setting stands once: its checks, its words."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import inf, nan
from pathlib import PurePath
from typing import Any, Literal

import numpy as np
import pytest

from stylize.models.errors import OptionError
from stylize.models.settings import check, setting, settings_of

PAIR = "a whole number or 2 in a list of which each is a whole number"


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
    note: str = setting("", "What lies beside it.")
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
        {"size": (10, 30)},
        {"kind": "marble"},
        {"words": ("0", "-5")},
        {"size": [10, 30]},
        {"layers": np.int64(3)},
        {"weight": np.float32(0.5)},
        {"tiers": ("low", "high")},
        {"words": ["a", "b"]},
        {"weight": 3},
        {"weight": Fraction(1, 3)},
        {"note": PurePath("a") / "b"},
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
        ({"weight": nan}, "The weight of the cake is nan; it must be a number, more than 0."),
        ({"weight": inf}, "The weight of the cake is inf; it must be a number, more than 0."),
        (
            {"weight": 10**400},
            f"The weight of the cake is {10**400}; it must be a number, more than 0.",
        ),
        ({"size": (9, 30)}, "The size is 9x30; it must be 10 cm or more."),
        ({"size": 9}, "The size is 9; it must be 10 cm or more."),
        ({"most": 3}, "The most is 3; it must be 2 or less."),
        ({"size": [9, 30]}, "The size is 9x30; it must be 10 cm or more."),
        ({"size": ()}, f"The size is ; it must be {PAIR}, 10 cm or more."),
        ({"size": (10, 20, 30)}, f"The size is 10x20x30; it must be {PAIR}, 10 cm or more."),
        ({"size": (10, 20.5)}, f"The size is 10x20.5; it must be {PAIR}, 10 cm or more."),
        ({"layers": 3.0}, "The layers is 3.0; it must be a whole number, from 1 to 5."),
        ({"words": "abc"}, "The words is abc; it must be a list in which each is a text."),
        ({"words": [1]}, "The words is 1; it must be a list in which each is a text."),
        ({"tiers": ["mid"]}, "The tiers is mid; it must be a list in which each is low or high."),
        ({"extras": 3}, "The extras is 3; it must be a mapping of texts to texts."),
        ({"note": None}, "The note is None; it must be a text."),
        ({"layers": np.int64(0)}, "The layers is 0; it must be from 1 to 5."),
        ({"layers": False}, "The layers is False; it must be a whole number, from 1 to 5."),
        ({"layers": None}, "The layers is None; it must be a whole number, from 1 to 5."),
        ({"layers": "3"}, "The layers is 3; it must be a whole number, from 1 to 5."),
        ({"weight": np.float32(-5)}, "The weight of the cake is -5.0; it must be more than 0."),
        ({"kind": "cheese"}, "The kind is cheese; it must be plain or marble."),
    ],
)
def test_what_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError) as refused:
        Cake(**given)
    assert str(refused.value) == message


def test_what_is_close_becomes_what_the_field_says() -> None:
    cake = Cake(
        layers=np.int64(3),
        weight=np.float32(0.5),
        size=[np.int32(10), 30],
        words=["a"],
        note=PurePath("a"),
    )
    assert cake == Cake(layers=3, weight=0.5, size=(10, 30), words=("a",), note="a")
    found = [cake.layers, cake.weight, cake.size[0], cake.words, cake.note]
    assert [type(value) for value in found] == [int, float, int, tuple, str]
