"""``stylize compare``: each provider beside the CPU, in a table that fits a narrow terminal."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

pytest.importorskip("onnxruntime", reason="compares its providers")

from stylize.cli.app import app
from stylize.cli.showing.tables import NARROW
from stylize.models.errors import ProviderError
from stylize.runtime.checks import outcome
from stylize.runtime.checks.comparison import FLOAT32, Measurement, Task, measure
from stylize.runtime.engine import choice
from stylize.runtime.providers.table import PROVIDERS, KnownProvider, Mode, Provider, configure

FAILURE, USAGE = 1, 2

QUICK = ("--model", "compact", "--size", "32", "--iterations", "2")


@pytest.fixture(autouse=True)
def having(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let only the CPU be installed, and a twin of it that computes the same.

    The function that is given lets others be listed which do not work.
    """
    import onnxruntime

    twin = KnownProvider(
        "CPUExecutionProvider", {"float32": Mode(), "float16": Mode()}, tested=True
    )
    listed, plugins = ["CPUExecutionProvider"], list[str]()
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: listed)
    monkeypatch.setattr(choice, "is_installed", lambda plugin: plugin.module in plugins)
    monkeypatch.setitem(PROVIDERS, "twin", twin)  # type: ignore[arg-type]

    def attempt(provider: Provider) -> None:
        if provider.name != "twin":
            raise ProviderError(f"A library of {provider.name} is missing.")

    monkeypatch.setattr(choice, "try_provider", attempt)

    def as_the_cpu(task: Task, provider: Provider) -> Measurement:
        return measure(task, configure("cpu") if provider.name == "twin" else provider)

    monkeypatch.setattr(outcome, "measure", as_the_cpu)

    def arrange(*names: str) -> None:
        listed.extend(PROVIDERS[name].onnxruntime_name for name in names)
        plugins.extend(found.module for name in names if (found := PROVIDERS[name].plugin))

    return arrange


