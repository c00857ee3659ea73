"""A command line that is not understood is one message, and help pages are plain."""

import sys
from collections.abc import Callable

import pytest
import typer
from typer.testing import CliRunner

from stylize.cli.app import app

USAGE = 2


@pytest.fixture(autouse=True)
def no_tracebacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STYLIZE_TRACEBACK", raising=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["grid", "a.jpg"],
            "Missing argument 'PAINTING'. The order is: stylize grid PHOTO PAINTING....",
        ),
        (
            ["run", "a.jpg"],
            "Missing argument 'PAINTING', or a --region with a painting of its own. "
            "The order is: stylize run PHOTO [PAINTING...].",
        ),
        (
            ["judge", "a.jpg", "b.jpg"],
            "Missing argument 'RESULT'. The order is: stylize judge PHOTO PAINTING RESULT....",
        ),
        (["run", "a", "b", "--optimizer", "newton"], "'newton' is not one of 'lbfgs', 'adam'."),
        (["run", "a", "b", "--iterations", "x"], "Invalid value for '--iterations': "),
        (["run", "--foo"], "No such option: --foo"),
        (["rumm"], "No such command 'rumm'."),
        (["figure", "4"], "Invalid value for 'NUMBER': '4' is not one of '1', '2', '3'."),
        (["run", "a", "b", "--size"], "Option '--size' requires an argument."),
        (["--foo"], "No such option: --foo"),
        (["export"], ""),
        ([], ""),
    ],
)
def test_a_command_line_that_is_not_understood(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == USAGE
    assert message in result.stderr
    assert result.stderr.count("\n") == bool(message)
    if message:
        assert result.stderr.startswith("Error: ")
        assert result.stdout == ""
    else:
        assert "Usage: stylize" in result.stdout


class TestHelp:
    @pytest.fixture
    def page(self) -> Callable[..., str]:
        def of(*arguments: str) -> str:
            result = CliRunner().invoke(app, [*arguments])
            assert (result.exit_code, result.stderr) == (0, "")
            return result.stdout

        return of

    @pytest.mark.parametrize("width", ["x", "0", "-5", "9" * 12])
    def test_a_width_that_is_none_does_not_matter(
        self, page: Callable[..., str], monkeypatch: pytest.MonkeyPatch, width: str
    ) -> None:
        monkeypatch.delitem(sys.modules, "typer.rich_utils", raising=False)  # it reads it once
        monkeypatch.delattr(typer, "rich_utils", raising=False)
        monkeypatch.setenv("TERMINAL_WIDTH", width)
        assert "Usage: stylize" in page("--help")

    @pytest.mark.parametrize("command", [[], ["run"], ["export"], ["export", "vgg19"]])
    def test_has_a_short_name(self, page: Callable[..., str], command: list[str]) -> None:
        assert page(*command, "-h") == page(*command, "--help")

    @pytest.mark.parametrize("command", sorted(each.name or "" for each in app.registered_commands))
    def test_says_nothing_about_types(self, page: Callable[..., str], command: str) -> None:
        text = page(command, "-h")
        for noise in ("<", "{", "[default", "list["):
            assert noise not in text, noise
        assert max(map(len, text.splitlines())) <= 80

    def test_names_arguments_as_they_are_given(self, page: Callable[..., str]) -> None:
        assert "stylize run [OPTIONS] PHOTO [PAINTING...] " in page("run", "-h")
        assert "stylize sheet [OPTIONS] PICTURE... " in page("sheet", "-h")
        assert "stylize presets [OPTIONS] [NAME] " in page("presets", "-h")
