"""``stylize grid`` and ``stylize figure``: many pictures, made once each, and a sheet of them."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from stylize.cli.app import app
from stylize.models.layers import LayerSet
from stylize.runtime.engine.program import Program
from stylize.runtime.method.model import Model
from stylize.runtime.pictures.reading import load_image
from stylize.runtime.pictures.saving import save_image
from stylize.runtime.plans.recipe import read_recipe, recipe_chunks

FAILURE, USAGE, INTERRUPTED = 1, 2, 130
STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
SHORT = ("--size", "32", "--iterations", "2")
RATIOS, ROWS = ("1e-3", "1e-1"), ("conv1_1", "conv2_1")
GRID = (
    *("grid", "photo.png", "painting.png", *SHORT),
    *("--ratio", "1e-3", "--ratio", "0.1", "--up-to", "conv1_1", "--up-to", "conv2_1"),
)
"""Two rows by two columns."""
ONE = ("grid", "photo.png", "painting.png", *SHORT, "--ratio", "1e-3", "--up-to", "conv1_1")
"""The first picture of it."""
NAMES = [f"{layer}_{ratio}.png" for layer in ROWS for ratio in RATIOS]
FOLDER = Path("photo-painting")
WHITE = 255

Pixels = npt.NDArray[np.int_]
Files = dict[str, tuple[bytes, int]]


@pytest.fixture(autouse=True)
def pictures(picture: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A photo and two paintings in the working folder."""
    monkeypatch.delenv("STYLIZE_TRACEBACK", raising=False)
    picture("photo.png", seed=1)
    picture("painting.png", (32, 40), seed=2)
    picture("other.png", (40, 40), seed=3)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The graphs that were loaded, in order, with their layers."""
    names: list[str] = []
    load = Program.__init__

    def load_and_count(program: Program, folder: object, graph: object, *rest: object) -> None:
        kind, layers = graph.file.partition(".")[0], graph.layers  # type: ignore[attr-defined]
        names.append(f"{kind}: {layers}")
        load(program, folder, graph, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Program, "__init__", load_and_count)
    return names


@pytest.fixture
def targets(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The layers whose targets were computed, in order."""
    names: list[str] = []
    compute = Model.targets

    def compute_and_count(
        model: Model, image: npt.NDArray[np.float32], layers: LayerSet
    ) -> dict[str, npt.NDArray[np.float32]]:
        names.extend(f"content {layer}" for layer in layers.content)
        names.extend(f"style {layer}" for layer in layers.style)
        return compute(model, image, layers)

    monkeypatch.setattr(Model, "targets", compute_and_count)
    return names


def stylize(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def succeed(*arguments: str) -> Result:
    result = stylize(*arguments)
    assert result.exit_code == 0, result.output
    return result


def refusal(*arguments: str, code: int) -> str:
    """Run stylize, which must refuse and change no file; return its message."""
    before = files(Path())
    result = stylize(*arguments)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code
    assert files(Path()) == before
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    return last


def files(folder: Path) -> Files:
    """What is in the files, and when it was written; but not those of ONNX Runtime's telemetry."""
    found = (path for path in folder.rglob("*") if "Microsoft" not in path.parts)
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in found
        if path.is_file()
    }


def contents(folder: Path) -> dict[str, bytes]:
    return {name: data for name, (data, _) in files(folder).items()}


def pixels(picture: Path | str | Image.Image) -> Pixels:
    return np.asarray(picture if isinstance(picture, Image.Image) else load_image(picture), int)


def place(sheet: Pixels, picture: Pixels) -> tuple[int, int]:
    """Return the column and row of pixels at which the picture lies on the sheet, once."""
    height, width, _ = picture.shape
    corners = np.all(sheet == picture[0, 0], axis=2)[: -height + 1, : -width + 1]
    found = [
        (int(x), int(y))
        for y, x in np.argwhere(corners)
        if np.array_equal(sheet[y : y + height, x : x + width], picture)
    ]
    assert len(found) == 1, found
    return found[0]


