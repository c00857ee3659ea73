"""``stylize judge``: a table for readers, JSON for programs, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

pytest.importorskip("onnxruntime", reason="the judge looks through a network")

from stylize.cli.app import app
from stylize.cli.showing.tables import NARROW
from stylize.runtime import Judge, Model
from stylize.runtime.checks.specimens import drawn_painting, drawn_photo

FAILURE, USAGE = 1, 2

COLUMNS = ["style", "colours", "structure"]
QUICK = ("--model", "compact", "--provider", "cpu", "--size", "48")


@pytest.fixture(autouse=True)
def pictures() -> None:
    """A photo, a painting, and something between them, in the working folder."""
    photo, painting = drawn_photo(), drawn_painting()
    photo.save("photo.png")
    painting.save("painting.png")
    Image.blend(photo, painting, 0.8).save("result.png")


def judge(*results: str, photo: str = "photo.png", painting: str = "painting.png") -> Result:
    return CliRunner().invoke(app, ["judge", photo, painting, *QUICK, *results])


def table(result: Result) -> dict[str, list[str]]:
    """Return the words of each row by its first."""
    lines = result.stdout.split("\n\n")[0].splitlines()
    return {name: more for name, *more in map(str.split, lines)}


def test_a_table() -> None:
    result = judge("result.png", "photo.png", "painting.png")
    assert result.exit_code == 0, result.output
    found = table(result)
    assert found.pop("result") == ["seen", "in", *COLUMNS]
    assert list(found) == ["result.png", "photo.png", "painting.png"]
    assert found["photo.png"] == ["48x36", "1.000", "1.000", "0.000"]
    assert found["painting.png"][:3] == ["48x36", "0.000", "0.000"]
    assert all(0 < float(share) < 1 for share in found["result.png"][1:])
    assert max(map(len, result.stdout.split("\n\n")[0].splitlines())) <= NARROW
    assert "0 as the painting, 1 as the photo" in result.stdout
    assert "Judging result.png" in result.stderr


def test_json_has_all_that_the_judge_found() -> None:
    result = judge("result.png", "photo.png", "--json")
    assert result.exit_code == 0, result.output
    first, second = map(json.loads, result.stdout.splitlines())
    assert (first["result"], second["result"]) == ("result.png", "photo.png")
    expected = Judge(Model.open("compact", "cpu"), "photo.png", "painting.png", 48).judge(
        "result.png"
    )
    assert {name: first[name] for name in COLUMNS} == {
        name: getattr(expected, name) for name in COLUMNS
    }
    assert (first["width"], first["height"], first["enlarged"]) == (48, 36, False)
    assert first["distances"].keys() == expected.distances.keys()
    for name, distance in expected.distances.items():
        values = {"value": distance.value, "whole": distance.whole, "share": distance.share}
        assert first["distances"][name] == values


def test_quiet() -> None:
    result = judge("result.png", "--quiet")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "result.png" in table(result)


def test_it_computes_in_float32_unless_told_otherwise() -> None:
    result = CliRunner().invoke(
        app, ["judge", "photo.png", "painting.png", "result.png", "--size", "32"]
    )
    assert result.exit_code == 0, result.output
    assert "in float32." in result.stderr
    assert "embedded model" in result.stderr


def test_an_enlarged_result_is_told_of() -> None:
    Image.open("result.png").resize((40, 30)).save("small.png")
    result = judge("small.png", "result.png")
    assert result.exit_code == 0, result.output
    (line,) = (line for line in result.stderr.splitlines() if "enlarged" in line)
    assert line.startswith("small.png is smaller")


def test_the_painting_may_have_a_size_of_its_own() -> None:
    one, other = (
        json.loads(judge("result.png", "--json", *size).stdout)["style"]
        for size in ((), ("--painting-size", "24"))
    )
    assert one != other


def refusal(result: Result, code: int = FAILURE) -> str:
    assert isinstance(result.exception, SystemExit), result.exception
    assert (result.exit_code, result.stdout) == (code, "")
    return result.stderr.splitlines()[-1]


def test_a_missing_result_is_found_before_the_first_is_judged() -> None:
    result = judge("result.png", "none.png")
    assert refusal(result) == "Error: There is no picture 'none.png'. Check the path."
    assert "Judging" not in result.stderr


def test_what_cannot_be_judged_is_refused(picture: Callable[..., Path]) -> None:
    assert "do not differ" not in refusal(judge("result.png", photo="none.png"))
    assert "Give two different pictures" in refusal(judge("result.png", painting="photo.png"))
    narrow = picture("narrow.png", size=(600, 20))
    assert "48x2 pixels; both sides must have 16 at least" in refusal(judge(narrow.name))
    assert "size is 8" in refusal(judge("result.png", "--size", "8"), USAGE)


def test_there_must_be_a_result() -> None:
    result = CliRunner().invoke(app, ["judge", "photo.png", "painting.png"])
    assert result.exit_code == USAGE
    assert "RESULT" in result.stderr
