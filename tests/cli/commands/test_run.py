"""``stylize run`` on small pictures: what it writes, what it says, and how it stops."""

import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from stylize.cli.app import app
from stylize.models.catalog import embedded_folder, user_folder
from stylize.runtime import Iterate, Model, Options, transfer
from stylize.runtime.engine import choice
from stylize.runtime.method.objective import Objective
from stylize.runtime.method.scales import split
from stylize.runtime.pictures.reading import load_image
from stylize.runtime.pictures.sizes import cover, scale_to
from stylize.runtime.plans.recipe import read_recipe
from stylize.runtime.providers.table import Provider, configure

INTERRUPTED = 130
STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1")
PAPER = ("--losses", "paper")
AS_IT_IS = ("--margin", "0", "--colors", "painting")
"""What leaves the photo as it is."""
NOTICE = "Using the small embedded model 'compact'"
SUM_TOLERANCE = 1e-5
"""Relative, for a sum of six float32 losses."""


@pytest.fixture(autouse=True)
def pictures(picture: Callable[..., Path]) -> None:
    """A photo of 48x32 and a painting of 32x40, in the working folder."""
    picture("photo.png", seed=1)
    picture("painting.png", (32, 40), seed=2)


def stylize(*arguments: str, iterations: int = 2) -> Result:
    command = ["run", "photo.png", "painting.png", "--size", "48", "-o", "out.png"]
    return CliRunner().invoke(app, [*command, "--iterations", str(iterations), *arguments])


def succeed(*arguments: str, iterations: int = 2) -> Result:
    result = stylize(*arguments, iterations=iterations)
    assert result.exit_code == 0, result.stderr
    return result


def pixels(picture: Path | str | Image.Image) -> npt.NDArray[np.int_]:
    return np.asarray(picture if isinstance(picture, Image.Image) else load_image(picture), int)


def traced(*arguments: str, iterations: int = 2) -> list[dict[str, float]]:
    succeed("--trace", "trace.jsonl", *arguments, iterations=iterations)
    return [json.loads(line) for line in Path("trace.jsonl").read_text().splitlines()]


def best(iterations: int) -> Iterate:
    """What the Python interface finds in so many iterations of the command above."""
    options = Options(size=48, iterations=iterations)
    iterates = transfer(Model.open("compact"), "photo.png", "painting.png", options)
    return min(iterates, key=lambda iterate: iterate.total)


def lose(total: float) -> Callable[[Objective], None]:
    """Return what makes the loss another."""
    return lambda objective: objective.total.update_inplace(np.array(total, np.float32))


spoil = lose(math.nan)


class TestPicture:
    @pytest.mark.parametrize(
        ("photo", "size", "expected"),
        [((48, 32), 48, (48, 32)), ((64, 48), 32, (32, 24)), ((32, 48), 60, (40, 60))],
    )
    def test_has_the_photos_proportions(
        self,
        picture: Callable[..., Path],
        photo: tuple[int, int],
        size: int,
        expected: tuple[int, int],
    ) -> None:
        picture("photo.png", photo)
        succeed("--size", str(size))
        with Image.open("out.png") as file:
            assert (file.format, file.mode, file.size) == ("PNG", "RGB", expected)

    def test_is_that_of_the_python_interface(self) -> None:
        succeed(iterations=3)
        assert np.array_equal(pixels("out.png"), pixels(best(3).image))
        assert not np.array_equal(pixels("out.png"), pixels("photo.png"))

    def test_is_named_after_both_pictures_and_put_here(self, picture: Callable[..., Path]) -> None:
        Path("album").mkdir()
        picture("album/Me at home.jpeg")
        command = ["run", "album/Me at home.jpeg", "painting.png", "--size", "48"]
        result = CliRunner().invoke(app, [*command, "--iterations", "1"])
        assert result.exit_code == 0
        assert load_image("Me at home-painting.png").size == (48, 32)
        assert os.listdir("album") == ["Me at home.jpeg"]

    @pytest.mark.parametrize(("name", "kind"), [("a.jpg", "JPEG"), ("a.tiff", "TIFF")])
    def test_is_of_the_kind_that_its_name_tells(self, name: str, kind: str) -> None:
        succeed("-o", name)
        with Image.open(name) as file:
            assert (file.format, file.size) == (kind, (48, 32))
        assert not Path("out.png").exists()

    def test_of_last_time_is_replaced(self) -> None:
        succeed(iterations=1)
        first = Path("out.png").read_bytes()
        succeed(iterations=3)
        assert Path("out.png").read_bytes() != first


