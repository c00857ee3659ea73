"""``stylize plan``: a narrow table, what it says of sizes that do not fit, and JSON."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

pytest.importorskip("onnxruntime", reason="plans for its providers")

from stylize.cli.app import app
from stylize.cli.showing.forecasts import seconds_name
from stylize.cli.showing.tables import NARROW
from stylize.models.amounts import amount
from stylize.models.errors import ProviderError
from stylize.runtime.checks import forecast
from stylize.runtime.checks.pace import Pace
from stylize.runtime.method import model as method
from stylize.runtime.providers.table import Provider, configure
from stylize.runtime.streaming.plan import Plan

SUCCESS, FAILURE, USAGE = 0, 1, 2
PIXELS_A_SECOND = 1e6
GIGABYTE = 10**9


@pytest.fixture(autouse=True)
def only_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be one provider, much memory, and steps that take a second for a megapixel."""

    def seconds(self: Pace, plan: Plan, size: tuple[int, int]) -> float:
        return size[0] * size[1] / PIXELS_A_SECOND

    monkeypatch.setattr(forecast, "is_present", lambda provider: provider.name == "cpu")
    monkeypatch.setattr(method, "memory_to_spare", lambda _: 64 * GIGABYTE)
    monkeypatch.setattr(Pace, "seconds", seconds)


@pytest.fixture
def plan(picture: Callable[..., Path]) -> Callable[..., Result]:
    """Run the command on two pictures."""
    pictures = str(picture("photo.png")), str(picture("painting.png", seed=1))

    def run(*options: str) -> Result:
        return CliRunner().invoke(app, ["plan", *pictures, "--model", "compact", *options])

    return run


def rows(result: Result) -> dict[str, str]:
    """Return the first column of values by what they are."""
    assert result.exit_code == SUCCESS, result.output
    table, _, _ = result.stdout.partition("\n\n")
    assert max(map(len, table.splitlines())) <= NARROW
    return {line[:11].strip(): line[11:].strip() for line in table.splitlines()}


def entry(result: Result) -> dict[str, Any]:
    """Return what JSON tells of the CPU."""
    assert result.exit_code == SUCCESS, result.output
    (found,) = json.loads(result.stdout)["providers"]
    assert found["provider"] == "cpu"
    return dict(found)


def test_a_small_picture_is_computed_whole(plan: Callable[..., Result]) -> None:
    result = plan("--size", "200", "--iterations", "50")
    found = rows(result)
    assert found["provider"] == "cpu"
    assert (found["fits"], found["computed"], found["disk"]) == ("yes", "whole", "nothing")
    assert found["optimizer"] == "L-BFGS, last 10"
    assert found["the run"] == "1.6 s", "50 steps of 216x149"
    assert "The run has 50 steps: 50 at 200x133." in result.stdout
    assert {path.name for path in Path().iterdir()} == {"photo.png", "painting.png"}


def test_a_large_one_in_tiles(plan: Callable[..., Result]) -> None:
    result = plan("--size", "6000", "--scales", "1")
    assert rows(result)["computed"].startswith("tiles ")
    assert "In tiles the picture is the same, but for rounding" in result.stdout


def test_what_is_given_up_for_memory_is_told(plan: Callable[..., Result], tmp_path: Path) -> None:
    result = plan("--size", "6000", "--scales", "1", "--memory", "4.5GB")
    assert rows(result)["optimizer"] != "L-BFGS, last 10"
    assert "L-BFGS" in result.stdout.partition("\n\n")[2]
    result = plan(
        "--size", "6000", "--scales", "1", "--memory", "4.5GB", "--scratch", str(tmp_path)
    )
    assert rows(result)["optimizer"] == "L-BFGS, last 10"
    assert "In the scratch folder: history" in result.stdout


def test_what_does_not_fit_is_an_answer(plan: Callable[..., Result]) -> None:
    result = plan("--size", "6000", "--memory", "1GB")
    found = rows(result)
    assert (found["fits"], found["a step"]) == ("no", "-")
    assert "--memory allows 1.0 GB" in result.stdout
    assert f"{found['largest']} would fit." in result.stdout
    width, _ = found["largest"].split("x")
    assert rows(plan("--size", width, "--memory", "1GB"))["fits"] == "yes"
    assert rows(plan("--size", str(int(width) + 1), "--memory", "1GB"))["fits"] == "no"