def repaint(*paths: Path) -> None:
    """Make pictures that differ little unmistakable; they go on telling how they were made."""
    for seed, path in enumerate(paths):
        noise = np.random.default_rng(seed).integers(0, WHITE, pixels(path).shape, np.uint8)
        save_image(Image.fromarray(noise), path, recipe_chunks(read_recipe(path)))


def assert_in_rows(sheet: Path, rows: list[list[Path]]) -> None:
    """Check that the sheet shows equally large pictures in these rows and columns."""
    found = [[place(pixels(sheet), pixels(path)) for path in row] for row in rows]
    across, down = [x for x, _ in found[0]], [row[0][1] for row in found]
    assert found == [[(x, y) for x in across] for y in down]
    height, width, _ = pixels(rows[0][0]).shape
    assert all(step >= width for step in np.diff(across))
    assert all(step >= height for step in np.diff(down))


class TestGrid:
    def test_has_a_file_for_each_layer_and_ratio(self) -> None:
        succeed(*GRID)
        assert sorted(files(FOLDER)) == sorted([*NAMES, "sheet.png"])

    def test_pictures_are_those_that_run_makes(self) -> None:
        succeed(*GRID)
        chosen = ("--preset", "paper", "--model", "compact")
        run = ("run", "photo.png", "painting.png", "-o", "out.png", *SHORT, *chosen)
        for ratio, weight in zip(RATIOS, ("1000", "10"), strict=True):
            layers = ("--style-layer", "conv1_1", "--style-layer", "conv2_1")
            succeed(*run, *layers, "--content-weight", "1", "--style-weight", weight)
            assert np.array_equal(pixels(FOLDER / f"conv2_1_{ratio}.png"), pixels("out.png"))

    def test_sheet_shows_layers_in_rows_and_ratios_in_columns_with_labels(self) -> None:
        succeed(*GRID)
        rows = [[FOLDER / f"{layer}_{ratio}.png" for ratio in RATIOS] for layer in ROWS]
        assert_in_rows(FOLDER / "sheet.png", rows)
        sheet = pixels(FOLDER / "sheet.png")
        left, top = place(sheet, pixels(rows[0][0]))
        for path in (FOLDER / name for name in NAMES):
            x, y = place(sheet, pixels(path))
            height, width, _ = pixels(path).shape
            assert sheet[:top, x : x + width].min() < WHITE
            assert sheet[y : y + height, :left].min() < WHITE

    def test_depends_on_the_options(self) -> None:
        chosen = ("--seed", "3", "--tv-weight", "2", "--side", "short", "--init", "grey")
        optimizer = ("--optimizer", "adam", "--history", "5")
        rows = ("--ratio", "1e-4", "--up-to", "conv3_1")
        succeed("grid", "photo.png", "painting.png", *SHORT, *rows, *chosen, *optimizer)
        options = read_recipe(FOLDER / "conv3_1_1e-4.png").options
        assert (options.seed, options.tv_weight, options.init) == (3, 2, "grey")
        assert (options.optimizer, options.history) == ("adam", 5)
        assert (options.size, options.side, options.iterations) == (32, "short", 2)

    def test_rows_and_columns_given_twice_count_once(self) -> None:
        result = succeed(*ONE, "--ratio", "0.001", "--up-to", "conv1_1")
        assert result.stderr.splitlines()[-1].endswith("sheet of all 1.")
        assert sorted(files(FOLDER)) == [NAMES[0], "sheet.png"]

    def test_ratios_that_differ_little_have_names_that_differ(self) -> None:
        succeed(*ONE, "--ratio", "0.0010000001")
        assert len(files(FOLDER)) == 2 + 1

    def test_progress_counts_all_pictures(self) -> None:
        lines = succeed(*GRID).stderr.splitlines()
        assert "0 of 4 pictures are in photo-painting." in lines
        counted = [line.split()[0] for line in lines if " loss " in line]
        assert counted == [f"{done}/8" for done in range(1, 9)]
        assert lines[-1] == f"{FOLDER / 'sheet.png'}: the sheet of all 4."

    def test_quiet(self) -> None:
        result = succeed(*ONE, "--quiet")
        assert (result.stdout, result.stderr) == ("", "")
        assert (FOLDER / "sheet.png").exists()


