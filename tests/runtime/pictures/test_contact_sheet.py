"""Contact sheets: every picture in its place, every label beside its picture and nowhere else."""

import weakref
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from stylize.models.errors import ImageError
from stylize.runtime.pictures.contact_sheet import (
    Sheet,
    check_sheet_replaceable,
    draw_sheet,
    save_sheet,
)
from stylize.runtime.pictures.lettering import Lettering
from stylize.runtime.pictures.reading import Picture, open_picture

WHITE = 255
Pixels = npt.NDArray[np.int_]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom; the last two lie just outside."""


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    """Return a picture without a white pixel."""
    shape = (height, width, 3)
    return Image.fromarray(np.random.default_rng(seed).integers(0, WHITE, shape, np.uint8))


def pixels(picture: Image.Image) -> Pixels:
    return np.asarray(picture, int)


def box(sheet: Image.Image, picture: Image.Image) -> Box:
    """Return where the picture lies on the sheet, pixel for pixel, once."""
    canvas, part = pixels(sheet), pixels(picture)
    height, width, _ = part.shape
    corners = np.all(canvas == part[0, 0], axis=2)[: 1 - height or None, : 1 - width or None]
    found = [
        (int(x), int(y))
        for y, x in np.argwhere(corners)
        if np.array_equal(canvas[y : y + height, x : x + width], part)
    ]
    assert len(found) == 1, found
    return (*found[0], found[0][0] + width, found[0][1] + height)


def middle(place: Box) -> tuple[float, float]:
    left, top, right, bottom = place
    return (left + right) / 2, (top + bottom) / 2


def ink(sheet: Image.Image, pictures: Sequence[Image.Image]) -> npt.NDArray[np.bool_]:
    """Return where the sheet is not white, apart from the pictures."""
    marked = np.any(pixels(sheet) != WHITE, axis=2)
    for picture in pictures:
        left, top, right, bottom = box(sheet, picture)
        marked[top:bottom, left:right] = False
    return marked


def bounds(marked: npt.NDArray[np.bool_]) -> Box:
    rows, columns = np.flatnonzero(marked.any(axis=1)), np.flatnonzero(marked.any(axis=0))
    assert rows.size, "there is no ink"
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


GRID = [[noise(40, 30, seed=3 * row + column) for column in range(3)] for row in range(2)]
ALL = [picture for row in GRID for picture in row]


class TestPlaces:
    def test_are_in_rows_and_columns(self) -> None:
        sheet = draw_sheet(Sheet(GRID))
        found = [[box(sheet, picture)[:2] for picture in row] for row in GRID]
        across, down = [x for x, _ in found[0]], [row[0][1] for row in found]
        assert found == [[(x, y) for x in across] for y in down]
        (step,) = {int(step) for step in np.diff(across)}
        assert 40 < step < 60
        assert 30 < down[1] - down[0] < 50

    def test_hold_the_pictures_and_nothing_else(self) -> None:
        sheet = draw_sheet(Sheet(GRID))
        assert sheet.mode == "RGB"
        assert not ink(sheet, ALL).any()

    def test_have_a_margin_all_around(self) -> None:
        marked = np.any(pixels(draw_sheet(Sheet(GRID))) != WHITE, axis=2)
        edges = (marked[0], marked[-1], marked[:, 0], marked[:, -1])
        assert not any(edge.any() for edge in edges)
        left, top, right, bottom = bounds(marked)
        margins = {left, top, marked.shape[1] - right, marked.shape[0] - bottom}
        assert len(margins) == 1

    def test_one_picture(self) -> None:
        picture = noise(40, 30)
        sheet = draw_sheet(Sheet([[picture]]))
        assert middle(box(sheet, picture)) == (sheet.width / 2, sheet.height / 2)

    def test_that_are_empty_are_white(self) -> None:
        rows = [[None, GRID[0][1]], [GRID[1][0], None]]
        sheet = draw_sheet(Sheet(rows))
        shown = [GRID[0][1], GRID[1][0]]
        assert not ink(sheet, shown).any()
        above, below = (box(sheet, picture) for picture in shown)
        assert above[0] >= below[2]
        assert above[3] <= below[1]

    def test_of_a_shorter_row_stay_below_those_above(self) -> None:
        sheet = draw_sheet(Sheet([GRID[0], GRID[1][:1]]))
        assert box(sheet, GRID[1][0])[0] == box(sheet, GRID[0][0])[0]
        assert sheet.size == draw_sheet(Sheet(GRID)).size

    def test_of_a_longer_row_further_down_are_on_the_sheet(self) -> None:
        sheet = draw_sheet(Sheet([GRID[0][:1], GRID[1]]))
        assert box(sheet, GRID[1][2])[2] < sheet.width

    def test_are_as_large_as_the_largest_picture_with_the_others_in_the_middle(self) -> None:
        wide, tall, small = noise(60, 24, 1), noise(20, 50, 2), noise(30, 30, 3)
        largest = noise(60, 50, 4)
        sheet = draw_sheet(Sheet([[wide, tall], [small, largest]]))
        same = draw_sheet(
            Sheet([[largest, noise(60, 50, 5)], [noise(60, 50, 6), noise(60, 50, 7)]])
        )
        assert sheet.size == same.size
        places = [
            [box(sheet, picture) for picture in row] for row in ((wide, tall), (small, largest))
        ]
        (first, second), (third, fourth) = [[middle(place) for place in row] for row in places]
        assert first[0] == third[0]
        assert second[0] == fourth[0]
        assert first[1] == second[1]
        assert third[1] == fourth[1]
        assert second[0] - first[0] > 60
        assert third[1] - first[1] > 50
        assert not ink(sheet, [wide, tall, small, largest]).any()

    def test_of_odd_sizes_are_in_the_middle_but_for_half_a_pixel(self) -> None:
        large, odd = noise(60, 50, 1), noise(31, 29, 2)
        sheet = draw_sheet(Sheet([[large], [odd]]))
        assert abs(middle(box(sheet, large))[0] - middle(box(sheet, odd))[0]) == 0.5


class TestCell:
    @pytest.mark.parametrize(
        ("size", "cell", "expected"),
        [
            ((80, 40), 20, (20, 10)),
            ((40, 80), 20, (10, 20)),
            ((50, 50), 20, (20, 20)),
            ((45, 32), 31, (31, 22)),
            ((400, 17), 20, (20, 1)),
            ((800, 16), 20, (20, 1)),
        ],
    )
    def test_reduces_in_proportion(
        self, size: tuple[int, int], cell: int, expected: tuple[int, int]
    ) -> None:
        picture = noise(*size)
        box(
            draw_sheet(Sheet([[picture]]), cell), picture.resize(expected, Image.Resampling.LANCZOS)
        )

    @pytest.mark.parametrize("cell", [40, 41, 500, None])
    def test_never_enlarges(self, cell: int | None) -> None:
        sheet, plain = draw_sheet(Sheet(GRID), cell), draw_sheet(Sheet(GRID))
        assert np.array_equal(pixels(sheet), pixels(plain))

    def test_makes_the_places_smaller(self) -> None:
        large, small = noise(90, 60, 1), noise(24, 20, 2)
        sheet = draw_sheet(Sheet([[large, small]]), 30)
        reduced = large.resize((30, 20), Image.Resampling.LANCZOS)
        gap = box(sheet, small)[0] - box(sheet, reduced)[2]
        assert 0 < gap < 30
        assert not ink(sheet, [reduced, small]).any()

    def test_leaves_the_pictures_given_as_they_are(self) -> None:
        picture = noise(90, 60)
        before = picture.copy()
        draw_sheet(Sheet([[picture]], captions=[["name"]]), 30)
        assert picture == before


class TestLabels:
    """A label is what a sheet with it has more than one without it."""

    @pytest.mark.parametrize("column", [0, 1, 2])
    def test_of_a_column_lies_above_it(self, column: int) -> None:
        labels = ["Label" if index == column else "" for index in range(3)]
        sheet = draw_sheet(Sheet(GRID, columns=labels))
        left, top, right, bottom = bounds(ink(sheet, ALL))
        place = box(sheet, GRID[0][column])
        assert place[0] <= left < right <= place[2]
        assert 0 < top < bottom <= place[1]
        assert abs((left + right) / 2 - middle(place)[0]) <= 1.5

    @pytest.mark.parametrize("row", [0, 1])
    def test_of_a_row_lies_left_of_it(self, row: int) -> None:
        labels = ["Label" if index == row else "" for index in range(2)]
        sheet = draw_sheet(Sheet(GRID, sides=labels))
        left, top, right, bottom = bounds(ink(sheet, ALL))
        place = box(sheet, GRID[row][0])
        assert 0 < left < right < place[0]
        assert place[1] <= top < bottom <= place[3]

    @pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 2), (1, 1)])
    def test_of_a_picture_lies_below_it(self, row: int, column: int) -> None:
        labels = [["Label" if (i, j) == (row, column) else "" for j in range(3)] for i in range(2)]
        sheet = draw_sheet(Sheet(GRID, captions=labels))
        left, top, right, bottom = bounds(ink(sheet, ALL))
        place = box(sheet, GRID[row][column])
        assert place[0] <= left < right <= place[2]
        assert place[3] <= top
        below = box(sheet, GRID[1][column])[1] if row == 0 else sheet.height
        assert bottom < below

    def test_of_all_kinds_go_together(self) -> None:
        captions = [["caption"] * 3] * 2
        sheet = draw_sheet(Sheet(GRID, ("one", "two", "three"), ("first", "second"), captions))
        marked = ink(sheet, ALL)
        for row in GRID:
            for picture in row:
                left, _, right, bottom = box(sheet, picture)
                assert marked[bottom : bottom + 15, left:right].any()
        left, top, right, bottom = box(sheet, GRID[0][0])
        assert marked[:top, left:right].any()
        assert marked[top:bottom, :left].any()

    def test_that_differ_look_different(self) -> None:
        one, other = (draw_sheet(Sheet(GRID, captions=[[text] * 3] * 2)) for text in ("a", "b"))
        assert one.size == other.size
        assert not np.array_equal(pixels(one), pixels(other))

    def test_are_the_larger_the_larger_the_pictures(self) -> None:
        heights = []
        for scale in (1, 10):
            picture = noise(40 * scale, 30 * scale)
            left, top, right, bottom = bounds(
                ink(draw_sheet(Sheet([[picture]], columns=["H"])), [picture])
            )
            assert right - left < 40 * scale
            heights.append(bottom - top)
        assert heights[1] > 2 * heights[0]

    def test_make_room_for_themselves(self) -> None:
        plain = draw_sheet(Sheet(GRID))
        with_columns = draw_sheet(Sheet(GRID, columns=("a", "b", "c")))
        with_sides = draw_sheet(Sheet(GRID, sides=("a", "b")))
        with_captions = draw_sheet(Sheet(GRID, captions=[["a"] * 3] * 2))
        line = with_columns.height - plain.height
        assert with_columns.width == with_captions.width == plain.width
        assert line > 0
        assert with_captions.height == plain.height + 2 * line
        assert with_sides.width > plain.width
        assert with_sides.height == plain.height


class TestLongLabels:
    TEXT = "A_photo_of_the_Neckarfront_in_Tübingen_by_day-The_Starry_Night_by_Vincent"

    @pytest.mark.parametrize("width", [24, 40, 97, 200])
    @pytest.mark.parametrize("kind", ["columns", "captions"])
    def test_stay_within_their_place(self, kind: str, width: int) -> None:
        row = [noise(width, 30, seed) for seed in range(3)]
        labels = ["", self.TEXT, ""]
        sheet = draw_sheet(
            Sheet([row], columns=labels) if kind == "columns" else Sheet([row], captions=[labels])
        )
        left, _, right, _ = bounds(ink(sheet, row))
        place = box(sheet, row[1])
        assert place[0] <= left < right <= place[2]
        assert right - left > width / 3

    def test_are_cut_in_the_middle(self) -> None:
        picture = noise(100, 30)
        drawn = draw_sheet(Sheet([[picture]], columns=[self.TEXT]))
        shortened = [f"{self.TEXT[:n]}…{self.TEXT[-n:]}" for n in range(1, len(self.TEXT) // 2)]
        alike = [
            text
            for text in shortened
            if np.array_equal(pixels(draw_sheet(Sheet([[picture]], columns=[text]))), pixels(drawn))
        ]
        assert min(map(len, alike)) >= 7

    def test_are_measured_a_few_times_however_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        width, measured = Lettering.width, []

        def measuring(self: Lettering, text: str) -> float:
            measured.append(text)
            return width(self, text)

        monkeypatch.setattr(Lettering, "width", measuring)
        draw_sheet(Sheet([[noise(100, 30)]], columns=["x" * 10_000]))
        assert len(measured) < 20

    def test_are_dots_where_no_letter_fits(self) -> None:
        one, two = (draw_sheet(Sheet([[noise(16, 16)]], columns=[40 * letter])) for letter in "MW")
        assert np.array_equal(pixels(one), pixels(two))

    def test_keep_what_tells_them_apart_at_the_end(self) -> None:
        picture = noise(100, 30)
        one, two = (
            draw_sheet(Sheet([[picture]], columns=[f"{self.TEXT}{number}"])) for number in "12"
        )
        assert not np.array_equal(pixels(one), pixels(two))

    def test_are_cut_no_more_than_needed(self) -> None:
        picture, widths = noise(200, 30), []
        for length in range(1, 60):
            sheet = draw_sheet(Sheet([[picture]], columns=[self.TEXT[:length]]))
            left, _, right, _ = bounds(ink(sheet, [picture]))
            widths.append(right - left)
        filled = next(index for index, width in enumerate(widths) if width > 180)
        assert filled < 40
        assert min(widths[filled:]) > 160

    def test_in_a_place_too_narrow_for_any_letter_leave_the_picture_alone(self) -> None:
        row = [noise(4, 100, seed) for seed in range(2)]
        sheet = draw_sheet(Sheet([row], columns=["", self.TEXT]))
        assert box(sheet, row[0])[2] < box(sheet, row[1])[0]

    def test_of_rows_move_the_pictures_aside(self) -> None:
        sheet = draw_sheet(Sheet(GRID, sides=("short", self.TEXT)))
        marked = ink(sheet, ALL)
        left, top, right, bottom = bounds(marked)
        place = box(sheet, GRID[1][0])
        assert 0 < left < right < place[0]
        assert right - left > 3 * 40
        assert place[1] <= bounds(marked[place[1] :])[1] + place[1] < bottom <= place[3]
        assert top >= box(sheet, GRID[0][0])[1]


class TestPicturesInFiles:
    def paths(self, tmp_path: Path) -> list[Path]:
        for index, picture in enumerate(ALL):
            picture.save(tmp_path / f"{index}.png")
        return [tmp_path / f"{index}.png" for index in range(len(ALL))]

    @pytest.mark.parametrize("cell", [None, 20])
    def test_are_drawn_as_if_they_were_read_before(self, tmp_path: Path, cell: int | None) -> None:
        pictures = [open_picture(path) for path in self.paths(tmp_path)]
        found = draw_sheet(Sheet([pictures[:3], pictures[3:]]), cell)
        assert found.tobytes() == draw_sheet(Sheet(GRID), cell).tobytes()

    def test_are_held_one_at_a_time(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        alive: list[weakref.ref[Image.Image]] = []
        most = 0
        scaled = Picture.scaled

        def read(picture: Picture, size: tuple[int, int]) -> Image.Image:
            nonlocal most
            image = scaled(picture, size)
            alive.append(weakref.ref(image))
            most = max(most, sum(each() is not None for each in alive))
            return image

        monkeypatch.setattr(Picture, "scaled", read)
        draw_sheet(Sheet([[open_picture(path) for path in self.paths(tmp_path)]]))
        assert len(alive) == len(ALL)
        assert most == 1


def test_a_sheet_of_any_size_is_known_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sheet.png"
    save_sheet(draw_sheet(Sheet(GRID)), path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    monkeypatch.setattr("stylize.runtime.pictures.reading.MAX_PIXELS", 100)
    check_sheet_replaceable(path, "-o")
    GRID[0][0].save(path)
    with pytest.raises(ImageError, match="is no sheet of stylize's"):
        check_sheet_replaceable(path, "-o")
