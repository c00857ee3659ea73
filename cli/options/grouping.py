"""Dataclasses of settings as groups of parameters: a command names a group, Typer sees its options.

A parameter of a command that is annotated with a dataclass becomes an option for each of its
settings, and the command gets an instance. One annotated ``Annotated[Given, Choose(...)]`` becomes
those options that were chosen, and the command gets a mapping of what the user gave, to put over a
preset's values or a recipe's.
"""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, is_dataclass, replace
from types import NoneType
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin

import typer

from stylize.models.errors import about
from stylize.models.settings import Setting, settings_of
from stylize.runtime.method.options import ITERATION, LOSSES, PICTURES
from stylize.runtime.pictures.file_options import FILES

Given: TypeAlias = Mapping[str, Any]
"""The values of those settings that were given on the command line, by the fields' names."""

PANELS = (None, PICTURES, LOSSES, ITERATION, FILES)
"""The order of headings on a help page; others follow."""


class Choose:
    """Which settings of a dataclass a command offers.

    Parameters
    ----------
    settings : type
        A dataclass with settings.
    only : str
        Names of fields; all that are offered if there are none.
    without : sequence of str
        Names of fields that are left out.
    base : object, optional
        An instance whose values the help page shows as defaults. By default the fields' own.
    changes : mapping of str to object
        For a field, attributes of its `Setting` that are others in this command.
    """

    def __init__(
        self,
        settings: type,
        *only: str,
        without: tuple[str, ...] = (),
        base: object = None,
        **changes: Mapping[str, Any],
    ) -> None:
        known = settings_of(settings)
        base = settings() if base is None else base
        if unknown := {*only, *without, *changes} - known.keys():
            raise ValueError(f"{settings.__name__} has no settings {sorted(unknown)}.")
        names = only or [name for name, (one, _) in known.items() if one.offered]
        choices = [
            _Choice(name, replace(one, **changes.get(name, {})), kind, getattr(base, name))
            for name in names
            if name not in without
            for one, kind in [known[name]]
        ]
        self._choices = sorted(choices, key=_rank)

    def parameters(self) -> list[inspect.Parameter]:
        """Return the parameter of each option."""
        return [choice.parameter for choice in self._choices]

    def collect(self, values: dict[str, Any]) -> Any:
        """Take the options' values from those of a command; return what was given, parsed.

        Raises
        ------
        OptionError
            A text cannot be parsed.
        """
        texts = [(choice, values.pop(choice.name)) for choice in self._choices]
        return {choice.name: choice.parsed(text) for choice, text in texts if _given(text)}


class Whole(Choose):
    """All settings of a dataclass, of which a command gets an instance."""

    def __init__(self, settings: type) -> None:
        super().__init__(settings)
        self._settings = settings

    def collect(self, values: dict[str, Any]) -> Any:
        """Take the options' values from those of a command; return the instance.

        Raises
        ------
        OptionError
            A value is not possible.
        """
        return self._settings(**super().collect(values))


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command whose groups are options, as Typer needs them."""
    parameters: list[inspect.Parameter] = []
    groups: dict[str, Choose] = {}
    for parameter in inspect.signature(command).parameters.values():
        if group := _group(parameter.annotation):
            groups[parameter.name] = group
            parameters += group.parameters()
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))

    def wrapper(**values: Any) -> None:
        taken = {name: group.collect(values) for name, group in groups.items()}
        command(**values, **taken)

    functools.update_wrapper(wrapper, command)
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {each.name: each.annotation for each in parameters}
    return wrapper


@dataclass(frozen=True)
class _Choice:
    """A setting as an option of a command."""

    name: str
    setting: Setting
    kind: Any
    default: Any

    @property
    def parameter(self) -> inspect.Parameter:
        """What Typer reads; None stands for an option that is not given, False for a flag."""
        one = self.setting
        flag = self.kind is bool
        option = typer.Option(
            *(one.flags or ([f"--{self.name.replace('_', '-')}"] if flag else [])),
            metavar=one.metavar or self._choices,
            help=with_default(one.help, one.shown or self._shown, one.variable),
            show_default=False,
            envvar=one.variable,
            show_envvar=False,  # the help tells it
            autocompletion=one.suggested and offering(one.suggested),
            rich_help_panel=one.panel,
        )
        return inspect.Parameter(
            self.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=False if flag else None,
            annotation=Annotated[bool if flag else self._written | None, option],
        )

    @property
    def _written(self) -> Any:
        """The type of what is written on the command line."""
        if self.setting.parse:
            return list[str] if self.setting.repeated else str
        if get_origin(self.kind) is tuple:
            return list[get_args(self.kind)[0]]  # type: ignore[misc]
        others = [kind for kind in get_args(self.kind) if kind is not NoneType]
        return others[0] if NoneType in get_args(self.kind) else self.kind

    @property
    def _choices(self) -> str | None:
        kind = self._written
        return "|".join(get_args(kind)) if get_origin(kind) is Literal else None

    @property
    def _shown(self) -> str:
        """The default in words; none where there is nothing to be said of it."""
        if isinstance(self.default, bool) or self.default in (None, (), {}):
            return ""
        if isinstance(self.default, tuple):
            return " ".join(map(str, self.default))
        return f"{self.default:g}" if isinstance(self.default, float) else str(self.default)

    def parsed(self, text: Any) -> Any:
        """Return the value that was written."""
        if self.setting.parse:
            with about(self.name):
                return self.setting.parse(text)
        return tuple(text) if isinstance(text, list) else text


def with_default(text: str, default: str, variable: str | None = None) -> str:
    """Return an option's help with its default, if there is one, as a sentence."""
    if variable:
        return f"{text} Default: ${variable}, else {default or 'none'}."
    return f"{text} Default: {default}." if default else text


def offering(values: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """Return what tells a shell which values begin as what is typed; files, where none does."""

    def complete(incomplete: str) -> list[str]:
        return [value for value in values() if value.startswith(incomplete)]

    return complete


def offering_several(values: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """Return the same for values between commas: what may be the last of them, after the others."""

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        return [f"{before}{comma}{value}" for value in values() if value.startswith(last)]

    return complete


def _given(text: Any) -> bool:
    """Tell whether an option was given, by what Typer makes of it."""
    return text is not None and text is not False and text != []


def _group(annotation: Any) -> Choose | None:
    """Return the group that a parameter's annotation stands for, if it is one."""
    if get_origin(annotation) is Annotated:
        return next((one for one in get_args(annotation) if isinstance(one, Choose)), None)
    return Whole(annotation) if is_dataclass(annotation) and isinstance(annotation, type) else None


def _rank(choice: _Choice) -> int:
    panel = choice.setting.panel
    return PANELS.index(panel) if panel in PANELS else len(PANELS)