def test_too_little_is_free(plan: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(method, "memory_to_spare", lambda _: 10**6)
    result = plan("--size", "512")
    assert rows(result)["largest"] == "none"
    assert "of memory, and 0.0 GB can be spared." in result.stdout
    assert "No size would fit: try --model compact, or fewer layers." in result.stdout


def test_what_is_streamed_to_a_device_must_fit_beside_it(
    plan: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = rows(plan("--size", "64", "--memory", "1GB"))["largest"]
    spare = {"cpu": GIGABYTE, "cuda": 80 * GIGABYTE}
    monkeypatch.setattr(method, "memory_to_spare", lambda found: spare[found.name])
    monkeypatch.setattr(forecast, "find_provider", lambda *_, **__: configure("cuda"))
    found = rows(plan("--size", "64", "--provider", "cuda"))
    assert (found["provider"], found["precision"], found["largest"]) == ("cuda", "tf32", alone)


def test_json_has_every_scale(plan: Callable[..., Result]) -> None:
    found = entry(plan("--size", "512", "--json", "--margin", "0", "--iterations", "41"))
    assert (found["fits"], found["too_large"], found["fault"]) == (True, None, None)
    assert found["limit_bytes"] == 64 * GIGABYTE
    scales = found["scales"]
    assert [(each["width"], each["iterations"]) for each in scales] == [
        (128, 15),
        (256, 13),
        (512, 13),
    ]
    for each in scales:
        assert each["seconds_a_step"] == each["width"] * each["height"] / PIXELS_A_SECOND
        assert (each["tile"], each["on_disk"]) == (None, [])
    assert found["seconds"] == pytest.approx(
        sum(each["iterations"] * each["seconds_a_step"] for each in scales)
    )
    assert found["memory_bytes"] == max(each["memory_bytes"] for each in scales)
    assert found["largest"]["width"] > 512


def test_json_of_what_does_not_fit(plan: Callable[..., Result]) -> None:
    found = entry(plan("--size", "6000", "--memory", "1GB", "--json"))
    assert (found["fits"], found["scales"]) == (False, [])
    assert found["too_large"].startswith("The picture needs")


def test_a_preset_and_other_options_count(plan: Callable[..., Result]) -> None:
    lean = rows(plan("--size", "300", "--optimizer", "adam"))
    assert lean["optimizer"] == "Adam"
    result = plan("--size", "300", "--preset", "paper")
    assert "The run has 500 steps: 500 at 300x200." in result.stdout
    assert rows(result)["optimizer"] == "L-BFGS, last 10"
    assert int(lean["memory"].split()[0]) < int(rows(result)["memory"].split()[0])


def test_one_that_does_not_work_is_explained(
    plan: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    find = forecast.find_provider

    def some(name: str, *args: Any, **kwargs: Any) -> Provider:
        if name == "cuda":
            raise ProviderError("The library of cuda is missing.")
        return find(name, *args, **kwargs)

    monkeypatch.setattr(forecast, "is_present", lambda found: found.name in ("cpu", "cuda"))
    monkeypatch.setattr(forecast, "find_provider", some)
    result = plan("--size", "64")
    assert rows(result)["provider"] == "cpu"
    assert "\ncuda: The library of cuda is missing.\n" in result.stdout
    result = plan("--size", "64", "--provider", "cuda")
    assert (result.exit_code, result.stdout) == (FAILURE, "")
    assert result.stderr == "Error: The library of cuda is missing.\n"


def test_where_none_works_there_is_no_plan(
    plan: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    result = plan("--precision", "tf32")
    assert (result.exit_code, result.stdout) == (FAILURE, "")
    assert "No provider that is installed here computes in tf32." in result.stderr

    def none(name: str, *_: Any, **__: Any) -> Provider:
        raise ProviderError("It is broken.")

    monkeypatch.setattr(forecast, "find_provider", none)
    result = plan("--size", "64")
    assert (result.exit_code, result.stdout) == (FAILURE, "\ncpu: It is broken.\n")
    assert result.stderr == "Error: No provider works here.\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--size", "16000000"), "size"),
        (("--memory", "much"), "no amount of memory"),
        (("--scratch", "nowhere"), "is no folder"),
    ],
)
def test_what_cannot_be_is_refused(
    plan: Callable[..., Result], options: tuple[str, ...], message: str
) -> None:
    result = plan(*options)
    assert (result.exit_code, result.stdout) == (USAGE, "")
    assert message in result.stderr


def test_units_suit() -> None:
    times = [0.034, 9.96, 38.4, 119, 120, 7200, 180000]
    assert [seconds_name(each) for each in times] == [
        *("0.034 s", "10 s", "38 s", "119 s", "2.0 min", "2.0 h", "2.1 days")
    ]
    assert (amount(345678901), amount(12345678901)) == ("346 MB", "12.3 GB")
