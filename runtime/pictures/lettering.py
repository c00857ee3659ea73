"""Labels in a font that has their letters, or in letters that the font has."""

import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

SYSTEM_FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "LiberationSans-Regular.ttf",
    "arial.ttf",
    "Arial Unicode.ttf",
    "NotoSansCJK-Regular.ttc",
)
"""Files of fonts that Linux, macOS or Windows may have, where Pillow's own lacks letters: it has
those of ASCII and hardly more."""

_NO_LETTER = "\uffff"
"""A code that stands for no letter. Fonts draw it as what they do not have."""


@dataclass(frozen=True)
class Lettering:
    """A font for labels.

    Attributes
    ----------
    font : Font
        The font, in its size.
    letters : frozenset of str
        Letters of the labels that the font has.
    """

    font: Font
    letters: frozenset[str]

    def spelled(self, text: str) -> str:
        """Return a label with what the font does not have spelled in other letters."""
        return "".join(
            letter if letter in self.letters else _plain(letter) for letter in _printable(text)
        )

    def width(self, text: str) -> float:
        """Return the pixels that a spelled label takes."""
        return self.font.getlength(text)


def lettering(labels: Iterable[str], size: int) -> Lettering:
    """Return a font that has the letters of all labels, or else the most of them.

    It is Pillow's own where that suffices, so that a sheet looks the same everywhere.
    """
    needed = set(_printable("".join(labels)))
    best = Lettering(ImageFont.load_default(size), frozenset())
    for font in _fonts(size):
        found = Lettering(font, _had(font, needed))
        if len(found.letters) > len(best.letters):
            best = found
        if len(best.letters) == len(needed):
            break
    return best


def _printable(text: str) -> str:
    """Return a text in one line of composed letters: fonts raise errors for what is no letter."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(
        letter if letter.isprintable() else " " if letter.isspace() else "?" for letter in composed
    )


def _fonts(size: int) -> Iterator[Font]:
    yield ImageFont.load_default(size)
    for name in SYSTEM_FONTS:
        with suppress(OSError):
            yield ImageFont.truetype(name, size)


def _had(font: Font, letters: set[str]) -> frozenset[str]:
    none = bytes(font.getmask(_NO_LETTER))
    return frozenset(letter for letter in letters if bytes(font.getmask(letter)) != none)


def _plain(letter: str) -> str:
    """Return a letter without accents, a Greek one by its name, and ? for all others."""
    plain = unicodedata.normalize("NFKD", letter).replace("ß", "ss").replace("×", "x")
    parts = (part for part in plain if not unicodedata.combining(part))
    return "".join(part if part.isascii() else _greek(part) or "?" for part in parts)


def _greek(letter: str) -> str:
    words = unicodedata.name(letter, "").split()
    if words[:1] != ["GREEK"] or "LETTER" not in words:
        return ""
    return words[-1].lower() if "SMALL" in words else words[-1].capitalize()
