"""``stylize rerun``: a PNG tells how it was made, and is made again, bit for bit."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import ALL_CPUS
from PIL import Image
from typer.testing import CliRunner, Result

from stylize.cli.app import app
from stylize.models.catalog import embedded_folder
from stylize.models.files import sha256
from stylize.runtime.method.model import Model
from stylize.runtime.method.options import RECONSTRUCTION
from stylize.runtime.pictures.reading import load_image
from stylize.runtime.pictures.saving import save_image
from stylize.runtime.plans.recipe import KEYWORD, Recipe, read_recipe, recipe_chunks, recipe_of
from stylize.runtime.providers.table import configure

FAILURE, USAGE, INTERRUPTED = 1, 2, 130
WHOLE = ("run", "photo.png", "painting.png", "-o", "out.png", "--size", "32", "--iterations", "3")
RUN = (*WHOLE, "--content-weight", "0", "--style-layer", "conv1_1")
"""Quicker, for what does not depend on the layers."""


@pytest.fixture(autouse=True)
def pictures(picture: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A photo, a painting and a picture to start from, in the working folder."""
    monkeypatch.delenv("STYLIZE_TRACEBACK", raising=False)
    picture("photo.png", seed=1)
    picture("painting.png", (32, 40), seed=2)
    picture("start.png", (40, 40), seed=3)


