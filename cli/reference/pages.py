"""The commands, their arguments and options as plain data, read from the app."""

from collections.abc import Iterator
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any

import typer
from typer.main import get_command

from stylize.cli.app import app


@dataclass(frozen=True)
class Parameter:
    """An argument or an option of a command.

    Attributes
    ----------
    names : tuple of str
        ``--output`` and ``-o``; of an argument, what stands for it: ``PHOTO``.
    metavar : str
        What stands for the value of an option: ``PIXELS``; empty if there is none.
    help : str
        Full sentences, with the default.
    panel : str
        The heading on the help page; empty if it is the usual one.
    variable : str
        The variable of the environment that stands for it; empty if there is none.
    required : bool
        Whether it must be given.
    repeated : bool
        Whether it may be given several times.
    """

    names: tuple[str, ...]
    metavar: str
    help: str
    panel: str
    variable: str
    required: bool
    repeated: bool

    @property
    def usage(self) -> str:
        """An argument as it stands in a usage line: ``[PAINTING...]``."""
        name = f"{self.names[0]}{'...' if self.repeated else ''}"
        return name if self.required else f"[{name}]"


@dataclass(frozen=True)
class Page:
    """A command, or a group of them.

    Attributes
    ----------
    name : str
        All its words: ``stylize export vgg19``.
    panel : str
        The heading on the help page above it; empty if it is the usual one.
    paragraphs : tuple of str
        Its help. The first is a sentence that sums it up.
    arguments, options : tuple of Parameter
        In their order on the help page.
    pages : tuple of Page
        The commands of a group.
    """

    name: str
    panel: str
    paragraphs: tuple[str, ...]
    arguments: tuple[Parameter, ...]
    options: tuple[Parameter, ...]
    pages: tuple["Page", ...]

    @property
    def usage(self) -> str:
        """How it is called: ``stylize run [OPTIONS] PHOTO [PAINTING...]``."""
        more = ("COMMAND",) if self.pages else (each.usage for each in self.arguments)
        return " ".join([self.name, "[OPTIONS]", *more])

    def walk(self) -> Iterator["Page"]:
        """Yield this page and all below it."""
        yield self
        for page in self.pages:
            yield from page.walk()


def program() -> Page:
    """Return the page of ``stylize`` itself, with those of all commands below it."""
    command = get_command(app)
    return _page(command, str(command.name))


def _page(command: Any, name: str, above: typer.Context | None = None) -> Page:
    context = typer.Context(command, info_name=name, parent=above, **command.context_settings)
    parameters = command.get_params(context)
    arguments = [each for each in parameters if each.param_type_name == "argument"]
    options = [each for each in parameters if each not in arguments]
    below = getattr(command, "commands", {})
    return Page(
        name,
        str(command.rich_help_panel or ""),
        tuple(_line(text) for text in cleandoc(command.help).split("\n\n")),
        tuple(_parameter(each, (each.metavar,)) for each in arguments),
        tuple(_parameter(each, _long_first(each.opts)) for each in options),
        tuple(_page(each, f"{name} {called}", context) for called, each in below.items()),
    )


def _parameter(found: Any, names: tuple[str, ...]) -> Parameter:
    is_option = found.param_type_name == "option"
    return Parameter(
        names,
        str(found.metavar or "") if is_option else "",
        _line(found.help),
        str(getattr(found, "rich_help_panel", None) or ""),
        str(found.envvar or ""),
        found.required,
        found.multiple if is_option else found.nargs != 1,
    )


def _long_first(names: list[str]) -> tuple[str, ...]:
    return tuple(sorted(names, key=lambda name: not name.startswith("--")))


def _line(text: str) -> str:
    return " ".join(text.split())
