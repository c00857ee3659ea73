"""The edge of the program, where errors become messages and exit codes, once for all commands."""

import errno
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from glob import glob
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from stylize.cli.signals import Stopped
from stylize.cli.terminal import TRACEBACK_VARIABLE, complain, discard, note
from stylize.models.errors import OptionError, StylizeError
from stylize.models.installation import release

SUCCESS, FAILURE, USAGE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes; 130 is what shells report for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP."""

Arguments = Sequence[str] | None

UsageError: Any = typer.BadParameter.mro()[1]
"""What Typer raises where a command line is not understood; it offers no name for it."""


class Command(TyperCommand):
    """A command that ends with an exit code and at most one message, whatever it raises."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters."""
        return _plain(super().get_params(ctx))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what may follow the command's name."""
        arguments = (_usual_name(each) for each in self.params if _is_argument(each))
        return ["[OPTIONS]", *arguments]

    def main(
        self, args: Arguments = None, prog_name: str | None = None, *_: Any, **__: Any
    ) -> NoReturn:
        """Run the command line, and leave with its exit code."""
        _run(self, args, prog_name)


class Commands(TyperGroup):
    """Several commands of that kind."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters."""
        return _plain(super().get_params(ctx))

    def main(
        self, args: Arguments = None, prog_name: str | None = None, *_: Any, **__: Any
    ) -> NoReturn:
        """Run the command line, and leave with its exit code."""
        _run(self, args, prog_name)


def _run(command: Command | Commands, args: Arguments, name: str | None) -> NoReturn:
    def run() -> None:
        called = name or command.name or os.path.basename(sys.argv[0])
        with command.make_context(called, _arguments(args)) as context:
            command.invoke(context)
        if sys.stdout:
            sys.stdout.flush()

    sys.exit(exit_code(run))


def _plain(parameters: list[Any]) -> list[Any]:
    """Let the help page say nothing of a parameter's type: metavars and texts say enough."""
    for each in parameters:
        if getattr(each, "is_flag", False):
            each.metavar = ""
        elif _is_argument(each):
            each.display_type_rich = lambda ctx: None
    return parameters


def _is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


def _usual_name(argument: Any) -> str:
    name = f"{argument.metavar}{'...' if argument.nargs != 1 else ''}"
    return name if argument.required else f"[{name}]"


def _arguments(given: Arguments) -> list[str]:
    """Return the arguments; those of the process, if none are given."""
    if given is not None:
        return list(given)
    if sys.platform != "win32":
        return sys.argv[1:]
    return [name for text in sys.argv[1:] for name in glob(text) or [text]]  # its shells do not


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
    except Exception as error:
        if os.environ.get(TRACEBACK_VARIABLE) and not isinstance(error, UsageError):
            raise
        return _told(error)
    return SUCCESS


def _told(error: Exception) -> int:
    """Tell of an error, and return the exit code for it."""
    if _is_nobody_there(error):
        discard(sys.stdout)
        return FAILURE
    if isinstance(error, UsageError):
        if message := _usage(error):
            complain(message)
        return USAGE
    complain(_whole(_message(error), error))
    return USAGE if isinstance(error, OptionError) else FAILURE


def _message(error: Exception) -> str:
    if isinstance(error, StylizeError):
        return str(error)
    if isinstance(error, MemoryError):
        return "Memory ran out. Use a smaller --size."
    if isinstance(error, OSError) and error.strerror:
        if not error.filename:
            return f"Reading or writing failed: {error.strerror}."
        return (
            f"'{os.fsdecode(error.filename)}' cannot be used: {error.strerror}. Check that it is "
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


def _usage(error: Any) -> str:
    """Return the message for a command line that is not understood; none if help was printed."""
    context = error.ctx
    if context is None:
        return _sentence(error)
    if type(error).__name__ == "NoArgsIsHelpError":
        return ""
    arguments = [each for each in context.command.params if _is_argument(each)]
    order = ""
    if len(arguments) > 1 and (
        type(error) is UsageError or getattr(error, "param", None) in arguments
    ):
        names = " ".join(map(_usual_name, arguments))
        order = f" The order is: {context.command_path} {names}."
    return f"{_sentence(error)}{order} '{context.command_path} --help' tells more."


def _sentence(error: Any) -> str:
    text = " ".join(error.format_message().replace("Value error, ", "").split())
    return f"{text.rstrip('.')}."


def _is_nobody_there(error: Exception) -> bool:
    """Tell whether whoever read the output has gone, as ``head`` does after its lines."""
    return (
        isinstance(error, OSError)
        and error.errno in (errno.EPIPE, errno.EINVAL)
        and (error.filename is None)
    )