class TestEconomy:
    def test_one_gradient_graph_is_loaded_for_each_row(self, loaded: list[str]) -> None:
        succeed(*GRID)
        gradients = [name for name in loaded if name.startswith("gradient:")]
        assert gradients == [
            "gradient: content conv4_2, style conv1_1",
            "gradient: content conv4_2, style conv1_1 conv2_1",
        ]

    def test_each_target_is_computed_once(self, targets: list[str]) -> None:
        succeed(*GRID)
        assert sorted(targets) == ["content conv4_2", "style conv1_1", "style conv2_1"]

    def test_nothing_is_loaded_where_all_is_there(self, loaded: list[str]) -> None:
        succeed(*GRID)
        loaded.clear()
        succeed(*GRID)
        assert loaded == []

    def test_figure_2_loads_its_gradient_graph_once(self, loaded: list[str]) -> None:
        paintings = ("--painting", "painting.png", "--painting", "other.png")
        succeed("figure", "2", "--photo", "photo.png", *paintings, *SHORT)
        assert len([name for name in loaded if name.startswith("gradient:")]) == 1


class TestResumption:
    def test_finished_pictures_are_left_alone(self) -> None:
        succeed(*GRID)
        before = files(FOLDER)
        result = succeed(*GRID)
        assert "4 of 4 pictures are in photo-painting." in result.stderr
        after = files(FOLDER)
        assert {name: after[name] for name in NAMES} == {name: before[name] for name in NAMES}
        assert after["sheet.png"][0] == before["sheet.png"][0]

    def test_a_missing_picture_is_made(self) -> None:
        succeed(*GRID)
        before = files(FOLDER)
        (FOLDER / NAMES[2]).unlink()
        result = succeed(*GRID)
        assert "3 of 4 pictures are in photo-painting." in result.stderr
        after = files(FOLDER)
        assert contents(FOLDER) == {name: data for name, (data, _) in before.items()}
        kept = [name for name in NAMES if after[name] == before[name]]
        assert kept == [NAMES[0], NAMES[1], NAMES[3]]

    @pytest.mark.parametrize("columns", [("--ratio", "10"), ("--up-to", "conv3_1")])
    def test_a_grid_can_grow(self, columns: tuple[str, str]) -> None:
        succeed(*ONE)
        before = files(FOLDER)
        assert "1 of 2 pictures are in photo-painting." in succeed(*ONE, *columns).stderr
        after = files(FOLDER)
        assert after[NAMES[0]] == before[NAMES[0]]
        assert len(after) == 2 + 1

    def test_an_interrupted_picture_is_kept_and_known_to_be_unfinished(
        self, interrupted_at: Callable[[int], None]
    ) -> None:
        interrupted_at(4)
        result = stylize(*GRID)
        assert result.exit_code == INTERRUPTED
        last = result.stderr.splitlines()[-1]
        assert last.startswith(f"Interrupted. The picture so far is {FOLDER / NAMES[1]}: ")
        assert set(files(FOLDER)) == set(NAMES[:2])
        whole, part = (read_recipe(FOLDER / name) for name in NAMES[:2])
        assert (whole.evaluations, whole.finished) == (2, True)
        assert (part.evaluations, part.finished) == (1, False)

    def test_an_interrupted_grid_is_completed_as_if_it_had_not_been(
        self, interrupted_at: Callable[[int], None]
    ) -> None:
        succeed(*GRID, "-o", "whole")
        for evaluation, there in ((1, 0), (4, 1), (5, 2), (8, 3)):
            folder = Path(f"interrupted at {evaluation}")
            interrupted_at(evaluation)
            assert stylize(*GRID, "-o", str(folder)).exit_code == INTERRUPTED
            begun = files(folder)
            result = succeed(*GRID, "-o", str(folder))
            assert f"{there} of 4 pictures are in {folder}." in result.stderr
            assert contents(folder) == contents(Path("whole"))
            after = files(folder)
            kept = [name for name in NAMES if name in begun and after[name] == begun[name]]
            assert kept == NAMES[:there]

    def test_an_unfinished_picture_is_not_replaced_by_one_with_fewer_iterations(
        self, interrupted_at: Callable[[int], None]
    ) -> None:
        command = (*ONE, "--iterations", "4")
        succeed(*command, "-o", "whole")
        interrupted_at(4)
        assert stylize(*command).exit_code == INTERRUPTED
        before = files(FOLDER)
        assert read_recipe(FOLDER / NAMES[0]).evaluations == 3
        interrupted_at(3)
        assert stylize(*command).exit_code == INTERRUPTED
        assert files(FOLDER) == before
        succeed(*command)
        assert contents(FOLDER) == contents(Path("whole"))

    def test_pictures_may_have_moved(self) -> None:
        succeed(*ONE)
        Path("album").mkdir()
        Path("photo.png").rename("album/mine.png")
        command, _, *rest = ONE
        result = succeed(command, "album/mine.png", *rest, "-o", str(FOLDER))
        assert "1 of 1 pictures are in photo-painting." in result.stderr

    @pytest.mark.parametrize(
        ("other", "different"),
        [
            (("--iterations", "3"), "iterations"),
            (("--size", "36"), "size"),
            (("--seed", "1"), "seed"),
            (("--init", "grey"), "init"),
            (("--init", "other.png"), "start, init"),
            (("--tv-weight", "1e-3"), "tv_weight"),
            (("--optimizer", "adam"), "optimizer"),
            (("--history", "5"), "history"),
        ],
    )
    def test_a_folder_with_other_settings_is_refused(
        self, other: tuple[str, str], different: str
    ) -> None:
        succeed(*ONE)
        found = refusal(*ONE, *other, code=FAILURE)
        assert f"'{FOLDER / NAMES[0]}' is another picture (different: {different})" in found
        assert "-o" in found

    @pytest.mark.parametrize("changed", ["photo.png", "painting.png"])
    def test_a_folder_of_other_pictures_is_refused(
        self, picture: Callable[..., Path], changed: str
    ) -> None:
        succeed(*ONE)
        picture(changed, seed=4)
        different = {"photo.png": "photo", "painting.png": "paintings"}[changed]
        assert f"is another picture (different: {different})" in refusal(*ONE, code=FAILURE)

    def test_an_unfinished_picture_with_other_settings_is_refused(
        self, interrupted_at: Callable[[int], None]
    ) -> None:
        interrupted_at(2)
        stylize(*ONE)
        assert not read_recipe(FOLDER / NAMES[0]).finished
        found = refusal(*ONE, "--seed", "1", code=FAILURE)
        assert f"'{FOLDER / NAMES[0]}' is another picture (different: seed)" in found

    @pytest.mark.parametrize("name", [NAMES[0], NAMES[-1]])
    def test_a_picture_that_stylize_did_not_make_is_refused(
        self, picture: Callable[..., Path], name: str
    ) -> None:
        FOLDER.mkdir()
        picture(f"{FOLDER}/{name}", (32, 21))
        found = refusal(*GRID, code=FAILURE)
        assert f"'{FOLDER / name}' does not tell how it was made" in found

    def test_a_file_that_is_no_picture_is_refused(self) -> None:
        FOLDER.mkdir()
        (FOLDER / NAMES[1]).write_text("mine")
        assert f"'{FOLDER / NAMES[1]}' cannot be read" in refusal(*GRID, code=FAILURE)


