"""Labelled contact sheets: pictures in rows and columns on white."""

import os
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from math import ceil
from pathlib import Path

from PIL import Image, ImageDraw

from stylize.models.errors import ImageError
from stylize.runtime.pictures.file_options import FileOptions
from stylize.runtime.pictures.lettering import Lettering, lettering
from stylize.runtime.pictures.reading import Picture, read_chunk
from stylize.runtime.pictures.saving import Manner, save_image

Shown = Image.Image | Picture | None
"""What a place shows: a picture in RGB, one that is read when its place is drawn, or nothing."""
Size = tuple[int, int]

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
    rows : sequence of sequences of Shown
        What stands in each place.
    columns : sequence of str
        Labels above the columns; empty for none.
    sides : sequence of str
        Labels to the left of the rows; empty for none.
    captions : sequence of sequences of str
        Labels below each picture; empty for none.
    """

    rows: Sequence[Sequence[Shown]]
    columns: Sequence[str] = ()
    sides: Sequence[str] = ()
    captions: Sequence[Sequence[str]] = ()

    @property
    def labels(self) -> list[str]:
        """All labels."""
        return [*self.columns, *self.sides, *chain.from_iterable(self.captions)]


def draw_sheet(sheet: Sheet, cell: int | None = None) -> Image.Image:
    """Draw a sheet; its places are as large as the largest picture.

    Pictures in files are read one after the other.

    Parameters
    ----------
    sheet : Sheet
        The pictures and labels to draw.
    cell : int, optional
        Pixels of the long side of a place; larger pictures are made smaller to fit.
    """
    sizes = [[picture and fitted(picture.size, cell) for picture in row] for row in sheet.rows]
    layout = _lay_out(sheet, [size for row in sizes for size in row if size])
    canvas = Image.new("RGB", layout.size(sizes), BACKGROUND)
    _write_labels(canvas, sheet, layout)
    for row, pictures in enumerate(sheet.rows):
        for column, picture in enumerate(pictures):
            size = sizes[row][column]
            if picture and size:
                x, y = layout.place(row, column)
                space = layout.width - size[0], layout.height - size[1]
                canvas.paste(_in(picture, size), (x + space[0] // 2, y + space[1] // 2))
    return canvas


def fitted(size: Size, cell: int | None) -> Size:
    """Return the size in which a picture is shown whose long side may have `cell` pixels."""
    if cell is None or max(size) <= cell:
        return size
    scale = cell / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def save_sheet(image: Image.Image, path: Path) -> None:
    """Write a sheet. It is looked at as a whole, so its JPEG may be small.

    Raises
    ------
    OptionError
        The ending of the name is unknown.
    ImageError
        The file cannot be written.
    """
    save_image(image, path, {KEYWORD: "sheet"}, Manner(FileOptions(quality=QUALITY)))


def check_sheet_replaceable(path: Path, option: str) -> None:
    """Raise ImageError if a file is there that is no sheet of stylize's.

    The message tells to name another file with `option`.
    """
    if os.path.exists(path) and read_chunk(path, KEYWORD) is None:
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
    letters : Lettering
        The font of all labels.
    """

    width: int
    height: int
    left: int
    top: int
    gap: int
    line: int
    below: int
    letters: Lettering

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
        text = self.letters.spelled(label)
        if self.letters.width(text) <= self.width:
            return text

        def cut(keep: int) -> str:
            return f"{text[:keep]}…{text[len(text) - keep :]}"

        lengths = range(1, len(text) // 2 + 1)
        return cut(bisect(lengths, self.width, key=lambda n: ceil(self.letters.width(cut(n)))))


def _lay_out(sheet: Sheet, sizes: Sequence[Size]) -> _Layout:
    width = max(width for width, _ in sizes)
    height = max(height for _, height in sizes)
    font_size = max(10, max(width, height) // 16)
    letters = lettering(sheet.labels, font_size)
    line = round(font_size * 1.5)
    gap = max(2, max(width, height) // 48)
    widths = [round(letters.width(letters.spelled(side))) + gap for side in sheet.sides]
    return _Layout(
        width=width,
        height=height,
        left=gap + max(widths, default=0),
        top=gap + (line if sheet.columns else 0),
        gap=gap,
        line=line,
        below=line if sheet.captions else 0,
        letters=letters,
    )


def _write_labels(canvas: Image.Image, sheet: Sheet, layout: _Layout) -> None:
    def write(text: str, x: int, y: int, anchor: str = "mm") -> None:
        draw.text((x, y), text, INK, layout.letters.font, anchor=anchor)

    draw = ImageDraw.Draw(canvas)
    centre, middle = layout.width // 2, layout.line // 2
    for column, label in enumerate(sheet.columns):
        x, _ = layout.place(0, column)
        write(layout.shortened(label), x + centre, layout.gap + middle)
    for row, label in enumerate(sheet.sides):
        _, y = layout.place(row, 0)
        write(layout.letters.spelled(label), layout.gap, y + layout.height // 2, "lm")
    for row, labels in enumerate(sheet.captions):
        for column, label in enumerate(labels):
            x, y = layout.place(row, column)
            write(layout.shortened(label), x + centre, y + layout.height + middle)


def _in(picture: Image.Image | Picture, size: Size) -> Image.Image:
    if isinstance(picture, Picture):
        return picture.scaled(size)
    return picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)
