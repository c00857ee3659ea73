"""The options that are offered: those of the settings' own fields, within bounds."""

from dataclasses import fields
from typing import Any

import pytest

from stylize.cli.reference.pages import program
from stylize.models.errors import OptionError
from stylize.runtime.method.options import Options
from stylize.runtime.pictures.file_options import FileOptions
from stylize.runtime.plans.preset import PRESETS
from stylize.studio.fields import OFFERS, Menu, arguments
from stylize.studio.shapes import Field

MENU = Menu(4096)
FIELDS = {field.name: field for field in MENU.fields()}


def usual(field: Field) -> str:
    return "" if field.default is None else str(field.default)


def test_defaults_are_those_of_the_settings() -> None:
    wish = MENU.wish({name: usual(field) for name, field in FIELDS.items()})
    assert wish.options == Options()
    assert MENU.wish({}).options == Options()
    assert MENU.wish({"seed": None, "size": "  "}).given == {}


@pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS.keys())
def test_what_a_field_says_is_what_is_taken(field: Field) -> None:
    for value in (field.minimum, field.maximum, *(field.choices or ())):
        if value is not None:
            number = isinstance(value, float) and field.kind == "integer"
            MENU.wish({field.name: int(value) if number else value})
    if field.minimum is not None:
        with pytest.raises(OptionError, match=r"here it is|it must be|is no part"):
            MENU.wish({field.name: field.minimum - 1})
    if field.maximum is not None:
        with pytest.raises(OptionError, match=r"here it is|it must be|is no part"):
            MENU.wish({field.name: field.maximum + 1})
    if field.choices:
        with pytest.raises(OptionError):
            MENU.wish({field.name: "none of these"})
    assert field.help.endswith(".")


def test_texts_and_what_they_mean_are_alike() -> None:
    texts = {"size": "640x480", "until": "1%", "strength": "60", "iterations": "20", "seed": "7"}
    values: dict[str, Any] = {**texts, "until": 0.01, "strength": 60, "iterations": 20, "seed": 7}
    assert MENU.wish(texts) == MENU.wish(values)
    assert MENU.wish(texts).options == Options(
        size=(640, 480), until=0.01, strength=60, iterations=20, seed=7
    )


def test_a_preset_is_where_the_others_begin() -> None:
    wish = MENU.wish({"preset": "paper", "size": 300})
    assert wish.options.losses == "paper"
    assert wish.options.size == 300
    assert FIELDS["preset"].choices == list(PRESETS)


def test_no_option_names_a_file_or_a_place() -> None:
    risky = {"model", "provider", "scratch", "profile", "output", "provider_options", "cluster"}
    assert not risky & FIELDS.keys()
    for value in ("a.png", "/etc/passwd", "./photo"):
        with pytest.raises(OptionError, match="it must be one of photo, painting, noise, grey"):
            MENU.wish({"init": value})


@pytest.mark.parametrize("value", ["nan", "inf", "1e999", "", "１２", "0x10", "--quiet", "1;2"])
def test_odd_numbers_are_refused_or_none(value: str) -> None:
    for name in ("iterations", "strength", "seed"):
        try:
            given = MENU.wish({name: value}).given
        except OptionError:
            continue
        assert given in ({}, {name: 12}), "digits of other scripts are digits"


def test_the_command_line_takes_all_of_them() -> None:
    """Each option has there the name that `arguments` gives it."""
    (run,) = (page for page in program().walk() if page.name == "stylize run")
    known = {name for option in run.options for name in option.names}
    given = dict.fromkeys(FIELDS, "1")
    assert {word.partition("=")[0] for word in arguments(given)} <= known


def test_every_offer_is_a_setting() -> None:
    names = {each.name for each in (*fields(Options), *fields(FileOptions))}
    assert {offer.name for offer in OFFERS} <= names