class TestTrace:
    def test_has_a_line_for_each_iteration(self) -> None:
        trace = traced(iterations=4)
        assert [entry["iteration"] for entry in trace] == [1, 2, 3, 4]
        names = ["iteration", "seconds", "width", "height", "total", "content", "style"]
        names += ["content.conv4_2"]
        names += [f"style.{layer}" for layer in STYLE_LAYERS]
        assert [list(entry) for entry in trace] == [names] * 4
        seconds = [entry["seconds"] for entry in trace]
        assert seconds == sorted(seconds)

    def test_total_is_the_weighted_sum(self) -> None:
        arguments = ("--content-weight", "20", "--style-weight", "3", "--init", "noise")
        for entry in traced(*arguments, *PAPER, iterations=3):
            assert entry["content"] > 0
            assert entry["content"] == entry["content.conv4_2"]
            layers = [entry[f"style.{layer}"] for layer in STYLE_LAYERS]
            assert min(layers) > 0
            assert entry["style"] == pytest.approx(sum(layers) / 4, rel=1e-12)
            total = 20 * entry["content"] + 3 * entry["style"]
            assert entry["total"] == pytest.approx(total, rel=SUM_TOLERANCE)

    def test_has_the_chosen_layers(self) -> None:
        layers = ("--style-layer", "conv1_1", "--style-layer", "conv2_1")
        entry = traced("--init", "noise", *layers, *PAPER)[0]
        assert list(entry)[7:] == ["content.conv4_2", "style.conv1_1", "style.conv2_1"]
        style = (entry["style.conv1_1"] + entry["style.conv2_1"]) / 2
        assert entry["style"] == pytest.approx(style, rel=1e-12)
        total = entry["content"] + Options().style_weight * style
        assert entry["total"] == pytest.approx(total, rel=SUM_TOLERANCE)

    def test_a_layer_named_twice_counts_like_one(self) -> None:
        once = traced("--style-layer", "conv1_1")
        twice = traced("--style-layer", "conv1_1", "--style-layer", "conv1_1")
        assert [entry["total"] for entry in twice] == [entry["total"] for entry in once]

    @pytest.mark.parametrize(("weight", "left_out"), [("content", "style"), ("style", "content")])
    def test_a_loss_without_weight_is_left_out(self, weight: str, left_out: str) -> None:
        weights = (f"--{left_out}-weight", "0", f"--{weight}-weight", "2")
        entry = traced(*weights, *PAPER, "--init", "noise")[0]
        assert entry[left_out] == 0
        assert not any(name.startswith(f"{left_out}.") for name in entry)
        assert entry["total"] == pytest.approx(2 * entry[weight], rel=SUM_TOLERANCE)


class TestStart:
    """With one iteration, the picture is the one that the iteration starts from."""

    def test_photo_is_the_default(self) -> None:
        succeed(*AS_IT_IS, iterations=1)
        assert np.array_equal(pixels("out.png"), pixels("photo.png"))

    def test_photo(self) -> None:
        succeed("--init", "photo", "--size", "36", *AS_IT_IS, iterations=1)
        expected = scale_to(load_image("photo.png"), 36)
        assert np.array_equal(pixels("out.png"), pixels(expected))

    def test_photo_in_the_colours_of_the_painting(self) -> None:
        succeed(iterations=1)
        photo, painting, found = (
            pixels(f"{name}.png").reshape(-1, 3) for name in ("photo", "painting", "out")
        )
        off = abs(found.mean(0) - painting.mean(0))
        assert off.max() < abs(photo.mean(0) - painting.mean(0)).max() / 3

    def test_painting(self) -> None:
        succeed("--init", "painting", iterations=1)
        expected = cover(load_image("painting.png"), (48, 32))
        assert np.array_equal(pixels("out.png"), pixels(expected))

    def test_file(self, picture: Callable[..., Path]) -> None:
        picture("start.png", (40, 40), seed=3)
        succeed("--init", "start.png", iterations=1)
        expected = cover(load_image("start.png"), (48, 32))
        assert np.array_equal(pixels("out.png"), pixels(expected))

    def test_noise(self) -> None:
        succeed("--init", "noise", "--seed", "7", *AS_IT_IS, iterations=1)
        noise = np.random.default_rng(7).random((3, 32, 48), np.float32).transpose(1, 2, 0)
        assert np.array_equal(pixels("out.png"), np.rint(noise * 255).astype(int))

    def test_the_seed_decides_on_the_noise(self) -> None:
        pictures = []
        for seed in ("0", "0", "1"):
            succeed("--init", "noise", "--seed", seed)
            pictures.append(Path("out.png").read_bytes())
        assert pictures[0] == pictures[1]
        assert pictures[0] != pictures[2]


