"""Typer's commands, with plain help pages, and errors of usage that are ours."""

import os
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from stylize.cli.edge import USAGE, exit_code
from stylize.cli.terminal import answering
from stylize.installation import COMMAND
from stylize.models.errors import OptionError, StylizeError

Arguments = Sequence[str] | None

WIDTH_VARIABLE = "TERMINAL_WIDTH"
"""What Typer reads the width of help pages from; it fails where that is no number."""
WIDTH = re.compile("[1-9][0-9]{0,3}")

COMPLETION_VARIABLE = f"_{COMMAND.upper()}_COMPLETE"
"""What a shell sets when it wants to complete a command line."""

UsageError: Any = typer.BadParameter.mro()[1]
"""What Typer raises where a command line is not understood; it offers no name for it."""


class _Ending:
    """What ends with an exit code and at most one message, whatever it raises."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters."""
        return _plain(super().get_params(ctx))  # type: ignore[misc]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help page."""
        if not WIDTH.fullmatch(os.environ.get(WIDTH_VARIABLE, "")):
            os.environ.pop(WIDTH_VARIABLE, None)
        with answering():
            super().format_help(ctx, formatter)  # type: ignore[misc]

    def main(
        self, args: Arguments = None, prog_name: str | None = None, *_: Any, **__: Any
    ) -> NoReturn:
        """Run the command line, and leave with its exit code."""
        if os.environ.get(COMPLETION_VARIABLE):  # a shell asks what may come next
            super().main(args, prog_name, COMPLETION_VARIABLE)  # type: ignore[misc]
        sys.exit(exit_code(lambda: _run(self, args, prog_name)))


class Command(_Ending, TyperCommand):
    """A command."""

    def invoke(self, ctx: Any) -> Any:
        """Run it; an error tells which of the values that it is about came from a variable."""
        try:
            return super().invoke(ctx)
        except StylizeError as error:
            for each in _from_environment(ctx):
                if each.name == error.setting:
                    error.add_note(_origin(each))
            raise

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what may follow the command's name."""
        arguments = (_usual_name(each) for each in self.params if _is_argument(each))
        return ["[OPTIONS]", *arguments]


class Commands(_Ending, TyperGroup):
    """Several commands."""


def _run(command: Any, given: Arguments, name: str | None) -> None:
    """Run a command on the arguments given; on those of the process, if there are none."""
    called = name or command.name or os.path.basename(sys.argv[0])
    arguments = sys.argv[1:] if given is None else list(given)
    try:
        with command.make_context(called, arguments) as context:
            command.invoke(context)
    except UsageError as error:
        raise _ours(error) from error
    if sys.stdout:
        with answering():
            sys.stdout.flush()


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


def _ours(error: Any) -> Exception:
    """Return what is raised instead of Typer's error; where help was printed, the end alone."""
    context = error.ctx
    if context is None:
        return OptionError(_sentence(error))
    if type(error).__name__ == "NoArgsIsHelpError":
        return typer.Exit(USAGE)
    return OptionError(
        f"{_sentence(error)}{_order(error, context)} '{context.command_path} --help' tells more."
    )


def _order(error: Any, context: Any) -> str:
    """Return the order of several arguments, if one of them is missing, wrong or too much."""
    arguments = [each for each in context.command.params if _is_argument(each)]
    about = type(error) is UsageError or getattr(error, "param", None) in arguments
    if len(arguments) < 2 or not about:
        return ""
    return f" The order is: {context.command_path} {' '.join(map(_usual_name, arguments))}."


def _sentence(error: Any) -> str:
    text = " ".join(error.format_message().replace("Value error, ", "").split())
    about = [each for each in _from_environment(error.ctx) if each is getattr(error, "param", None)]
    return " ".join([f"{text.rstrip('.')}.", *map(_origin, about)])


def _from_environment(context: Any) -> list[Any]:
    """Return the options whose values come from variables of the environment."""
    if context is None:
        return []
    sources = ((each, context.get_parameter_source(each.name)) for each in context.command.params)
    return [each for each, source in sources if source and source.name == "ENVIRONMENT"]


def _origin(option: Any) -> str:
    return f"'{os.environ[option.envvar]}' comes from ${option.envvar}."