def stylize(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def succeed(*arguments: str) -> Result:
    result = stylize(*arguments)
    assert result.exit_code == 0, result.output
    return result


def refusal(*arguments: str, code: int = FAILURE) -> str:
    """Run stylize rerun, which must refuse and change no file; return its message."""
    before = files()
    result = stylize("rerun", *arguments)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code
    assert result.stdout == ""
    assert files() == before
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    return last


def files() -> dict[str, bytes]:
    """All files below the working folder but those of ONNX Runtime's telemetry."""
    found = (path for path in Path().rglob("*") if "Microsoft" not in path.parts)
    return {str(path): path.read_bytes() for path in found if path.is_file()}


def same_pixels(one: Path | str, other: Path | str) -> bool:
    return np.array_equal(np.asarray(load_image(one)), np.asarray(load_image(other)))


def rewrite(path: str, edit: Callable[[Recipe], Recipe]) -> None:
    """Change what a picture tells of how it was made."""
    save_image(load_image(path), Path(path), recipe_chunks(edit(read_recipe(Path(path)))))


class TestBytes:
    @pytest.mark.parametrize(
        "command",
        [
            WHOLE,
            (*WHOLE, "--init", "start.png", "--losses", "mse", "--tv-weight", str(1 / 3)),
            (*WHOLE, "--size", "40x24", "--painting-size", "24", "--style-layer", "conv1_1"),
            (*WHOLE, "--preset", "johnson", "--model", "compact", "--quiet"),
            (*RUN, "--init", "noise", "--seed", "5", "--optimizer", "adam", "--history", "3"),
            (*RUN, "--size", "24", "--side", "short", "--model", "compact"),
            (*WHOLE, "--size", "48", "--scales", "24,36", "--margin", "3", "--losses", "relative"),
            (*RUN, "--size", "48", "--scales", "2", "--iterations", "90", "--until", "20%"),
            ("reconstruct", "photo.png", "--layer", "conv2_1", *WHOLE[3:]),
            ("texture", "painting.png", "--init", "grey", *WHOLE[3:], "--size", "41x23"),
        ],
    )
    def test_are_those_of_the_first_time(self, command: tuple[str, ...]) -> None:
        succeed(*command)
        first = Path("out.png").read_bytes()
        succeed("rerun", "out.png")
        assert Path("out-again.png").read_bytes() == first
        assert Path("out.png").read_bytes() == first

    def test_are_as_transparent_as_then(self) -> None:
        with Image.open("photo.png") as photo:
            photo.putalpha(Image.linear_gradient("L").resize(photo.size))
            photo.save("photo.png")
        succeed(*RUN)
        succeed("rerun", "out.png")
        with Image.open("out.png") as first, Image.open("out-again.png") as again:
            assert first.mode == "RGBA"
            assert first.tobytes() == again.tobytes()

    @pytest.mark.skipif(len(ALL_CPUS) < 2, reason="there is one CPU, or nobody knows")
    def test_with_several_threads(self) -> None:
        program = [sys.executable, "-m", "stylize.cli"]
        for command in ((*RUN, "--iterations", "6"), ("rerun", "out.png")):
            subprocess.run(
                [*program, *command],
                check=True,
                capture_output=True,
                preexec_fn=lambda: os.sched_setaffinity(0, ALL_CPUS),
            )
        assert Path("out-again.png").read_bytes() == Path("out.png").read_bytes()

    def test_of_a_picture_in_a_grid(self) -> None:
        rows = ("--up-to", "conv1_1", "--up-to", "conv2_1", "--ratio", "1e-3", "--ratio", "0.3")
        succeed("grid", "photo.png", "painting.png", *rows, "--size", "32", "--iterations", "3")
        for name in ("conv2_1_1e-3.png", "conv2_1_3e-1.png"):
            cell = Path("photo-painting", name)
            succeed("rerun", str(cell), "-o", "again.png")
            assert Path("again.png").read_bytes() == cell.read_bytes()


class TestInterrupted:
    """Pictures of a run of six iterations that was stopped after two."""

    @pytest.fixture(autouse=True)
    def interrupted(self, interrupted_at: Callable[[int], None]) -> None:
        command = (*RUN, "--iterations", "6")
        succeed(*command, "-o", "whole.png")
        interrupted_at(3)
        assert stylize(*command).exit_code == INTERRUPTED
        assert read_recipe(Path("out.png")).evaluations == 2

    def test_are_repeated_as_far_as_they_went(self) -> None:
        result = succeed("rerun", "out.png")
        assert same_pixels("out-again.png", "out.png")
        assert not same_pixels("out-again.png", "whole.png")
        assert "interrupted after 2 of 6 iterations" in result.stderr
        assert "--iterations 6" in result.stderr
        assert succeed("rerun", "out.png", "--quiet").stderr == ""

    def test_are_the_same_file_whatever_the_history(
        self, interrupted_at: Callable[[int], None]
    ) -> None:
        """How much L-BFGS remembers decides how its sums are rounded."""
        interrupted_at(12)
        command = (*RUN, "--size", "48", "--iterations", "60", "--history", "50")
        assert stylize(*command).exit_code == INTERRUPTED
        succeed("rerun", "out.png")
        assert Path("out-again.png").read_bytes() == Path("out.png").read_bytes()

    def test_are_completed_where_that_is_asked_for(self) -> None:
        result = succeed("rerun", "out.png", "--iterations", "6")
        assert Path("out-again.png").read_bytes() == Path("whole.png").read_bytes()
        assert "interrupted" not in result.stderr

    def test_can_be_interrupted_again(self, interrupted_at: Callable[[int], None]) -> None:
        interrupted_at(2)
        command = ("rerun", "out.png", "--iterations", "6")
        assert stylize(*command).exit_code == INTERRUPTED
        assert read_recipe(Path("out-again.png")).evaluations == 1
        succeed(*command)
        assert Path("out-again.png").read_bytes() == Path("whole.png").read_bytes()


class TestSettled:
    def test_are_repeated_with_what_was_spared(self) -> None:
        succeed(*RUN, "--size", "48", "--scales", "2", "--iterations", "200", "--until", "20%")
        result = succeed("rerun", "out.png")
        assert "200/200  0:00 left" in result.stderr
        assert "interrupted" not in result.stderr
        assert read_recipe(Path("out-again.png")) == read_recipe(Path("out.png"))


class TestEarlierReleases:
    """Their recipes do not tell what they could not do otherwise."""

    def test_are_repeated_as_they_were(self) -> None:
        then = ("--scales", "1", "--margin", "0", "--pixels", "free", "--colors", "painting")
        succeed(*RUN, "--size", "300", *then)
        with Image.open("out.png") as file:
            recipe = json.loads(file.info[KEYWORD])
        for name in ("scales", "margin", "pixels", "colors", "until"):
            del recipe["options"][name]
        del recipe["spared"]
        first = load_image("out.png")
        save_image(first, Path("out.png"), {KEYWORD: json.dumps(recipe)})
        succeed("rerun", "out.png")
        assert same_pixels("out-again.png", "out.png")


class TestIterations:
    def test_may_be_more_than_then(self) -> None:
        succeed(*RUN)
        succeed(*RUN, "--iterations", "5", "-o", "longer.png")
        succeed("rerun", "out.png", "--iterations", "5")
        assert Path("out-again.png").read_bytes() == Path("longer.png").read_bytes()

    def test_are_one_at_least(self) -> None:
        succeed(*RUN)
        result = stylize("rerun", "out.png", "--iterations", "0")
        assert result.exit_code == USAGE
        assert not Path("out-again.png").exists()


class TestOutput:
    def test_lies_beside_the_picture_by_default(self) -> None:
        Path("album").mkdir()
        succeed(*RUN, "-o", "album/me.png")
        before = set(files())
        succeed("rerun", "album/me.png")
        assert set(files()) - before == {str(Path("album/me-again.png"))}

    def test_of_another_kind(self) -> None:
        succeed(*RUN)
        succeed("rerun", "out.png", "-o", "again.tiff")
        assert same_pixels("again.tiff", "out.png")

    @pytest.mark.parametrize("option", ["-o", "--trace"])
    def test_is_none_of_the_pictures_that_are_read(self, option: str) -> None:
        succeed(*RUN, "--init", "start.png")
        for name in ("photo.png", "painting.png", "start.png"):
            found = refusal("out.png", option, name, code=USAGE)
            assert f"would overwrite '{name}'" in found

    @pytest.mark.parametrize("option", ["-o", "--trace"])
    def test_is_not_the_picture_that_is_repeated(self, option: str) -> None:
        succeed(*RUN)
        assert "would overwrite 'out.png'" in refusal("out.png", option, "out.png", code=USAGE)

    def test_trace_is_that_of_the_first_time(self) -> None:
        succeed(*RUN, "--trace", "first.jsonl")
        succeed("rerun", "out.png", "--trace", "again.jsonl")
        first, again = (
            [json.loads(line) for line in Path(name).read_text().splitlines()]
            for name in ("first.jsonl", "again.jsonl")
        )
        assert len(first) == 3
        for entry in (*first, *again):
            del entry["seconds"]
        assert first == again

    def test_quiet(self) -> None:
        succeed(*RUN)
        result = succeed("rerun", "out.png", "--quiet")
        assert (result.stdout, result.stderr) == ("", "")


class TestDrafts:
    """What is given wins over what a picture tells of itself."""

    CHANGES = ("--size", "40", "--style-weight", "7", "--optimizer", "adam", "--seed", "3")

    @pytest.mark.parametrize("start", [(), ("--init", "out.png"), ("--init", "noise")])
    def test_become_what_a_run_with_these_options_makes(self, start: tuple[str, ...]) -> None:
        succeed(*RUN)
        result = succeed("rerun", "out.png", *self.CHANGES, *start, "-o", "final.png")
        succeed(*RUN, *self.CHANGES, *start, "-o", "expected.png")
        assert Path("final.png").read_bytes() == Path("expected.png").read_bytes()
        told = f"It starts from '{start[-1]}', not from 'photo' as then." if start else "It starts"
        assert (told in result.stderr) is bool(start)

    def test_start_from_another_file_than_then(self) -> None:
        """The one of then is not needed for that."""
        succeed(*RUN, "--init", "start.png")
        Path("start.png").unlink()
        succeed("rerun", "out.png", "--init", "painting.png", "-o", "final.png")
        succeed(*RUN, "--init", "painting.png", "-o", "expected.png")
        assert Path("final.png").read_bytes() == Path("expected.png").read_bytes()

    def test_two_options_for_the_same(self) -> None:
        succeed(*RUN)
        given = ("--strength", "40", "--style-weight", "7")
        assert "Give one of them." in refusal("out.png", *given, code=USAGE)


class TestPicturesRead:
    @pytest.fixture
    def made(self, tmp_path: Path) -> Path:
        """A folder with a result and all that it is made of."""
        succeed(*RUN, "--init", "start.png")
        return tmp_path

    @pytest.fixture
    def elsewhere(self, made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Another working folder; the folder with the result was moved there, too."""
        (made / "elsewhere" / "moved").mkdir(parents=True)
        for path in made.glob("*.png"):
            path.rename(made / "elsewhere" / "moved" / path.name)
        monkeypatch.chdir(made / "elsewhere")
        return made / "elsewhere"

    def test_are_found_beside_the_result(self, elsewhere: Path) -> None:
        succeed("rerun", "moved/out.png")
        assert same_pixels("moved/out-again.png", "moved/out.png")
        assert not (elsewhere.parent / "photo.png").exists()

    def test_are_found_from_within_the_moved_folder(
        self, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(elsewhere / "moved")
        succeed("rerun", "out.png")
        assert Path("out-again.png").read_bytes() == Path("out.png").read_bytes()

    def test_are_found_where_they_were_relative_to_the_result(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Path("album").mkdir()
        Path("photo.png").rename("album/photo.png")
        command, _, *rest = RUN
        succeed(command, "album/photo.png", *rest)
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        succeed("rerun", "../out.png")
        assert same_pixels("../out-again.png", "../out.png")

    def test_are_found_where_all_were_put_into_one_folder(self, tmp_path: Path) -> None:
        Path("album").mkdir()
        (tmp_path / "photo.png").rename("album/photo.png")
        command, _, *rest = RUN
        succeed(command, str(tmp_path / "album" / "photo.png"), *rest)
        Path("flat").mkdir()
        for name in ("album/photo.png", "painting.png", "out.png"):
            shutil.move(name, "flat")
        succeed("rerun", "flat/out.png")
        assert same_pixels("flat/out-again.png", "flat/out.png")

    def test_are_not_mixed_up_with_others_of_their_names(
        self, elsewhere: Path, picture: Callable[..., Path]
    ) -> None:
        for name in ("photo.png", "painting.png", "start.png"):
            picture(f"elsewhere/{name}", seed=9)
        succeed("rerun", "moved/out.png")
        assert same_pixels("moved/out-again.png", "moved/out.png")

    @pytest.mark.parametrize("kind", ["photo", "painting", "init"])
    def test_may_lie_where_it_is_said(self, made: Path, kind: str) -> None:
        name = "start.png" if kind == "init" else f"{kind}.png"
        Path(name).rename("renamed.png")
        found = refusal("out.png")
        assert f"There is no '{name}', neither here nor near 'out.png'." in found
        assert f"Say where it lies now with --{kind}." in found
        succeed("rerun", "out.png", f"--{kind}", "renamed.png")
        assert same_pixels("out-again.png", "out.png")

    @pytest.mark.parametrize("kind", ["photo", "painting", "init"])
    def test_are_refused_if_changed(
        self, made: Path, picture: Callable[..., Path], kind: str
    ) -> None:
        name = "start.png" if kind == "init" else f"{kind}.png"
        was = sha256(made / name)
        picture(name, seed=9)
        found = refusal("out.png")
        assert f"'{name}' is not the picture that was used: its sha256 is not {was}" in found
        assert f"with --{kind}." in found

    def test_are_refused_where_others_are_said_to_be_them(self, made: Path) -> None:
        found = refusal("out.png", "--photo", "painting.png")
        assert "'painting.png' is not the picture that was used" in found
        found = refusal("out.png", "--photo", "missing.png")
        assert "There is no 'missing.png'" in found

    def test_where_one_is_said_to_lie_no_other_is_taken(self, made: Path) -> None:
        assert (made / "painting.png").exists()
        assert "There is no 'missing.png'" in refusal("out.png", "--painting", "missing.png")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
@pytest.mark.parametrize("name", [b"photo\xff.png", rb"photo\udcff.png"])
def test_a_name_that_is_no_text_is_found_again(name: bytes) -> None:
    photo = os.fsdecode(name)
    Path("photo.png").rename(photo)
    succeed("run", photo, *RUN[2:])
    succeed("rerun", "out.png")
    assert same_pixels("out-again.png", "out.png")


class TestStrangers:
    """What a picture asks for is not done because it asks for it."""

    @pytest.fixture
    def asking(self) -> Callable[..., None]:
        """Let a picture ask for something, by changes of its recipe's JSON."""
        succeed(*RUN, "--init", "start.png")

        def ask(**changes: object) -> None:
            with Image.open("out.png") as file:
                recipe = json.loads(file.info[KEYWORD])
            for name, value in changes.items():
                *path, last = name.split("__")
                place = recipe
                for key in path:
                    place = place[key]
                place[last] = value
            save_image(load_image("out.png"), Path("out.png"), {KEYWORD: json.dumps(recipe)})

        return ask

    @pytest.fixture
    def outside(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A folder with the photo in it, far from the working folder, which has none."""
        (tmp_path / "far" / "away").mkdir(parents=True)
        (tmp_path / "here" / "in").mkdir(parents=True)
        for name in ("painting.png", "start.png"):
            shutil.copy(name, tmp_path / "here" / "in" / name)
        shutil.move("photo.png", tmp_path / "far" / "away" / "photo.png")
        return tmp_path / "far" / "away"

    @pytest.mark.parametrize("path", ["{0}/photo.png", "../../far/away/photo.png", "link/x.png"])
    def test_no_path_leads_out(
        self,
        asking: Callable[..., None],
        outside: Path,
        path: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        asking(photo__path=path.format(outside))
        shutil.move("out.png", tmp_path / "here" / "in" / "out.png")
        monkeypatch.chdir(tmp_path / "here" / "in")
        os.link(outside / "photo.png", outside / "x.png")
        Path("link").symlink_to(outside, target_is_directory=True)
        assert "neither here nor near 'out.png'. Say where it lies" in refusal("out.png")
        succeed("rerun", "out.png", "--photo", str(outside / "photo.png"))

    def test_a_path_that_leads_out_is_still_a_name(self, asking: Callable[..., None]) -> None:
        asking(photo__path="/home/somebody/photo.png", start__path="../start.png")
        succeed("rerun", "out.png")
        assert same_pixels("out-again.png", "out.png")

    @pytest.mark.parametrize("init", ["photo.png", "/etc/passwd", "start.png"])
    def test_no_file_to_start_from_is_read_unchecked(
        self, asking: Callable[..., None], init: str
    ) -> None:
        asking(start=None, options__init=init)
        found = refusal("out.png")
        assert f"it starts from '{init}', but not by its checksum" in found

    def test_a_file_to_start_from_is_the_one_with_the_checksum(
        self, asking: Callable[..., None]
    ) -> None:
        asking(options__init="painting.png")
        succeed("rerun", "out.png")
        assert same_pixels("out-again.png", "out.png")

    @pytest.mark.parametrize("name", ["{0}/mine", "mine", "../{1}/mine", "..", "."])
    def test_no_model_is_taken_by_its_path(
        self, asking: Callable[..., None], tmp_path: Path, name: str
    ) -> None:
        shutil.copytree(embedded_folder(), "mine")
        asking(model__name=name.format(tmp_path, tmp_path.name))
        assert "no other place is believed" in refusal("out.png")
        succeed("rerun", "out.png", "--model", "mine")

    def test_a_damaged_model_in_the_way_is_passed_by(self, asking: Callable[..., None]) -> None:
        Path("models/compact").mkdir(parents=True)
        Path("models/compact/model.json").write_text("{")
        succeed("rerun", "out.png")

    @pytest.mark.parametrize(
        "changes",
        [
            {"photo__sha256": "\x1b[2J"},
            {"photo__sha256": "0" * 64 + "\n"},
            {"photo__path": "x" * 5000},
            {"provider": "y" * 100},
            {"evaluations": -1},
            {"model__pooling": "median"},
            {"options__seed": -(10**400)},
            {"options__history": 10**400},
            {"options__size": [10**30, 64]},
        ],
    )
    def test_what_no_recipe_of_ours_has(
        self, asking: Callable[..., None], changes: dict[str, object]
    ) -> None:
        asking(**changes)
        found = refusal("out.png")
        assert "What 'out.png' tells of how it was made cannot be read" in found
        assert len(found) < 5000

    def test_nothing_controls_the_terminal(self, asking: Callable[..., None]) -> None:
        asking(photo__path="\x1b]0;owned\x07\n.png", version="\x9b2J", provider="\u202ecpu")
        for arguments in ((), ("--show",)):
            result = stylize("rerun", "out.png", *arguments)
            assert all(line.isprintable() for line in result.output.splitlines())
        shown = json.loads(stylize("rerun", "out.png", "--show").stdout)
        assert shown["photo"]["path"] == "\x1b]0;owned\x07\n.png"


class TestShow:
    def test_prints_json(self) -> None:
        command = (*WHOLE, "--init", "start.png", "--seed", "4", "--size", "40x24")
        succeed(*command, "--model", "compact")
        before = files()
        result = succeed("rerun", "out.png", "--show")
        assert result.stderr == ""
        assert files() == before
        shown = json.loads(result.stdout)
        for key, name in (("photo", "photo.png"), ("start", "start.png")):
            assert shown[key] == {"path": name, "sha256": sha256(Path(name))}
        (painting,) = shown["paintings"]
        assert painting == {
            **{"path": "painting.png", "sha256": sha256(Path("painting.png"))},
            **{"weight": 1.0, "layers": []},
        }
        weights = sha256(embedded_folder() / "weights.safetensors")
        assert shown["model"] == {
            "name": "compact",
            "weights_sha256": weights,
            "pooling": "average",
        }
        assert (shown["provider"], shown["evaluations"]) == ("cpu", 3)
        assert (shown["precision"], shown["provider_options"]) == ("float32", {})
        assert shown["options"]["size"] == [40, 24]
        assert (shown["options"]["seed"], shown["options"]["iterations"]) == (4, 3)
        assert shown["options"]["style_layers"] == [f"conv{n}_1" for n in range(1, 5)]

    def test_is_what_the_file_holds(self) -> None:
        succeed(*RUN)
        with Image.open("out.png") as file:
            held = json.loads(file.info[KEYWORD])
        assert json.loads(succeed("rerun", "out.png", "--show").stdout) == held

    def test_leaves_out_what_was_not_used(self) -> None:
        succeed("texture", "painting.png", *WHOLE[3:])
        shown = json.loads(succeed("rerun", "out.png", "--show").stdout)
        assert (shown["photo"], shown["start"]) == (None, None)
        assert [each["path"] for each in shown["paintings"]] == ["painting.png"]

    def test_needs_none_of_the_pictures_nor_the_model(self) -> None:
        succeed(*RUN, "--model", str(shutil.copytree(embedded_folder(), "mine")))
        shutil.rmtree("mine")
        Path("photo.png").unlink()
        shown = json.loads(succeed("rerun", "out.png", "--show").stdout)
        assert shown["model"]["name"] == "mine"


class TestFilesThatTellNothing:
    def test_jpeg(self) -> None:
        succeed(*RUN, "-o", "out.jpg")
        found = refusal("out.jpg")
        assert "'out.jpg' does not tell how it was made" in found
        assert ".png" in found

    def test_foreign_png(self) -> None:
        assert "'photo.png' does not tell how it was made" in refusal("photo.png")
        assert "'photo.png' does not tell how it was made" in refusal("photo.png", "--show")

    def test_png_that_another_program_has_saved(self) -> None:
        succeed(*RUN)
        with Image.open("out.png") as file:
            Image.fromarray(np.asarray(file)).save("out.png")
        assert "'out.png' does not tell how it was made" in refusal("out.png")

    def test_no_picture(self) -> None:
        Path("text.png").write_text("This is no picture.\n")
        assert "'text.png' cannot be read" in refusal("text.png")

    def test_missing(self) -> None:
        assert "There is no picture 'missing.png'" in refusal("missing.png")

    @pytest.mark.parametrize(
        "text", ["", "{", "[]", "{}", '"photo.png"', "not JSON", '{"photo": null, "painting": 1}']
    )
    def test_damaged_recipe(self, text: str) -> None:
        save_image(load_image("photo.png"), Path("out.png"), {KEYWORD: text})
        for arguments in ((), ("--show",)):
            found = refusal("out.png", *arguments)
            assert "What 'out.png' tells of how it was made cannot be read" in found

    @pytest.mark.parametrize(
        ("key", "value"),
        [("iterations", "many"), ("optimizer", "newton"), ("size", [1, 2, 3]), ("losses", "l1")],
    )
    def test_unknown_setting(self, key: str, value: object) -> None:
        succeed(*RUN)
        with Image.open("out.png") as file:
            recipe = json.loads(file.info[KEYWORD])
        recipe["options"][key] = value
        save_image(load_image("out.png"), Path("out.png"), {KEYWORD: json.dumps(recipe)})
        found = refusal("out.png")
        assert "What 'out.png' tells of how it was made cannot be read" in found
        assert f"options.{key}" in found

    @pytest.mark.parametrize(
        ("key", "value", "problem"),
        [("size", 3, "The size is 3;"), ("seed", -1, "The seed is -1;")],
    )
    def test_setting_out_of_range(self, key: str, value: object, problem: str) -> None:
        succeed(*RUN)
        with Image.open("out.png") as file:
            recipe = json.loads(file.info[KEYWORD])
        recipe["options"][key] = value
        save_image(load_image("out.png"), Path("out.png"), {KEYWORD: json.dumps(recipe)})
        found = refusal("out.png")
        assert f"What 'out.png' tells of how it was made cannot be read: {problem}" in found


class TestModel:
    @pytest.mark.parametrize("other", [{"weights_sha256": "0" * 64}, {"pooling": "max"}])
    def test_another_of_the_same_name_is_refused(self, other: dict[str, str]) -> None:
        succeed(*RUN)
        rewrite("out.png", lambda recipe: replace(recipe, model=replace(recipe.model, **other)))
        found = refusal("out.png")
        assert "The model 'compact' is not the one that was used" in found
        assert next(iter(other.values())) in found
        assert "--model" in found

    def test_another_is_taken_where_it_is_named(self) -> None:
        succeed(*RUN)
        rewrite(
            "out.png",
            lambda recipe: replace(recipe, model=replace(recipe.model, weights_sha256="0" * 64)),
        )
        succeed("rerun", "out.png", "--model", "compact")
        assert same_pixels("out-again.png", "out.png")

    def test_that_is_no_longer_there(self) -> None:
        succeed(*RUN, "--model", str(shutil.copytree(embedded_folder(), "mine")))
        shutil.rmtree("mine")
        assert "There is no model 'mine'" in refusal("out.png")
        succeed("rerun", "out.png", "--model", "compact")
        assert same_pixels("out-again.png", "out.png")

    def test_is_the_one_that_was_named(self) -> None:
        succeed(*RUN, "--model", str(shutil.copytree(embedded_folder(), "models/mine")))
        assert read_recipe(Path("out.png")).model.name == "mine"
        succeed("rerun", "out.png")
        assert Path("out-again.png").read_bytes() == Path("out.png").read_bytes()

    def test_is_not_the_vgg19_that_was_exported_since(self) -> None:
        succeed(*RUN)
        shutil.copytree(embedded_folder(), "models/vgg19")
        succeed("rerun", "out.png")
        assert Path("out-again.png").read_bytes() == Path("out.png").read_bytes()

    def test_provider_is_that_of_the_first_time(self) -> None:
        succeed(*RUN)
        rewrite("out.png", lambda recipe: replace(recipe, provider="tpu"))
        assert "There is no provider 'tpu'" in refusal("out.png", code=USAGE)
        succeed("rerun", "out.png", "--provider", "cpu")
        assert same_pixels("out-again.png", "out.png")

    def test_precision_is_that_of_the_first_time(self) -> None:
        succeed(*RUN)
        rewrite("out.png", lambda recipe: replace(recipe, precision="float16"))
        assert "cpu does not compute in float16" in refusal("out.png", code=USAGE)
        succeed("rerun", "out.png", "--precision", "float32")

    def test_provider_options_are_those_of_the_first_time(self) -> None:
        succeed(*RUN)
        rewrite("out.png", lambda recipe: replace(recipe, provider_options={"device_id": "1"}))
        assert "The provider cpu has no options" in refusal("out.png", code=USAGE)

    def test_another_provider_has_its_own_precision_and_options(self) -> None:
        succeed(*RUN)
        rewrite(
            "out.png",
            lambda recipe: replace(
                recipe, provider="cuda", precision="float16", provider_options={"device_id": "1"}
            ),
        )
        succeed("rerun", "out.png", "--provider", "cpu")
        assert read_recipe(Path("out-again.png")).precision == "float32"

    @pytest.mark.parametrize(
        ("provider", "option", "value"),
        [
            ("tensorrt", "trt_extra_plugin_lib_paths", "/tmp/evil it.so"),
            ("cuda", "gpu_external_alloc", "12 34"),
        ],
    )
    def test_options_that_may_do_harm_are_not_taken_from_a_picture(
        self, provider: str, option: str, value: str
    ) -> None:
        succeed(*RUN)
        options = {option: value, "device_id": "0"}
        rewrite(
            "out.png",
            lambda recipe: replace(recipe, provider=provider, provider_options=options),
        )
        found = refusal("out.png", code=USAGE)
        assert f"--provider-option '{option}={value}'" in found

    def test_precision_and_options_are_told(self) -> None:
        model = Model.open("compact", configure("cuda", "tf32", {"a": "b"}))
        recipe = recipe_of(model, Path("photo.png"), (), RECONSTRUCTION)
        told = json.loads(recipe_chunks(recipe)[KEYWORD])
        assert (told["provider"], told["precision"]) == ("cuda", "tf32")
        assert told["provider_options"] == {"a": "b"}
        assert recipe.differences(replace(recipe, precision="float32")) == ["precision"]
        assert recipe.differences(replace(recipe, provider_options={})) == ["provider options"]

    def test_older_recipes_tell_neither_precision_nor_options(self) -> None:
        succeed(*RUN)
        recipe = json.loads(recipe_chunks(read_recipe(Path("out.png")))[KEYWORD])
        del recipe["precision"], recipe["provider_options"]
        save_image(load_image("out.png"), Path("out.png"), {KEYWORD: json.dumps(recipe)})
        succeed("rerun", "out.png")
        assert same_pixels("out-again.png", "out.png")


class TestNames:
    def test_start_file_called_like_another_start(self, picture: Callable[..., Path]) -> None:
        Path("noise").write_bytes(picture("start.png", (48, 32), seed=5).read_bytes())
        first = ["reconstruct", "photo.png", "--size", "48", "--iterations", "2", "-q"]
        for arguments in ([*first, "--init", "./noise", "-o", "out.png"], ["rerun", "out.png"]):
            assert CliRunner().invoke(app, arguments).exit_code == 0
        assert Path("out-again.png").read_bytes() == Path("out.png").read_bytes()

    @pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
    def test_file_name_that_is_no_text(self) -> None:
        name = os.fsdecode(b"\xff.png")
        shutil.copy("photo.png", name)
        arguments = ["reconstruct", name, "--size", "48", "--iterations", "2", "-o", "out.png"]
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, result.stderr
        again = CliRunner().invoke(app, ["rerun", "out.png", "--photo", name, "-q"])
        assert again.exit_code == 0, again.stderr
        assert np.array_equal(
            np.asarray(load_image("out-again.png")), np.asarray(load_image("out.png"))
        )

    def test_of_a_picture_that_was_not_used(self) -> None:
        first = ["reconstruct", "photo.png", "--size", "48", "--iterations", "1", "-o", "out.png"]
        assert CliRunner().invoke(app, first).exit_code == 0
        result = CliRunner().invoke(app, ["rerun", "out.png", "--painting", "painting.png"])
        assert result.exit_code == USAGE
        assert "made without such a file. Leave --painting out" in result.stderr

    def test_of_another_release(self) -> None:
        first = ["reconstruct", "photo.png", "--size", "48", "--iterations", "1", "-o", "out.png"]
        assert CliRunner().invoke(app, first).exit_code == 0
        recipe = replace(read_recipe(Path("out.png")), version="0.0.1")
        save_image(load_image("out.png"), Path("out.png"), recipe_chunks(recipe))
        result = CliRunner().invoke(app, ["rerun", "out.png"])
        assert result.exit_code == 0
        assert "'out.png' was made by stylize 0.0.1." in result.stderr
