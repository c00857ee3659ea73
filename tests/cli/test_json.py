"""``--json``: what every command prints is an object of the schema that is shipped."""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from stylize.cli.app import app
from stylize.cli.reference.pages import program
from stylize.cli.showing.reporting import report_comparison, report_export
from stylize.cli.signals import Stopped
from stylize.cli.terminal import NoReaderError
from stylize.models.catalog import embedded_folder
from stylize.models.errors import ProviderError
from stylize.runtime.checks.comparison import FLOAT32, Comparison, Measurement
from stylize.runtime.checks.outcome import Outcome
from stylize.runtime.films.gif import GifFilm
from stylize.runtime.plans.recipe import read_recipe

FAILURE, USAGE, INTERRUPTED = 1, 2, 130

SCHEMA = json.loads((files("stylize.cli") / "reports.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

MODEL = ("--model", "compact")
SMALL = ("--size", "32", "--iterations", "2", *MODEL, "--provider", "cpu")
PAIR = ("photo.png", "painting.png")
RUN = ("run", *PAIR, "-o", "out.png", *SMALL, "--scales", "1")
COMMANDS = {
    "run": RUN,
    "texture": ("texture", "painting.png", "-o", "out.png", *SMALL),
    "reconstruct": ("reconstruct", "photo.png", "-o", "out.png", *SMALL),
    "rerun": ("rerun", "made.png", "-o", "out.png"),
    "resume": ("resume", "cut.png.checkpoint", "-o", "out.png"),
    "grid": ("grid", *PAIR, "--up-to", "conv1_1", "--ratio", "1e-3", "-o", "figure", *SMALL),
    "figure": ("figure", "2", "--photo", PAIR[0], "--painting", PAIR[1], "-o", "figure", *SMALL),
    "sheet": ("sheet", *PAIR, "-o", "sheet.png"),
    "batch": ("batch", "photo.png", "--paintings", "painting.png", "-o", "pictures", *SMALL),
    "plan": ("plan", *PAIR, *SMALL),
    "judge": ("judge", *PAIR, "photo.png", "painting.png", "--size", "48", *MODEL),
    "models": ("models",),
    "presets": ("presets",),
    "doctor": ("doctor", "--provider", "cpu"),
    "compare": ("compare", "--providers", "cpu", "--size", "48", "--iterations", "2", *MODEL),
}
ELSEWHERE = ("export vgg19", "studio", "web")
"""Commands whose reports are tested elsewhere: the second does not end, the third needs npm."""
KINDS = {
    **dict.fromkeys(("run", "texture", "reconstruct", "rerun", "resume"), "picture"),
    **dict.fromkeys(("grid", "figure", "sheet"), "sheet"),
    "judge": "judgement",
    "compare": "comparison",
}
"""Reports that are not called as their commands are."""


@pytest.fixture(autouse=True)
def pictures(picture: Callable[..., Path]) -> None:
    picture("photo.png", seed=1)
    picture("painting.png", (32, 40), seed=2)


def stylize(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def valid(line: str) -> dict[str, Any]:
    """Return the object of a line, which the schema allows, and which has no fields besides."""
    found: dict[str, Any] = json.loads(line)
    VALIDATOR.validate(found)
    (kind,) = [
        each
        for each in SCHEMA["$defs"].values()
        if each["properties"].get("report") == {"enum": [found["report"]]}
    ]
    assert found.keys() == kind["properties"].keys()
    return found


def reports(*arguments: str, code: int = 0) -> list[dict[str, Any]]:
    result = stylize(*arguments, "--json")
    assert result.exit_code == code, result.output
    return [valid(line) for line in result.stdout.splitlines()]


@pytest.fixture
def prepared(interrupted_at: Callable[[int], None]) -> Callable[[str], None]:
    """Let there be what a command goes on with."""

    def prepare(command: str) -> None:
        if command == "rerun":
            assert stylize(*RUN, "-o", "made.png").exit_code == 0
        if command == "resume":
            interrupted_at(2)
            cut = (*RUN, "-o", "cut.png", "--checkpoint", "1h", "--iterations", "4")
            assert stylize(*cut).exit_code == INTERRUPTED

    return prepare


@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_command_prints_is_of_the_schema(
    prepared: Callable[[str], None], command: str
) -> None:
    prepared(command)
    found = reports(*COMMANDS[command])
    assert {each["report"] for each in found} == {KINDS.get(command, command)}
    assert len(found) == (2 if command == "judge" else 1)


def test_every_command_has_it() -> None:
    for page in program().walk():
        command = page.name.removeprefix("stylize ")
        if not page.pages:
            assert any("--json" in option.names for option in page.options), command
            assert command in COMMANDS or command in ELSEWHERE


def test_the_schema_refuses_what_is_none() -> None:
    good = {
        "report": "sheet",
        "state": "done",
        "sheet": "a.png",
        "width": 1,
        "height": 1,
        "pictures": [],
    }
    VALIDATOR.validate(good)
    for bad in (
        {"report": "other"},
        {"state": "begun"},
        {"width": "1"},
        {"height": 0},
        {"pictures": None},
    ):
        assert not VALIDATOR.is_valid({**good, **bad})
    assert not VALIDATOR.is_valid({key: good[key] for key in good if key != "sheet"})


class TestEnd:
    """Whatever ends the work, what was saved is told."""

    @pytest.mark.parametrize("command", ["run", "texture", "reconstruct", "rerun", "resume"])
    def test_by_ctrl_c(
        self,
        prepared: Callable[[str], None],
        interrupted_at: Callable[[int], None],
        command: str,
    ) -> None:
        prepared(command)
        interrupted_at(2)
        (found,) = reports(*COMMANDS[command], code=INTERRUPTED)
        with Image.open(found["picture"]) as picture:
            assert (found["width"], found["height"]) == picture.size
        assert found["state"] == "stopped"

    def test_by_another_signal(self, at_iteration: Callable[..., None]) -> None:
        def stop(_: object) -> None:
            raise Stopped(signal.SIGTERM)

        at_iteration(2, happen=stop)
        (found,) = reports(*RUN, code=128 + signal.SIGTERM)
        assert (found["state"], found["iterations"]) == ("stopped", 1)

    def test_before_there_is_a_picture(self, interrupted_at: Callable[[int], None]) -> None:
        interrupted_at(1)
        assert not reports(*RUN, code=INTERRUPTED)

    def test_by_an_error(self, at_iteration: Callable[..., None]) -> None:
        def fail(_: object) -> None:
            raise ProviderError("The device failed.")

        at_iteration(2, happen=fail)
        (found,) = reports(*RUN, code=FAILURE)
        assert (found["state"], found["iterations"]) == ("failed", 1)

    def test_by_a_film_that_fails(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(GifFilm, "add", fail)
        (found,) = reports(*RUN, "--animate", "film.gif", code=FAILURE)
        assert (found["state"], found["iterations"]) == ("failed", 2)

    def test_of_a_figure(self, interrupted_at: Callable[[int], None]) -> None:
        interrupted_at(3)
        grid = (*COMMANDS["grid"], "--ratio", "1e-4", "--scales", "1")
        (found,) = reports(*grid, code=INTERRUPTED)
        assert (found["state"], found["sheet"], found["width"]) == ("stopped", None, None)
        assert len(found["pictures"]) == 1
        (found,) = reports(*grid)
        assert (found["state"], len(found["pictures"])) == ("done", 2)

    def test_of_a_batch(self, interrupted_at: Callable[[int], None]) -> None:
        interrupted_at(2)
        (found,) = reports(*COMMANDS["batch"], code=INTERRUPTED)
        assert (found["state"], found["interrupted"]) == ("stopped", 1)


class TestNoReader:
    """Who cannot read the report is told where the picture is."""

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a full disk")
    @pytest.mark.parametrize(
        ("stdout", "why"),
        [
            (">/dev/full", "No space left on device"),
            (">&-", "Bad file descriptor"),
            ("| true", "whoever was to read it has gone"),
        ],
    )
    def test_of_a_picture(self, stdout: str, why: str) -> None:
        command = [sys.executable, "-m", "stylize", *RUN, "--quiet", "--json"]
        script = f'set -o pipefail; "$@" {stdout}'
        result = subprocess.run(
            ["bash", "-c", script, "-", *command], capture_output=True, text=True
        )
        place = "The picture is in 'out.png'."
        assert result.stderr == f"Error: The report cannot be printed: {why}. {place}\n"
        assert result.returncode == FAILURE
        assert read_recipe(Path("out.png")).finished

    @pytest.mark.parametrize(
        ("command", "told"),
        [
            ("grid", "The sheet is in 'figure/sheet.png'."),
            ("batch", "The pictures are in 'pictures', with the record 'batch.jsonl'."),
        ],
    )
    def test_of_several(self, command: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(_: str) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr("stylize.cli.showing.reports.answer", full)
        result = stylize(*COMMANDS[command], "--json")
        assert result.exit_code == FAILURE
        assert result.stderr.splitlines()[-1].endswith(f"No space left on device. {told}")

    def test_does_not_hide_what_ended_the_work(
        self, monkeypatch: pytest.MonkeyPatch, interrupted_at: Callable[[int], None]
    ) -> None:
        def gone(_: str) -> None:
            raise NoReaderError

        monkeypatch.setattr("stylize.cli.showing.reports.answer", gone)
        interrupted_at(2)
        result = stylize(*RUN, "--json")
        assert result.exit_code == INTERRUPTED
        assert "The picture so far is out.png" in result.stderr


class TestPicture:
    def test_is_the_one_that_was_written(self) -> None:
        (found,) = reports(*RUN, "--iterations", "5", "-q")
        with Image.open("out.png") as picture:
            assert (found["width"], found["height"]) == picture.size
        assert (found["picture"], found["iterations"], found["spared"]) == ("out.png", 5, 0)
        assert 1 <= found["iteration"] <= 5
        assert found["loss"] > 0

    def test_has_the_name_that_it_got(self) -> None:
        Path("photo-painting.png").write_bytes(Path("photo.png").read_bytes())
        (found,) = reports("run", *PAIR, *SMALL)
        assert found["picture"] == "photo-painting-2.png"
        assert Path("photo-painting-2.png").is_file()

    def test_does_not_go_where_the_report_does(self) -> None:
        result = stylize(*RUN, "-o", "-", "--json")
        assert (result.exit_code, result.stdout) == (USAGE, "")
        assert "-o - and --json both write to the standard output" in result.stderr

    @pytest.mark.skipif(os.name != "posix", reason="names of other bytes")
    def test_of_any_name_is_a_line_of_ascii(self) -> None:
        name = "\udcff\n\"'ä画.png"
        result = stylize(*RUN, "-o", name, "--json")
        assert result.exit_code == 0, result.output
        assert result.stdout.isascii()
        assert valid(result.stdout)["picture"] == name


class TestErrors:
    def test_are_told_on_stderr_alone(self) -> None:
        result = stylize("run", "missing.png", "painting.png", *SMALL, "--json")
        assert (result.exit_code, result.stdout) == (FAILURE, "")
        assert result.stderr.startswith("Error: ")

    def test_of_a_batch_are_in_its_report(self) -> None:
        Path("broken.png").write_bytes(b"no picture")
        (found,) = reports(*COMMANDS["batch"], "broken.png", code=FAILURE)
        assert (found["total"], found["made"], found["failed"], found["left"]) == (2, 1, 1, 0)
        (failure,) = found["failures"]
        assert (failure["photo"], failure["painting"]) == ("broken.png", "painting.png")
        assert "broken.png" in failure["error"]
        (found,) = reports(*COMMANDS["batch"])
        assert (found["made"], found["there"], found["failures"]) == (0, 1, [])

    def test_of_models_are_in_their_report(self) -> None:
        folder = Path("models", "cut")
        folder.mkdir(parents=True)
        (folder / "model.json").write_text('{"format": 2,')
        (found,) = reports("models")
        broken, embedded = found["models"]
        assert (broken["name"], broken["network"], broken["embedded"]) == ("cut", None, False)
        assert "damaged" in broken["fault"]
        assert (embedded["name"], embedded["fault"], embedded["embedded"]) == (
            "compact",
            None,
            True,
        )
        assert embedded["weights_bytes"] > 10**6

    def test_of_a_provider_are_in_the_report_before_the_failure(self) -> None:
        (found,) = reports("doctor", "--provider", "coreml", code=FAILURE)
        (coreml,) = found["providers"]
        assert (coreml["provider"], coreml["works_in"]) == ("coreml", [])
        assert coreml["fault"]


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (line,) = capsys.readouterr().out.splitlines()
    return valid(line)


def test_of_an_export(capsys: pytest.CaptureFixture[str]) -> None:
    class Check:
        subject, difference, tolerance, passed = "gradient", float("nan"), 1e-6, False

    report_export(embedded_folder(), [Check()])  # type: ignore[list-item]
    found = printed(capsys)
    assert found["report"] == "export"
    assert found["weights_bytes"] > 10**6
    assert found["graphs"] > 10
    expected = {"subject": "gradient", "difference": None, "tolerance": 1e-6, "passed": False}
    assert found["checks"] == [expected]


def test_of_a_provider_that_is_off(capsys: pytest.CaptureFixture[str]) -> None:
    measured = Measurement(losses=[], gradient=None, final=1.0, seconds=0.5, memory=None)  # type: ignore[arg-type]
    apart = Comparison(losses=float("inf"), gradient=float("nan"), final=0.25)
    outcomes = [
        Outcome(("cpu", "float32"), (measured, apart, FLOAT32)),
        Outcome(("cuda", "tf32"), fault="It is missing.", installed_only=True),
    ]
    report_comparison(outcomes)
    off, missing = printed(capsys)["outcomes"]
    assert (off["verdict"], off["losses"], off["gradient"]) == ("too far", None, None)
    assert (off["final_loss"], off["seconds_a_step"], off["memory_bytes"]) == (0.25, 0.5, None)
    assert off["expected"]["reason"] == FLOAT32.reason
    assert (missing["verdict"], missing["fault"]) == ("unusable", "It is missing.")
