"""Whatever a command raises becomes one message and an exit code."""

import errno
import os
import re
import tempfile
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from stylize.cli.parsing import Commands
from stylize.cli.signals import Stopped
from stylize.cli.terminal import NoReaderError
from stylize.installation import release
from stylize.models.errors import ImageError, OptionError

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
        (
            MemoryError(),
            FAILURE,
            "Error: Memory ran out. Use smaller pictures, or a smaller --size.\n",
        ),
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
        (noted(Stopped(15), "It lies there."), 143, "Interrupted. It lies there.\n"),
        (OSError(5, "Input/output error"), FAILURE, "Error: Reading or writing failed: Input"),
        (
            PermissionError(13, "Permission denied", "a b"),
            FAILURE,
            "Error: 'a b' cannot be used: P",
        ),
        (NoReaderError(), FAILURE, ""),
        (OSError(errno.EINVAL, "Invalid argument"), FAILURE, "Error: Reading or writing failed: I"),
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