@pytest.fixture
def twin_times(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let the twin's gradient be so many times what it should be."""

    def arrange(factor: float) -> None:
        right = outcome.measure

        def wrong(task: Task, provider: Provider) -> Measurement:
            found = right(task, provider)
            times = factor if provider.name == "twin" else 1
            return replace(found, gradient=found.gradient * times)

        monkeypatch.setattr(outcome, "measure", wrong)

    return arrange


def compare(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["compare", *QUICK, *arguments])


def rows(result: Result) -> dict[str, list[str]]:
    """Return the words of each row by provider and precision."""
    lines = [line.split() for line in result.stdout.splitlines() if line]
    return {f"{name}:{more[0]}": more[1:] for name, *more in lines if name in PROVIDERS}


def test_all_that_are_installed_are_compared() -> None:
    result = compare()
    assert result.exit_code == 0, result.output
    found = rows(result)
    assert list(found) == ["cpu:float32", "twin:float32", "twin:float16"]
    for losses, gradient, final, milliseconds, *_, verdict in found.values():
        assert max(map(float, (losses, gradient, final))) < 1e-3
        assert float(milliseconds) > 0
        assert verdict == "ok"
    assert max(map(len, result.stdout.splitlines())) <= NARROW
    assert "Measuring twin:float16" in result.stderr


def test_a_driver_in_software_is_compared_only_if_named(
    having: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    having("webgpu")
    monkeypatch.setattr(outcome, "in_software", lambda provider: provider.name == "webgpu")
    assert "webgpu:float32" not in rows(compare("--size", "32"))
    result = compare("--providers", "webgpu")
    assert "A library of webgpu is missing." in result.stderr, "as it was tried"


def test_quiet() -> None:
    result = compare("--quiet")
    assert (result.exit_code, result.stderr) == (0, "")


def test_those_that_are_named_are_compared_once() -> None:
    assert list(rows(compare("--providers", "twin:float16, cpu,twin"))) == [
        "twin:float16",
        "cpu:float32",
        "twin:float32",
    ]


@pytest.mark.parametrize("size", ["48", "33x70"])
def test_sizes(size: str) -> None:
    result = compare("--providers", "cpu", "--size", size)
    assert result.exit_code == 0, result.output


def test_pictures_of_the_user(picture: Callable[..., Path]) -> None:
    photo, painting = picture("photo.png", seed=1), picture("painting.png", seed=2)
    result = compare(str(photo), str(painting), "--providers", "twin:float32")
    assert result.exit_code == 0, result.output
    assert rows(result)["twin:float32"][-1] == "ok"


def test_a_wrong_gradient_is_named(twin_times: Callable[[float], None]) -> None:
    twin_times(1 + 2 * FLOAT32.gradient)
    result = compare("--providers", "cpu,twin:float32")
    assert result.exit_code == FAILURE
    found = rows(result)
    assert found["cpu:float32"][-1] == "ok"
    assert found["twin:float32"][-2:] == ["too", "far"]
    assert f"\ntwin:float32: expected at most 0.0002, 0.003 and 0.001. {FLOAT32.reason}\n" in (
        result.stdout
    )
    assert result.stderr.endswith("Too far off, or failed: twin:float32.\n")


def test_rounding_is_no_error(twin_times: Callable[[float], None]) -> None:
    twin_times(1 + FLOAT32.gradient / 2)
    assert compare("--providers", "twin").exit_code == 0


def test_one_that_is_installed_but_does_not_work_is_listed(having: Callable[..., None]) -> None:
    having("cuda")
    result = compare()
    assert result.exit_code == 0, result.output
    found = rows(result)
    for precision in PROVIDERS["cuda"].modes:
        assert found[f"cuda:{precision}"] == ["-"] * 5 + ["unusable"]
    names = "cuda:tf32, cuda:float32, cuda:float16"
    assert f"\n{names}: A library of cuda is missing.\n" in result.stdout


def test_one_that_is_named_and_does_not_work_is_an_error(having: Callable[..., None]) -> None:
    having("cuda")
    result = compare("--providers", "cpu,cuda:tf32")
    assert (result.exit_code, result.stdout) == (FAILURE, "")
    assert result.stderr == "Error: A library of cuda is missing.\n"


def test_one_that_is_named_and_not_installed_is_an_error() -> None:
    result = compare("--providers", "cuda")
    assert result.exit_code == FAILURE
    assert "The installed ONNX Runtime has no CUDAExecutionProvider" in result.stderr


def test_one_that_fails_at_work_is_an_error_after_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work = outcome.measure

    def fail(task: Task, provider: Provider) -> Measurement:
        if provider.precision == "float16":
            raise ProviderError("Memory ran out.")
        return work(task, provider)

    monkeypatch.setattr(outcome, "measure", fail)
    result = compare()
    assert result.exit_code == FAILURE
    assert rows(result)["twin:float16"] == ["-"] * 5 + ["failed"]
    assert rows(result)["twin:float32"][-1] == "ok"
    assert "\ntwin:float16: Memory ran out.\n" in result.stdout
    assert result.stderr.endswith("or failed: twin:float16.\n")


def test_what_is_untested_is_compared_only_when_named(having: Callable[..., None]) -> None:
    having("coreml")
    assert "coreml:float32" not in rows(compare())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--providers", "gpu"], "There is no provider 'gpu'"),
        (["--providers", "cpu:half"], "There is no precision 'half'"),
        (["--providers", "cpu:tf32"], "The provider cpu does not compute in tf32"),
        (["--providers", " , "], "--providers names none"),
        (["--size", "big"], "The size is 'big'"),
        (["--size", "8"], "The size is 8"),
        (["--iterations", "0"], "The number of iterations is 0"),
        (["photo.png"], "There is a photo but no painting"),
    ],
    ids=str,
)
def test_options_that_cannot_be_used(arguments: list[str], message: str) -> None:
    result = compare(*arguments)
    assert result.exit_code == USAGE, result.output
    assert message in result.stderr
    assert "Measuring" not in result.stderr
