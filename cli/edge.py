"""The edge of the program, where errors become messages and exit codes, once for all commands."""

import functools
import os
from collections.abc import Callable
from typing import NoReturn, ParamSpec, TypeVar

import typer

from stylize.cli.signals import Stopped
from stylize.models.errors import OptionError, StylizeError

P = ParamSpec("P")
R = TypeVar("R")

FAILURE, USAGE, INTERRUPTED = 1, 2, 130
"""Exit codes; 130 is what shells report for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP."""

TRACEBACK_VARIABLE = "STYLIZE_TRACEBACK"


def reporting(command: Callable[P, R]) -> Callable[P, R]:
    """Print the command's errors as one message each, and exit non-zero.

    With $STYLIZE_TRACEBACK set, the traceback is shown instead.
    """

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except StylizeError as error:
            if os.environ.get(TRACEBACK_VARIABLE):
                raise
            fail(str(error), USAGE if isinstance(error, OptionError) else FAILURE)
        except MemoryError:
            fail("Memory ran out. Use a smaller --size.", FAILURE)
        except KeyboardInterrupt as stop:
            typer.echo("Interrupted.", err=True)
            raise typer.Exit(stop.code if isinstance(stop, Stopped) else INTERRUPTED) from stop

    return wrapper


def fail(message: str, code: int) -> NoReturn:
    """Print an error and leave with an exit code."""
    typer.echo(f"{typer.style('Error:', fg='red', bold=True)} {message}", err=True)
    raise typer.Exit(code)
