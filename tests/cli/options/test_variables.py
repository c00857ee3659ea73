"""Variables of the environment stand for options that are not given."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from stylize.cli.app import app
from stylize.cli.reference.pages import program
from stylize.runtime.plans.recipe import Recipe, read_recipe

USAGE, FAILURE = 2, 1
COMMANDS = {page.name.removeprefix("stylize "): page for page in program().walk()}
MAIN = {
    *("STYLIZE_MODEL", "STYLIZE_PROVIDER", "STYLIZE_PRECISION", "STYLIZE_THREADS"),
    *("STYLIZE_MEMORY", "STYLIZE_SCRATCH", "STYLIZE_SIZE", "STYLIZE_PRESET"),
}
OF_THIS_MACHINE = {"STYLIZE_THREADS", "STYLIZE_MEMORY", "STYLIZE_SCRATCH"}


@pytest.fixture(autouse=True)
def pictures(picture: Callable[..., Path]) -> None:
    picture("photo.png", seed=1)
    picture("painting.png", (32, 40), seed=2)


def stylize(*arguments: str, **variables: str) -> Result:
    environment = {f"STYLIZE_{name}": value for name, value in variables.items()}
    return CliRunner().invoke(app, arguments, env=environment)


def run(*arguments: str, **variables: str) -> Result:
    pictures = ("photo.png", "painting.png", "-o", "out.png")
    return stylize("run", *pictures, "--iterations", "2", *arguments, **variables)


def made(*arguments: str, **variables: str) -> Recipe:
    result = run(*arguments, **variables)
    assert result.exit_code == 0, result.output
    return read_recipe(Path("out.png"))


def variables_of(command: str) -> set[str]:
    return {each.variable for each in COMMANDS[command].options if each.variable}


class TestValue:
    def test_counts_where_no_option_is_given(self) -> None:
        assert made(SIZE="24", MODEL="compact", PROVIDER="cpu").options.size == 24
        assert made(SIZE="24x20").options.size == (24, 20)

    def test_gives_way_to_an_option(self) -> None:
        assert made("--size", "32", SIZE="24").options.size == 32

    def test_wins_over_a_presets(self) -> None:
        options = made(PRESET="johnson", SIZE="24", MODEL="compact").options
        assert (options.size, options.losses) == (24, "mse")

    def test_that_is_empty_is_none(self) -> None:
        assert made("--size", "32", PRESET="", PROVIDER="", THREADS="").options.size == 32

    @pytest.mark.parametrize(
        ("name", "value", "code"),
        [
            ("SIZE", "abc", USAGE),
            ("SIZE", "0", USAGE),
            ("PROVIDER", "tpu", USAGE),
            ("PRECISION", "float99", USAGE),
            ("THREADS", "many", USAGE),
            ("MEMORY", "1kB", USAGE),
            ("SCRATCH", "nowhere", USAGE),
            ("PRESET", "monet", USAGE),
            ("MODEL", "nothing", FAILURE),
        ],
    )
    def test_that_is_bad_is_said_to_come_from_the_variable(
        self, name: str, value: str, code: int
    ) -> None:
        result = run(**{name: value})
        assert result.exit_code == code
        assert result.stderr.startswith("Error: ")
        assert f" '{value}' comes from $STYLIZE_{name}." in result.stderr
        assert not Path("out.png").exists()

    def test_that_does_not_go_with_an_option_is_said_to_come_from_it(self) -> None:
        result = run("--provider", "cpu", PRECISION="bfloat16")
        assert "The provider cpu does not compute in bfloat16" in result.stderr
        assert "'bfloat16' comes from $STYLIZE_PRECISION." in result.stderr

    def test_that_is_too_small_for_the_layers_is_said_to_come_from_it(self) -> None:
        result = run("--style-layer", "conv5_1", SIZE="17")
        assert "At size 17, a picture of " in result.stderr
        assert "'17' comes from $STYLIZE_SIZE." in result.stderr

    @pytest.mark.parametrize("option", [("--iterations", "0"), ("--margin", "many")])
    def test_is_not_blamed_for_others(self, option: tuple[str, str]) -> None:
        result = run(*option, SIZE="24", MEMORY="1GB")
        assert result.exit_code == USAGE
        assert "STYLIZE_" not in result.stderr

    @pytest.mark.parametrize(
        ("option", "variables"),
        [
            (("--painting-size", "17"), {"SIZE": "24", "THREADS": "17"}),
            (("--scales", "512"), {"SIZE": "24", "THREADS": "512"}),
            (("--init", "compact"), {"SIZE": "24", "MODEL": "compact"}),
            (("--style-layer", "cpu"), {"SIZE": "24", "PROVIDER": "cpu"}),
        ],
    )
    def test_is_not_blamed_for_a_value_that_others_have_too(
        self, option: tuple[str, str], variables: dict[str, str]
    ) -> None:
        """The message names the value, but is of the option."""
        result = run(*option, **variables)
        assert result.exit_code in (USAGE, FAILURE)
        assert option[1] in result.stderr
        assert "STYLIZE_" not in result.stderr


class TestCommands:
    @pytest.mark.parametrize("command", ["run", "batch", "plan"])
    def test_that_make_pictures_heed_all(self, command: str) -> None:
        assert variables_of(command) == MAIN

    @pytest.mark.parametrize("command", ["texture", "reconstruct", "grid", "figure"])
    def test_without_presets_heed_the_others(self, command: str) -> None:
        assert variables_of(command) == MAIN - {"STYLIZE_PRESET"}

    def test_that_measure_do_not_heed_what_would_change_the_figures(self) -> None:
        known = OF_THIS_MACHINE | {"STYLIZE_MODEL", "STYLIZE_PROVIDER"}
        assert variables_of("judge") == known
        assert variables_of("compare") == {"STYLIZE_MODEL", "STYLIZE_THREADS"}
        assert variables_of("doctor") == set()

    def test_that_repeat_a_picture_heed_only_what_does_not_change_it(self) -> None:
        assert variables_of("rerun") == OF_THIS_MACHINE - {"STYLIZE_MEMORY"}
        assert variables_of("resume") == set()

    @pytest.mark.parametrize("command", COMMANDS)
    def test_tell_of_them_in_the_help_of_the_option(self, command: str) -> None:
        for option in COMMANDS[command].options:
            assert (f"Default: ${option.variable}, else " in option.help) is bool(option.variable)


def test_rerun_repeats_the_recipe() -> None:
    recipe = made("--size", "24", MODEL="compact")
    others = {"SIZE": "40", "PRESET": "paper", "MODEL": "nothing", "PROVIDER": "tpu"}
    result = stylize("rerun", "out.png", **others, PRECISION="bfloat16")
    assert result.exit_code == 0, result.output
    assert Path("out-again.png").read_bytes() == Path("out.png").read_bytes()
    assert read_recipe(Path("out-again.png")) == recipe


def test_doctor_tells_which_are_set() -> None:
    result = stylize("doctor", "--provider", "cpu", SIZE="24", SZIE="25")
    assert "STYLIZE_SIZE=24, STYLIZE_SZIE=25" in " ".join(result.stdout.split())
