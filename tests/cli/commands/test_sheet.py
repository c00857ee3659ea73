"""``stylize sheet``: any pictures on one labelled sheet."""

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from stylize.cli.app import app
from stylize.runtime.pictures.contact_sheet import Sheet, draw_sheet
from stylize.runtime.pictures.reading import load_image

FAILURE, USAGE = 1, 2
NAMES = [f"{letter}.png" for letter in "abcde"]


@pytest.fixture(autouse=True)
def pictures(picture: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Five pictures of several sizes in the working folder."""
    monkeypatch.delenv("STYLIZE_TRACEBACK", raising=False)
    for seed, name in enumerate(NAMES):
        picture(name, (32 + 4 * seed, 24), seed=seed)


def stylize(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["sheet", *arguments])


def succeed(*arguments: str) -> Result:
    result = stylize(*arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    return result


def refusal(*arguments: str, code: int) -> str:
    """Run stylize sheet, which must refuse and change no file; return its message."""
    before = files()
    result = stylize(*arguments)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code
    assert files() == before
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    return last


def files() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def is_sheet(path: str, rows: list[str], labels: list[str], cell: int | None = None) -> bool:
    """Tell whether the file shows the pictures, whose names' letters are given row by row."""
    pictures = [[load_image(f"{letter}.png") for letter in row] for row in rows]
    remaining = iter(labels)
    captions = [[next(remaining) for _ in row] for row in rows]
    expected = draw_sheet(Sheet(pictures, captions=captions), cell)
    return np.array_equal(np.asarray(load_image(path)), np.asarray(expected))


class TestSheet:
    @pytest.mark.parametrize(
        ("count", "rows"),
        [
            (1, ["a"]),
            (2, ["ab"]),
            (3, ["ab", "c"]),
            (4, ["ab", "cd"]),
            (5, ["abc", "de"]),
        ],
    )
    def test_is_about_square_and_labelled_with_the_names(self, count: int, rows: list[str]) -> None:
        succeed(*NAMES[:count])
        assert is_sheet("sheet.png", rows, list("abcde"[:count]))

    @pytest.mark.parametrize(
        ("columns", "rows"),
        [("1", ["a", "b", "c"]), ("2", ["ab", "c"]), ("3", ["abc"]), ("9", ["abc"])],
    )
    def test_has_as_many_columns_as_asked_for(self, columns: str, rows: list[str]) -> None:
        succeed(*NAMES[:3], "--columns", columns)
        assert is_sheet("sheet.png", rows, list("abc"))

    def test_keeps_the_order_given(self) -> None:
        succeed("c.png", "a.png", "b.png", "a.png")
        assert is_sheet("sheet.png", ["ca", "ba"], list("caba"))

    def test_has_the_labels_given(self) -> None:
        labels = ["first", "α/β = 1e-3", ""]
        succeed(*NAMES[:3], *(part for label in labels for part in ("--label", label)))
        assert is_sheet("sheet.png", ["ab", "c"], labels)
        assert not is_sheet("sheet.png", ["ab", "c"], list("abc"))

    def test_labels_are_names_without_folder_and_ending(self, picture: Callable[..., Path]) -> None:
        Path("album").mkdir()
        Path("a.png").rename("album/my photo.v2.png")
        succeed("album/my photo.v2.png", "b.png")
        picture("a.png", (32, 24), seed=0)
        assert is_sheet("sheet.png", ["ab"], ["my photo.v2", "b"])

    def test_cell(self) -> None:
        succeed(*NAMES[:4], "--cell", "20")
        assert is_sheet("sheet.png", ["ab", "cd"], list("abcd"), cell=20)
        assert not is_sheet("sheet.png", ["ab", "cd"], list("abcd"))

    @pytest.mark.parametrize(("name", "kind"), [("all.png", "PNG"), ("all.jpg", "JPEG")])
    def test_is_written_where_it_is_said(self, name: str, kind: str) -> None:
        before = set(files())
        result = succeed(*NAMES, "-o", name)
        assert set(files()) - before == {name}
        with Image.open(name) as file:
            assert file.format == kind
            width, height = file.size
        assert result.stderr == f"{name}: {width}x{height}, 5 pictures\n"

    def test_takes_patterns_as_windows_shells_leave_them(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "platform", "win32")
        succeed("b.png", "?.png", *(["--label", "?.png"] * 6))
        assert is_sheet("sheet.png", ["bab", "cde"], ["?.png"] * 6)

    def test_of_last_time_is_replaced(self) -> None:
        succeed(*NAMES[:2])
        succeed(*NAMES[:3])
        assert is_sheet("sheet.png", ["ab", "c"], list("abc"))

    def test_quiet(self) -> None:
        assert succeed(*NAMES, "--quiet").stderr == ""
        assert Path("sheet.png").exists()


class TestRefusal:
    @pytest.mark.parametrize(
        ("pictures", "labels", "told"),
        [(3, 1, "3 pictures cannot have 1 label."), (1, 4, "1 picture cannot have 4 labels.")],
    )
    def test_of_a_wrong_number_of_labels(self, pictures: int, labels: int, told: str) -> None:
        found = refusal(*NAMES[:pictures], *(["--label", "x"] * labels), code=USAGE)
        assert f"{told} Give one for each." in found

    def test_to_overwrite_a_picture(self) -> None:
        assert "would overwrite 'b.png'" in refusal(*NAMES, "-o", "b.png", code=USAGE)

    def test_to_overwrite_a_picture_called_sheet(self, picture: Callable[..., Path]) -> None:
        picture("sheet.png")
        assert "would overwrite 'sheet.png'" in refusal("a.png", "sheet.png", code=USAGE)

    @pytest.mark.parametrize("number", [0, 4])
    def test_of_a_missing_picture(self, number: int) -> None:
        Path(NAMES[number]).unlink()
        found = refusal(*NAMES, code=FAILURE)
        assert f"There is no picture '{NAMES[number]}'" in found

    def test_of_what_is_no_picture(self) -> None:
        Path("a.png").write_text("This is no picture.\n")
        assert "'a.png' cannot be read" in refusal(*NAMES, code=FAILURE)

    def test_of_an_unknown_ending(self) -> None:
        found = refusal(*NAMES, "-o", "all.gif", code=USAGE)
        assert "'all.gif' must end in one of .png" in found

    def test_of_a_missing_folder(self) -> None:
        found = refusal(*NAMES, "-o", "missing/all.png", code=FAILURE)
        assert f"cannot be written: {os.strerror(errno.ENOENT)}." in found

    @pytest.mark.parametrize(
        "arguments", [("--columns", "0"), ("--columns", "-1"), ("--cell", "15"), ("--cell", "big")]
    )
    def test_of_numbers_out_of_range(self, arguments: tuple[str, str]) -> None:
        result = stylize(*NAMES, *arguments)
        assert result.exit_code == USAGE
        assert arguments[0] in result.stderr
        assert not Path("sheet.png").exists()

    def test_without_pictures(self) -> None:
        result = stylize()
        assert result.exit_code == USAGE
        assert result.stderr.startswith("Error: Missing argument 'PICTURE'. 'stylize sheet --help'")


def test_a_picture_called_sheet_is_not_overwritten(picture: Callable[..., Path]) -> None:
    one, mine = picture("one.png"), picture("sheet.png", seed=1)
    before = mine.read_bytes()
    result = CliRunner().invoke(app, ["sheet", str(one)])
    assert result.exit_code == 1
    assert "is no sheet of stylize's. Name another file with -o." in result.stderr
    assert mine.read_bytes() == before


def test_a_sheet_may_be_made_anew(picture: Callable[..., Path]) -> None:
    one, other = picture("one.png"), picture("other.png", seed=1)
    for path in (one, other):
        assert CliRunner().invoke(app, ["sheet", str(path), "--label", "x"]).exit_code == 0
        drawn = Path("sheet.png").read_bytes()
    CliRunner().invoke(app, ["sheet", str(other), "--label", "x", "-o", "expected.png"])
    assert drawn == Path("expected.png").read_bytes()