class TestOptimizer:
    @pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
    def test_lowers_the_loss(self, optimizer: str) -> None:
        totals = [entry["total"] for entry in traced("--optimizer", optimizer, iterations=5)]
        assert totals[-1] < 0.9 * totals[0]

    def test_is_the_one_asked_for(self) -> None:
        default, lbfgs, adam = (
            [entry["total"] for entry in traced(*arguments, iterations=3)]
            for arguments in ((), ("--optimizer", "lbfgs"), ("--optimizer", "adam"))
        )
        assert default == lbfgs
        assert default[0] == adam[0]
        assert default[1:] != adam[1:]

    def test_the_best_picture_is_saved(self, at_iteration: Callable[..., None]) -> None:
        expected = best(2)
        at_iteration(3, happen=lose(1e12))
        result = succeed(iterations=3)
        assert np.array_equal(pixels("out.png"), pixels(expected.image))
        assert f"iteration {expected.iteration} after" in result.stderr


class TestMessages:
    def test_progress_is_logged_where_no_terminal_is(self) -> None:
        lines = succeed(iterations=3).stderr.splitlines()
        assert [line.split()[0] for line in lines[3:-1]] == ["1/3", "2/3", "3/3"]
        assert all(line.split()[2:5] == ["left", "48x32", "loss"] for line in lines[3:-1])
        assert lines[5].split()[1] == "0:00"
        assert lines[-1].startswith("out.png: 48x32, iteration ")

    def test_a_long_run_logs_ten_lines(self) -> None:
        lines = succeed("--size", "24", iterations=40).stderr.splitlines()
        assert [line.split()[0] for line in lines[3:-1]] == [f"{n}/40" for n in range(4, 41, 4)]

    def test_effective_coefficients_are_told(self) -> None:
        weights = ("--content-weight", "3", "--style-weight", "50")
        style = " + ".join(f"12.5 E({layer})" for layer in STYLE_LAYERS)
        lines = succeed(*weights, *PAPER).stderr.splitlines()
        assert lines[2] == f"Minimising 3 L_c(conv4_2) + {style}"
        lines = succeed(*weights).stderr.splitlines()
        assert lines[2].startswith("Minimising 3 L_c/L_0(conv4_2) + 3.333 E/E_0(conv1_1) + ")

    def test_nothing_goes_to_stdout(self) -> None:
        assert succeed().stdout == ""

    @pytest.mark.parametrize("option", ["--quiet", "-q"])
    def test_quiet(self, option: str) -> None:
        result = succeed(option)
        assert (result.stdout, result.stderr) == ("", "")
        assert load_image("out.png").size == (48, 32)

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [((), True), (("--model", "compact"), False), (("--quiet",), False)],
    )
    def test_the_embedded_model_is_announced_where_it_was_not_named(
        self, arguments: tuple[str, ...], expected: bool
    ) -> None:
        result = succeed(*arguments)
        assert (NOTICE in result.stderr) is expected
        assert ("stylize export vgg19" in result.stderr) is expected


