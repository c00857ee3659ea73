"""Labels are written in a font that has their letters, or in letters that the font has."""

import pytest
from PIL import ImageFont

from stylize.runtime.pictures import lettering as module
from stylize.runtime.pictures.lettering import SYSTEM_FONTS, lettering

PLAIN = [
    ("plain text, 12 - 3", "plain text, 12 - 3"),
    ("café", "cafe"),
    ("cafe\N{COMBINING ACUTE ACCENT}", "cafe"),
    ("Tübingen, Straße", "Tubingen, Strasse"),
    ("64×48", "64x48"),
    ("α/β", "alpha/beta"),
    ("Ω ς ώ", "Omega sigma omega"),
    ("日本", "??"),
]


@pytest.mark.parametrize(("label", "plain"), PLAIN)
def test_without_other_fonts_labels_are_spelled_in_plain_letters(
    monkeypatch: pytest.MonkeyPatch, label: str, plain: str
) -> None:
    monkeypatch.setattr(module, "SYSTEM_FONTS", ())
    assert lettering([label], 12).spelled(label) == plain


@pytest.mark.parametrize("label", ["café", "Tübingen", "α/β = 10", "64×48"])
def test_a_font_of_the_system_that_has_the_letters_is_taken(label: str) -> None:
    if not has_a_font():
        pytest.skip("there is none of the fonts")
    found = lettering(["a", label], 12)
    assert found.font.getname() != ImageFont.load_default(12).getname()
    assert found.spelled(label) == label


def test_pillows_font_is_taken_where_it_has_all_letters() -> None:
    found = lettering(["plain, 10"], 12)
    assert found.font.getname() == ImageFont.load_default(12).getname()
    assert found.spelled("plain, 10") == "plain, 10"


def test_the_font_with_the_most_letters_is_taken_where_none_has_all() -> None:
    if not has_a_font():
        pytest.skip("there is none of the fonts")
    private = chr(0xE123)  # a letter of nobody
    assert lettering([f"α{private}"], 12).spelled(f"α{private}") == "α?"


@pytest.mark.parametrize(
    ("label", "printed"),
    [
        ("red\nblue\r\n", "red blue  "),
        ("tab\there", "tab here"),
        ("3.05\N{NARROW NO-BREAK SPACE}PM", "3.05 PM"),
        ("a\0b\x1b[31m\x7f", "a?b?[31m?"),
        ("\udce4.jpg", "?.jpg"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}gpj", "?gpj"),
    ],
)
def test_what_cannot_be_printed_is_replaced(label: str, printed: str) -> None:
    found = lettering([label], 12)
    assert found.spelled(label) == printed
    assert found.width(printed) > 0


def has_a_font() -> bool:
    for name in SYSTEM_FONTS:
        try:
            ImageFont.truetype(name, 12)
        except OSError:
            continue
        return True
    return False