class TestFigure1:
    def test_has_style_and_content_at_each_layer(self) -> None:
        short = ("--size", "32x24", "--iterations", "4")
        command = ("figure", "1", "--photo", "photo.png", "--painting", "painting.png", *short)
        succeed(*command)
        folder = Path("figure1")
        style, content = (
            [folder / f"{kind}-{layer}.png" for layer in STYLE_LAYERS]
            for kind in ("style", "content")
        )
        names = {path.name for path in (*style, *content)} | {"sheet.png"}
        assert set(files(folder)) == names

        layers = [option for layer in STYLE_LAYERS[:3] for option in ("--style-layer", layer)]
        succeed("texture", "painting.png", *layers, *short, "-o", "style.png")
        succeed("reconstruct", "photo.png", "--layer", "conv2_1", *short, "-o", "content.png")
        assert not np.array_equal(pixels(style[1]), pixels("style.png"))
        assert np.array_equal(pixels(style[2]), pixels("style.png"))
        assert np.array_equal(pixels(content[1]), pixels("content.png"))

        repaint(*style, *content)
        succeed(*command)
        assert_in_rows(folder / "sheet.png", [style, content])


class TestFigure2:
    COMMAND = ("figure", "2", "--photo", "photo.png", "--painting", "painting.png", *SHORT)
    FOLDER = Path("figure2")

    def test_has_a_picture_for_each_painting(self) -> None:
        succeed(*self.COMMAND, "--painting", "other.png")
        assert set(files(self.FOLDER)) == {"painting.png", "other.png", "sheet.png"}

    def test_pictures_are_those_that_run_makes(self) -> None:
        succeed(*self.COMMAND, "--painting", "other.png", "--size", "40")
        command = ("run", "photo.png", "other.png", "--preset", "paper", "--model", "compact")
        succeed(*command, "--iterations", "2", "--size", "40", "-o", "out.png")
        assert np.array_equal(pixels(self.FOLDER / "other.png"), pixels("out.png"))

    def test_sheet_shows_each_below_its_painting(self) -> None:
        succeed(*self.COMMAND, "--painting", "other.png", "--size", "48")
        sheet = pixels(self.FOLDER / "sheet.png")
        shown = ("photo.png", "painting.png", "other.png", "figure2/painting.png")
        places = [
            (*place(sheet, pixels(path)), pixels(path)) for path in (*shown, "figure2/other.png")
        ]
        middles = [x + picture.shape[1] / 2 for x, _, picture in places]
        tops = [y for _, y, _ in places]
        assert middles[0] < middles[1] < middles[2]
        assert middles[3:] == middles[1:3]
        assert tops[3] == tops[4] >= max(tops[:3]) + 40
        x, _, photo = places[0]
        below_the_photo = sheet[tops[3] :, x : x + photo.shape[1]]
        assert below_the_photo.min() == WHITE

    def test_larger_paintings_are_shown_reduced(self) -> None:
        colour = (200, 30, 90)
        Image.new("RGB", (160, 120), colour).save("painting.png")
        succeed(*self.COMMAND, "--size", "48x48")
        sheet = pixels(self.FOLDER / "sheet.png")
        x, _ = place(sheet, pixels(Image.new("RGB", (48, 36), colour)))
        assert x == place(sheet, pixels(self.FOLDER / "painting.png"))[0]

    def test_style_weight(self) -> None:
        succeed(*self.COMMAND, "-o", "default")
        succeed(*self.COMMAND, "--style-weight", "50")
        default, options = (
            read_recipe(Path(folder, "painting.png")).options for folder in ("default", "figure2")
        )
        assert default.content_weight / default.style_weight == pytest.approx(1e-3)
        assert (options.content_weight, options.style_weight) == (1, 50)

    def test_a_painting_can_be_added(self) -> None:
        succeed(*self.COMMAND)
        before = files(self.FOLDER)["painting.png"]
        assert "1 of 2 pictures" in succeed(*self.COMMAND, "--painting", "other.png").stderr
        assert files(self.FOLDER)["painting.png"] == before
        assert (self.FOLDER / "other.png").exists()

    def test_paintings_of_one_name_are_refused(self, picture: Callable[..., Path]) -> None:
        Path("album").mkdir()
        picture("album/painting.jpg")
        found = refusal(*self.COMMAND, "--painting", "album/painting.jpg", code=USAGE)
        assert "Two paintings are called 'painting'" in found

    def test_a_painting_is_not_overwritten(self) -> None:
        found = refusal(*self.COMMAND, "-o", ".", code=USAGE)
        assert "would overwrite 'painting.png'" in found

    def test_a_painting_called_sheet_is_refused(self, picture: Callable[..., Path]) -> None:
        picture("sheet.png")
        found = refusal(*self.COMMAND, "--painting", "sheet.png", code=USAGE)
        assert f"cannot both be '{Path('figure2/sheet.png')}'" in found