class TestProvider:
    @pytest.fixture
    def found(self, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
        """Let the CPU provider be found, whatever is asked for, but called something else."""

        def arrange(**fields: object) -> None:
            provider = replace(configure("cpu"), **fields)
            monkeypatch.setattr(choice, "find_provider", lambda *_: provider)

        return arrange

    def test_is_named_where_the_user_did_not(self, found: Callable[..., None]) -> None:
        found()
        assert succeed().stderr.startswith("Computing on cpu in float32.\n")
        assert "Computing" not in succeed("--provider", "cpu").stderr
        assert succeed("--quiet").stderr == ""

    def test_a_precision_that_the_user_did_not_choose_is_told(
        self, found: Callable[..., None]
    ) -> None:
        found(precision="tf32")
        assert "Computing on cpu in tf32.\n" in succeed("--provider", "cpu").stderr
        chosen = ("--provider", "cpu", "--precision", "tf32")
        assert "Computing" not in succeed(*chosen).stderr

    def test_a_faster_one_that_does_not_work_is_told(self, found: Callable[..., None]) -> None:
        found(passed_over=("cuda",))
        first, *_ = succeed().stderr.splitlines()
        assert first.endswith("(cuda is installed but does not work: see 'stylize doctor').")

    def test_one_that_nobody_has_tried_is_told(self, found: Callable[..., None]) -> None:
        found(name="webgpu", tested=False)
        warning = "The provider webgpu is untested here"
        assert warning in succeed("--provider", "webgpu").stderr
        assert succeed("--provider", "webgpu", "--quiet").stderr == ""
        found()
        assert warning not in succeed("--provider", "cpu").stderr

    def test_what_is_asked_for_reaches_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[object] = []

        def find(*arguments: object) -> Provider:
            asked.extend(arguments)
            return configure("cpu")

        monkeypatch.setattr(choice, "find_provider", find)
        options = ("--provider-option", "a=b=c", "--provider-option", "d=")
        succeed("--provider", "cuda", "--precision", "tf32", "--threads", "3", *options)
        assert asked == ["cuda", "tf32", {"a": "b=c", "d": ""}, 3]

    @pytest.mark.parametrize("number", ["0", "-1", "1025"])
    def test_threads_that_cannot_be(self, number: str) -> None:
        result = stylize("--threads", number)
        assert (result.exit_code, result.stderr) == (
            2,
            f"Error: The number of threads is {number}; it must be from 1 to 1024.\n",
        )


class TestModel:
    def test_vgg19_is_taken_where_it_is_found(self) -> None:
        shutil.copytree(embedded_folder(), "models/vgg19")
        assert NOTICE not in succeed().stderr

    def test_a_folder_can_be_named(self) -> None:
        shutil.copytree(embedded_folder(), "somewhere/mine")
        assert NOTICE not in succeed("--model", "somewhere/mine").stderr

    def test_folders_are_searched_in_order(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, two = tmp_path / "one", tmp_path / "two"
        monkeypatch.setenv("STYLIZE_MODELS", f"{one}{os.pathsep}{two}")
        folders = [one / "vgg19", two / "vgg19", Path("models/vgg19"), user_folder() / "vgg19"]
        for folder in folders:
            folder.mkdir(parents=True)
            (folder / "model.json").write_text('{"format": 2,')
        for folder in folders:
            for arguments in ((), ("--model", "vgg19")):
                result = stylize(*arguments)
                assert result.exit_code == 1
                assert f"'{folder / 'model.json'}' is damaged" in result.stderr
            shutil.rmtree(folder)
        assert NOTICE in succeed().stderr


class TestScales:
    def test_are_told_traced_and_counted_together(self) -> None:
        result = succeed("--scales", "24,36", "--trace", "trace.jsonl", iterations=9)
        counts = split(9, 3)
        told = ", ".join(map(str, counts))
        assert f"Coarse to fine: 24x16, 36x24, 48x32, with {told} iterations" in result.stderr
        trace = [json.loads(line) for line in Path("trace.jsonl").read_text().splitlines()]
        assert [entry["iteration"] for entry in trace] == list(range(1, 10))
        sizes = [(entry["width"], entry["height"]) for entry in trace]
        expected = [(24, 16)] * counts[0] + [(36, 24)] * counts[1] + [(48, 32)] * counts[2]
        assert sizes == expected
        assert "9/9  0:00 left  48x32  loss " in result.stderr
        assert load_image("out.png").size == (48, 32)

    def test_are_one_where_the_picture_is_small(self) -> None:
        assert "Coarse to fine" not in succeed().stderr

    @pytest.mark.parametrize(
        ("scales", "code", "told"),
        [
            ("3", 2, "In the coarsest scale"),
            ("64", 2, "number of scales"),
            ("60,", 2, "A scale is 60"),
        ],
    )
    def test_of_no_use_are_refused_before_anything_is_made(
        self, scales: str, code: int, told: str
    ) -> None:
        result = stylize("--scales", scales, iterations=5)
        assert result.exit_code == code
        assert told in result.stderr
        assert not Path("out.png").exists()

    def test_settle_one_after_the_other(self) -> None:
        result = succeed("--scales", "2", "--until", "50%", iterations=200)
        ended = re.search(
            r"48x32, iteration \d+ after \d+ s; (\d+) more were not needed", result.stderr
        )
        assert ended
        recipe = read_recipe(Path("out.png"))
        assert recipe.finished
        assert recipe.spared == int(ended[1]) == 200 - recipe.evaluations > 100

    def test_a_coarse_one_is_saved_where_it_was_interrupted(
        self, interrupted_at: Callable[[int], None]
    ) -> None:
        interrupted_at(3)
        result = stylize("--scales", "24,", iterations=9)
        assert result.exit_code == INTERRUPTED
        told = "Interrupted. The picture so far is out.png: 24x16 on the way to 48x32, "
        assert result.stderr.splitlines()[-1].startswith(told)
        assert load_image("out.png").size == (24, 16)


class TestInterruption:
    def test_the_picture_so_far_is_saved(self, interrupted_at: Callable[[int], None]) -> None:
        expected = best(2)
        interrupted_at(3)
        result = stylize("--trace", "trace.jsonl", iterations=5)
        assert result.exit_code == INTERRUPTED
        told = f"Interrupted. The picture so far is out.png: 48x32, iteration {expected.iteration} "
        assert result.stderr.splitlines()[-1].startswith(told)
        assert np.array_equal(pixels("out.png"), pixels(expected.image))
        assert len(Path("trace.jsonl").read_text().splitlines()) == 2

    def test_before_the_first_iteration_nothing_is_saved(
        self, interrupted_at: Callable[[int], None]
    ) -> None:
        interrupted_at(1)
        result = stylize()
        assert result.exit_code == INTERRUPTED
        assert result.stderr.endswith("Interrupted.\n")
        assert not Path("out.png").exists()

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals to send")
    @pytest.mark.parametrize(
        ("name", "ignored"),
        [("SIGTERM", False), ("SIGHUP", False), ("SIGUSR1", False), ("SIGINT", True)],
        ids=["SIGTERM", "SIGHUP", "SIGUSR1", "SIGINT, ignored before"],
    )
    def test_a_signal_ends_the_run_and_the_picture_is_saved(self, name: str, ignored: bool) -> None:
        number = signal.Signals[name]

        def ignore() -> None:  # as a shell does for jobs in the background
            signal.signal(number, signal.SIG_IGN if ignored else signal.SIG_DFL)

        command = [sys.executable, "-m", "stylize.cli", "run", "photo.png", "painting.png"]
        options = ["-o", "out.png", "--size", "32", "--iterations", "1000000"]
        with subprocess.Popen(
            [*command, *options, "--trace", "/dev/stdout"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=ignore,
        ) as process:
            assert process.stdout
            lines = [process.stdout.readline() for _ in range(3)]
            process.send_signal(number)
            rest, errors = process.communicate()
        assert process.returncode == 128 + number, errors
        assert [json.loads(line)["iteration"] for line in lines] == [1, 2, 3]
        assert all(json.loads(line) for line in rest.splitlines())
        last = errors.splitlines()[-1]
        assert last.startswith("Interrupted. The picture so far is out.png: 32x21, iteration ")
        assert "Traceback" not in errors
        assert load_image("out.png").size == (32, 21)

    def test_a_loss_that_is_not_a_number_makes_the_search_go_back(
        self, at_iteration: Callable[..., None]
    ) -> None:
        expected = best(2)
        at_iteration(3, happen=spoil)
        trace = traced(iterations=5)
        assert [entry.get("restarted_from") for entry in trace] == [None, None, 2, None, None]
        assert trace[2]["total"] is None
        assert trace[3]["total"] < trace[0]["total"]
        assert not np.array_equal(pixels("out.png"), pixels(expected.image))

    def test_a_loss_that_stays_not_a_number(self, at_iteration: Callable[..., None]) -> None:
        expected = best(2)
        at_iteration(*range(3, 20), happen=spoil)
        result = stylize("--trace", "trace.jsonl", iterations=50)
        assert result.exit_code == 1
        last = result.stderr.splitlines()[-1]
        assert last.startswith("Error: At iteration 13 the loss is nan, ")
        assert np.array_equal(pixels("out.png"), pixels(expected.image))
        assert len(Path("trace.jsonl").read_text().splitlines()) == 12

    def test_a_loss_that_is_none_from_the_start(self, at_iteration: Callable[..., None]) -> None:
        at_iteration(1, happen=spoil)
        assert stylize().exit_code == 1
        assert not Path("out.png").exists()
