"""Labelled contact sheets: pictures in rows and columns on white."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from stylize.models.errors import ImageError
from stylize.runtime.pictures.reading import read_chunk
from stylize.runtime.pictures.saving import save_image

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
INK, BACKGROUND = "#202020", "white"
KEYWORD = "stylize-sheet"
"""The keyword of the text chunk by which a sheet is known."""
QUALITY = 85
"""The quality of a JPEG or WebP."""


@dataclass(frozen=True)
class Sheet:
    """What a sheet shows.

    Attributes
    ----------
    rows : sequence of sequences of PIL images or None
        RGB; None leaves a place empty.
    columns : sequence of str
        Labels above the columns; empty for none.
    sides : sequence of str
        Labels to the left of the rows; empty for none.
    captions : sequence of sequences of str
        Labels below each picture; empty for none.
    """

    rows: Sequence[Sequence[Image.Image | None]]
    columns: Sequence[str] = ()
    sides: Sequence[str] = ()
    captions: Sequence[Sequence[str]] = ()


def draw_sheet(sheet: Sheet, cell: int | None = None) -> Image.Image:
    """Draw a sheet; its places are as large as the largest picture.

    Parameters
    ----------
    sheet : Sheet
        The pictures and labels to draw.
    cell : int, optional
        Pixels of the long side of a place; larger pictures are made smaller to fit.
    """
    rows = [[_fit(picture, cell) for picture in row] for row in sheet.rows]
    layout = _lay_out(sheet, [picture for row in rows for picture in row if picture])
    canvas = Image.new("RGB", layout.size(rows), BACKGROUND)
    write = ImageDraw.Draw(canvas).text
    middle = layout.line // 2
    for index, label in enumerate(sheet.columns):
        x, _ = layout.place(0, index)
        text = layout.shortened(label)
        write((x + layout.width // 2, layout.gap + middle), text, INK, layout.font, anchor="mm")
    for index, label in enumerate(sheet.sides):
        _, y = layout.place(index, 0)
        write((layout.gap, y + layout.height // 2), _latin(label), INK, layout.font, anchor="lm")
    for row, pictures in enumerate(rows):
        for column, picture in enumerate(pictures):
            x, y = layout.place(row, column)
            if picture:
                space = layout.width - picture.width, layout.height - picture.height
                canvas.paste(picture, (x + space[0] // 2, y + space[1] // 2))
            if sheet.captions:
                text = layout.shortened(sheet.captions[row][column])
                below = x + layout.width // 2, y + layout.height + middle
                write(below, text, INK, layout.font, anchor="mm")
    return canvas


def save_sheet(image: Image.Image, path: Path) -> None:
    """Write a sheet. It is looked at as a whole, so its JPEG may be small.

    Raises
    ------
    OptionError
        The ending of the name is unknown.
    ImageError
        The file cannot be written.
    """
    save_image(image, path, {KEYWORD: "sheet"}, QUALITY)


def check_sheet_replaceable(path: Path, option: str) -> None:
    """Raise ImageError if a PNG file is there that is no sheet.

    The message tells to name another file with `option`.
    """
    if path.exists() and read_chunk(path, KEYWORD) is None:
        raise ImageError(f"'{path}' is no sheet of stylize's. Name another file with {option}.")


@dataclass(frozen=True)
class _Layout:
    """The places of things on a sheet, in pixels.

    Attributes
    ----------
    width, height : int
        Size of a place.
    left, top : int
        Corner of the first place.
    gap : int
        Distance between places.
    line : int
        Height of a line of text.
    below : int
        Height of the caption below a place.
    font : Font
        The font of all labels.
    """

    width: int
    height: int
    left: int
    top: int
    gap: int
    line: int
    below: int
    font: Font

    def place(self, row: int, column: int) -> tuple[int, int]:
        """Return the upper left corner of a place."""
        x = self.left + column * (self.width + self.gap)
        y = self.top + row * (self.height + self.below + self.gap)
        return x, y

    def size(self, rows: Sequence[Sequence[object]]) -> tuple[int, int]:
        """Return the width and height of the sheet."""
        return self.place(len(rows), max(map(len, rows)))

    def shortened(self, label: str) -> str:
        """Return a label in letters of the font, cut in the middle where it is too wide."""
        text = _latin(label)
        if self.font.getlength(text) <= self.width:
            return text
        for keep in range(len(text) // 2, 0, -1):
            short = f"{text[:keep]}…{text[-keep:]}"
            if self.font.getlength(short) <= self.width:
                return short
        return "…"


def _latin(text: str) -> str:
    """Return text without accents, and with ? for letters that Pillow's font does not have."""
    plain = unicodedata.normalize("NFKD", text).replace("ß", "ss").replace("×", "x")
    letters = (letter for letter in plain if not unicodedata.combining(letter))
    return "".join(letter if letter.isascii() else "?" for letter in letters)


def _lay_out(sheet: Sheet, pictures: Sequence[Image.Image]) -> _Layout:
    width = max(picture.width for picture in pictures)
    height = max(picture.height for picture in pictures)
    font_size = max(10, max(width, height) // 16)
    font = ImageFont.load_default(font_size)
    line = round(font_size * 1.5)
    gap = max(2, max(width, height) // 48)
    sides = max((round(font.getlength(_latin(side))) + gap for side in sheet.sides), default=0)
    return _Layout(
        width=width,
        height=height,
        left=gap + sides,
        top=gap + (line if sheet.columns else 0),
        gap=gap,
        line=line,
        below=line if sheet.captions else 0,
        font=font,
    )


def _fit(picture: Image.Image | None, cell: int | None) -> Image.Image | None:
    if picture is None or cell is None or max(picture.size) <= cell:
        return picture
    scale = cell / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)