class TestFigure3:
    def test_is_the_grid_with_the_papers_layers_and_ratios(self) -> None:
        short = ("--size", "24x16", "--iterations", "1")
        succeed("figure", "3", "--photo", "photo.png", "--painting", "painting.png", *short)
        ratios = ("1e-5", "1e-4", "1e-3", "1e-2")
        expected = {f"{layer}_{ratio}.png" for layer in STYLE_LAYERS for ratio in ratios}
        folder = Path("figure3")
        made = contents(folder)
        assert set(made) == expected | {"sheet.png"}
        options = read_recipe(folder / "conv3_1_1e-2.png").options
        assert options.style_layers == STYLE_LAYERS[:3]
        assert options.content_weight / options.style_weight == pytest.approx(0.01, rel=1e-12)
        assert options.init == "noise"

        result = succeed("grid", "photo.png", "painting.png", *short, "-o", "figure3")
        assert "20 of 20 pictures are in figure3." in result.stderr
        assert contents(folder) == made


class TestSheet:
    def test_elsewhere(self) -> None:
        succeed(*GRID, "--sheet", "all.jpg")
        assert set(files(FOLDER)) == set(NAMES)
        with Image.open("all.jpg") as file:
            assert file.format == "JPEG"

    @pytest.mark.parametrize("command", [ONE, TestFigure2.COMMAND])
    def test_cells_are_reduced(self, command: tuple[str, ...]) -> None:
        succeed(*command, "-o", "out", "--sheet", "sheet.png", "--cell", "20")
        name = NAMES[0] if command is ONE else "painting.png"
        cell = load_image(Path("out", name))
        reduced = cell.resize((20, 13), Image.Resampling.LANCZOS)
        place(pixels("sheet.png"), pixels(reduced))

    def test_is_drawn_anew_from_pictures_that_are_there(self) -> None:
        succeed(*GRID)
        pictures = {name: file for name, file in files(FOLDER).items() if name in NAMES}
        succeed(*GRID, "--sheet", "small.png", "--cell", "16")
        assert pixels("small.png").size < pixels(FOLDER / "sheet.png").size
        after = files(FOLDER)
        assert {name: after[name] for name in NAMES} == pictures

    @pytest.mark.parametrize("cell", ["15", "0"])
    def test_cells_too_small(self, cell: str) -> None:
        assert stylize(*GRID, "--cell", cell).exit_code == USAGE
        assert not FOLDER.exists()

    def test_unknown_ending(self) -> None:
        found = refusal(*GRID, "--sheet", "all.gif", code=USAGE)
        assert "'all.gif' must end in one of .png" in found
        assert not FOLDER.exists()

    def test_in_a_missing_folder(self) -> None:
        found = refusal(*GRID, "--sheet", "missing/all.png", code=FAILURE)
        assert f"cannot be written: {os.strerror(errno.ENOENT)}." in found
        assert not FOLDER.exists()

    @pytest.mark.parametrize("name", ["photo.png", "painting.png"])
    def test_over_a_picture_that_is_read(self, name: str) -> None:
        assert f"would overwrite '{name}'" in refusal(*GRID, "--sheet", name, code=USAGE)

    def test_over_the_picture_to_start_from(self) -> None:
        arguments = ("--init", "other.png", "--sheet", "other.png")
        assert "would overwrite 'other.png'" in refusal(*ONE, *arguments, code=USAGE)

    def test_over_one_of_its_pictures(self) -> None:
        sheet = FOLDER / NAMES[1]
        found = refusal(*GRID, "--sheet", str(sheet), code=USAGE)
        assert f"Two outputs cannot both be '{sheet}'" in found


