"""Lines for whoever reads them: a terminal, a file, a pipe, in any encoding, or nobody any more."""

import codecs
import os
import sys
import warnings
from contextlib import suppress
from typing import Any

import typer

READABLE = {"α": "a", "β": "b", "γ": "g", "×": "x", "·": "*", "²": "^2", "½": "1/2"}
"""What stands for our own characters where an encoding lacks them; others become numbers."""

LENIENT = "stylize.readable"
"""Name of the handler of characters that an encoding lacks."""

STDERR = 2
"""Its file descriptor."""

TRACEBACK_VARIABLE = "STYLIZE_TRACEBACK"
"""Set, it lets everything through: tracebacks, warnings, and what libraries print."""


def answer(line: str) -> None:
    """Print a line of what a command was asked for.

    Raises
    ------
    OSError
        It cannot be written; nobody would get the answer.
    """
    typer.echo(escaped(line))


def note(line: str) -> None:
    """Print a line about the work. Where that fails, the work goes on: it does not depend on it."""
    with suppress(OSError, ValueError):  # the latter: the stream is closed
        typer.echo(escaped(line), err=True)


def complain(message: str) -> None:
    """Print what went wrong, as one line."""
    with suppress(OSError, ValueError):
        typer.echo(f"{typer.style('Error:', fg='red', bold=True)} {escaped(message)}", err=True)


def escaped(text: str) -> str:
    """Return text without control characters, which names and files may have.

    They are written as JSON writes them, which keeps JSON what it is.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _code(char) for char in text)


def _code(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def prepare_streams() -> None:
    """Let nothing that is printed fail for its characters, and print nothing but our own lines."""
    codecs.register_error(LENIENT, _readable)
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors=LENIENT)
    if not os.environ.get(TRACEBACK_VARIABLE):
        if not sys.warnoptions:
            warnings.simplefilter("ignore")
        sys.unraisablehook = lambda _: None
        _silence_libraries()


def _readable(error: UnicodeError) -> tuple[str, int]:
    """Return what stands for characters that an encoding lacks, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(READABLE.get(char) or _code(char) for char in lacking), error.end


def _silence_libraries() -> None:
    """Let what libraries write past Python go nowhere: their errors come as exceptions, too."""
    stream: Any = sys.stderr
    try:
        if stream.fileno() != STDERR:
            return
        copy = os.dup(STDERR)
    except (AttributeError, OSError, ValueError):  # there is none, or it is none of the system's
        return
    sys.stderr = open(copy, "w", buffering=1, encoding=stream.encoding, errors=LENIENT)  # noqa: SIM115
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, STDERR)
    os.close(nowhere)
