"""Whatever a command raises becomes one message and an exit code."""

import errno
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner, Result

from stylize.cli.app import app
from stylize.cli.edge import Commands
from stylize.cli.signals import Stopped
from stylize.models.errors import ImageError, OptionError
from stylize.models.installation import release

FAILURE, USAGE = 1, 2
ESCAPE = "\x1b[31m"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    monkeypatch.delenv("STYLIZE_TRACEBACK", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def raising(error: BaseException) -> Result:
    """Run a command that raises an error."""
    made = typer.Typer(cls=Commands, add_completion=False)

    @made.command()
    def fail(secret: str = "") -> None:
        raise error

    @made.command()
    def other() -> None: ...

    return CliRunner().invoke(made, ["fail", "--secret", "my password"])


def noted(error: BaseException, note: str) -> BaseException:
    error.add_note(note)
    return error


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ImageError("It is damaged."), FAILURE, "Error: It is damaged.\n"),
        (OptionError("It is too small."), USAGE, "Error: It is too small.\n"),
        (noted(ImageError("No."), "It lies there."), FAILURE, "Error: No. It lies there.\n"),
        (MemoryError(), FAILURE, "Error: Memory ran out. Use a smaller --size.\n"),
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
        (noted(Stopped(15), "It lies there."), 143, "Interrupted. It lies there.\n"),
        (OSError(5, "Input/output error"), FAILURE, "Error: Reading or writing failed: Input"),
        (
            PermissionError(13, "Permission denied", "a b"),
            FAILURE,
            "Error: 'a b' cannot be used: P",
        ),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), FAILURE, ""),
        (ImageError(f"'{ESCAPE}\n' is bad."), FAILURE, "Error: '\\u001b[31m\\u000a' is bad.\n"),
    ],
)
def test_an_error_is_one_line(error: BaseException, code: int, message: str) -> None:
    result = raising(error)
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == bool(message)


class TestBugs:
    def test_are_said_to_be_bugs_and_written_down(self, temporary: Path) -> None:
        result = raising(ZeroDivisionError("division by zero"))
        assert result.exit_code == FAILURE
        said = (
            r"Error: This is a bug of stylize: ZeroDivisionError: division by zero\. Please.*: (.*)"
        )
        found = re.fullmatch(said, result.stderr.strip())
        assert found
        (file,) = temporary.iterdir()
        assert found[1] == str(file)
        report = file.read_text()
        assert report.startswith(f"stylize {release()}, Python ")
        assert "Traceback" in report
        assert "in fail" in report
        assert "my password" not in report

    def test_where_nothing_can_be_written(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tempfile, "tempdir", os.path.join("no", "folder"))
        result = raising(ZeroDivisionError("division by zero"))
        assert result.exit_code == FAILURE
        assert result.stderr.endswith("Please report it in the project's issue tracker.\n")

    def test_pass_through_where_a_traceback_is_wanted(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("STYLIZE_TRACEBACK", "1")
        assert isinstance(raising(ZeroDivisionError()).exception, ZeroDivisionError)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["run", "a.jpg"],
            "Missing argument 'PAINTING'. The order is: stylize run PHOTO PAINTING.",
        ),
        (
            ["run", "a.jpg", "b.jpg", "c.jpg"],
            "Got unexpected extra argument(s) (c.jpg). The order is: stylize run PHOTO PAINTING.",
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
        assert "stylize run [OPTIONS] PHOTO PAINTING " in page("run", "-h")
        assert "stylize sheet [OPTIONS] PICTURE... " in page("sheet", "-h")
        assert "stylize presets [OPTIONS] [NAME] " in page("presets", "-h")


def test_windows_shells_leave_patterns_to_the_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from stylize.cli import edge

    found: list[list[str]] = []
    made = typer.Typer(cls=Commands, add_completion=False)

    @made.command()
    def take(names: Annotated[list[str], typer.Argument()]) -> None:
        found.append(names)

    @made.command()
    def other() -> None: ...

    for name in ("a.png", "b.png"):
        (tmp_path / name).touch()
    monkeypatch.setattr(edge.sys, "platform", "win32")
    monkeypatch.setattr(edge.sys, "argv", ["stylize", "take", "*.png", "*.jpg"])
    with pytest.raises(SystemExit):
        made()
    assert [sorted(names) for names in found] == [["*.jpg", "a.png", "b.png"]]