class TestRefusal:
    @pytest.mark.parametrize("number", ["1", "3"])
    def test_of_two_paintings(self, number: str) -> None:
        paintings = ("--painting", "painting.png", "--painting", "other.png")
        found = refusal("figure", number, "--photo", "photo.png", *paintings, *SHORT, code=USAGE)
        assert f"Figure {number} is of one painting" in found

    @pytest.mark.parametrize("number", ["1", "3"])
    def test_of_a_style_weight(self, number: str) -> None:
        pictures = ("--photo", "photo.png", "--painting", "painting.png")
        found = refusal("figure", number, *pictures, *SHORT, "--style-weight", "5", code=USAGE)
        assert f"Figure {number} sets the style weight itself" in found

    @pytest.mark.parametrize("init", ["photo", "painting"])
    def test_of_figure_1_from_one_of_the_pictures(self, init: str) -> None:
        pictures = ("--photo", "photo.png", "--painting", "painting.png")
        found = refusal("figure", "1", *pictures, *SHORT, "--init", init, code=USAGE)
        assert "start from noise, grey, or a file" in found

    @pytest.mark.parametrize("number", ["0", "4", "two"])
    def test_of_another_figure(self, number: str) -> None:
        pictures = ("--photo", "photo.png", "--painting", "painting.png")
        result = stylize("figure", number, *pictures, *SHORT)
        assert result.exit_code == USAGE
        assert number in result.stderr

    @pytest.mark.parametrize("missing", ["--photo", "--painting"])
    def test_without_one_of_the_pictures(self, missing: str) -> None:
        given = "--painting" if missing == "--photo" else "--photo"
        result = stylize("figure", "1", given, "photo.png", *SHORT)
        assert result.exit_code == USAGE
        assert missing in result.stderr

    @pytest.mark.parametrize("ratio", ["0", "-1", "inf", "nan"])
    def test_of_a_ratio(self, ratio: str) -> None:
        found = refusal(*GRID, "--ratio", ratio, code=USAGE)
        assert f"The ratio α/β is {ratio}; it must be " in found

    @pytest.mark.parametrize("layer", ["conv1_2", "conv9_9", "pool1"])
    def test_of_a_layer_that_is_not_the_papers(self, layer: str) -> None:
        found = refusal(*GRID, "--up-to", layer, code=USAGE)
        assert f"'{layer}' is none of the paper's style layers: conv1_1, conv2_1" in found

    @pytest.mark.parametrize("missing", ["photo.png", "painting.png"])
    def test_of_a_missing_picture(self, missing: str) -> None:
        Path(missing).unlink()
        assert f"There is no picture '{missing}'" in refusal(*GRID, code=FAILURE)
        assert not FOLDER.exists()

    def test_of_a_missing_picture_to_start_from(self) -> None:
        found = refusal(*GRID, "--init", "missing.png", code=USAGE)
        assert "Cannot start from 'missing.png'" in found

    def test_of_a_folder_that_is_a_file(self) -> None:
        FOLDER.write_text("mine")
        assert f"The folder '{FOLDER}' cannot be made" in refusal(*GRID, code=FAILURE)

    def test_of_a_size(self) -> None:
        assert "The size is 'big'" in refusal(*GRID, "--size", "big", code=USAGE)


