"""The edge of the program, where errors become messages and exit codes, once for all commands."""

import os
import sys
import traceback
from collections.abc import Callable, Mapping

import typer

from stylize.cli.signals import Stopped
from stylize.cli.terminal import TRACEBACK_VARIABLE, NoReaderError, complain, discard, note
from stylize.installation import release
from stylize.models.errors import OptionError, StylizeError

SUCCESS, FAILURE, USAGE, INTERRUPTED = 0, 1, 2, 130

EXIT_CODES: Mapping[str, str] = {
    str(SUCCESS): "All was done.",
    str(FAILURE): "Something failed: one line on stderr, after 'Error:', says what, why, and what "
    "to do next.",
    str(USAGE): "The command line, or a variable, was not understood, or a value is not possible. "
    "Nothing was made.",
    str(INTERRUPTED): "Ctrl-C ended the work. The picture so far is saved, and the last line says "
    "where.",
    "128 + N": "Another signal did so, in the same way. N is its number: 143 for SIGTERM, 129 for "
    "SIGHUP. Those of SIGUSR1 and SIGXCPU depend on the system; 'kill -l' tells them.",
}
"""What exit codes tell, as the manual pages have it; shells report the same of signals."""
BATCH_FAILED = "Or one picture failed, or more: each reason is listed, and the record has them all."
"""What is added for `FAILURE` of a batch."""


def exit_code(run: Callable[[], None]) -> int:
    """Run something; return an exit code, after one message if it failed.

    With $STYLIZE_TRACEBACK set, errors pass through instead.
    """
    try:
        run()
    except typer.Exit as end:
        return end.exit_code
    except KeyboardInterrupt as stop:
        note(_whole("Interrupted.", stop))
        return stop.code if isinstance(stop, Stopped) else INTERRUPTED
    except NoReaderError:
        discard(sys.stdout)
        return FAILURE
    except Exception as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        return _told(error)
    return SUCCESS


def _told(error: Exception) -> int:
    """Tell of an error, and return the exit code for it."""
    complain(message_of(error))
    return USAGE if isinstance(error, OptionError) else FAILURE


def message_of(error: Exception) -> str:
    """Return what a user is told of an error, with what was noted on the way."""
    return _whole(_message(error), error)


def _message(error: Exception) -> str:
    if isinstance(error, StylizeError):
        return str(error)
    if isinstance(error, MemoryError):
        return "Memory ran out. Use smaller pictures, or a smaller --size."
    if isinstance(error, OSError) and error.strerror:
        if not error.filename:
            return f"Reading or writing failed: {error.strerror}."
        return (
            f"'{error.filename}' cannot be used: {error.strerror}. Check that it is "
            "there, that you may use it, and that there is space left."
        )
    return _bug(error)


def _whole(message: str, error: BaseException) -> str:
    """Return a message with what was noted on the way, such as where a picture is."""
    return " ".join([message, *getattr(error, "__notes__", ())])


def _bug(error: Exception) -> str:
    """Return the message for what nobody foresaw."""
    what = "".join(traceback.format_exception_only(error)).strip()
    said = f"This is a bug of stylize: {what}. Please report it in the project's issue tracker"
    try:
        return f"{said}, with this file: {_report(error)}"
    except OSError:
        return f"{said}."


def _report(error: Exception) -> str:
    """Write what is needed to understand a bug into a file; return its path.

    That is the traceback and the releases, but not the command's arguments, which are private.
    """
    import platform
    import tempfile

    lines = [
        f"stylize {release()}, Python {platform.python_version()}, {platform.platform()}\n",
        *traceback.format_exception(error),
    ]
    with tempfile.NamedTemporaryFile(
        "w",
        encoding="utf-8",
        errors="backslashreplace",
        prefix="stylize-bug-",
        suffix=".txt",
        delete=False,
    ) as file:
        file.writelines(lines)
    return file.name