def test_a_file_called_sheet_is_not_overwritten(picture: Callable[..., Path]) -> None:
    Path("photo-painting").mkdir()
    foreign = picture("mine.png").rename("photo-painting/sheet.png")
    before = foreign.read_bytes()
    command = ["grid", "photo.png", "painting.png", "--size", "32", "--iterations", "1"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1
    assert "'photo-painting/sheet.png' is no sheet of stylize's" in result.stderr
    assert [path.name for path in Path("photo-painting").iterdir()] == ["sheet.png"]
    assert foreign.read_bytes() == before


def test_the_sheet_may_lie_beside_the_pictures_under_another_name() -> None:
    command = [*ONE, "-o", "new", "--sheet", "new/all.jpg", "-q"]
    assert CliRunner().invoke(app, command).exit_code == 0
    assert sorted(path.name for path in Path("new").iterdir()) == ["all.jpg", "conv1_1_1e-3.png"]


def test_a_foreign_picture_is_in_the_way(picture: Callable[..., Path]) -> None:
    Path("photo-painting").mkdir()
    picture("mine.png").rename("photo-painting/conv1_1_1e-3.png")
    result = CliRunner().invoke(app, ONE)
    assert result.exit_code == 1
    assert "It is in the way of a picture of this figure: name another" in result.stderr
