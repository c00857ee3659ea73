"""Settings: what can be chosen, each declared once, as a field of a frozen dataclass.

A field carries its type, default, range, name and help. The command line makes its options of the
fields (`stylize.cli.options.grouping`), and the dataclass checks its values by them (`check`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, get_type_hints

from stylize.models.errors import OptionError, about
from stylize.models.values import KindError, brought_to, in_words

KEY = "setting"
"""Key of a field's metadata."""


@dataclass(frozen=True)
class Setting:
    """What a field is on the command line, and which values it may have.

    Attributes
    ----------
    help : str
        Full sentences for the help page.
    panel : str or None
        Heading of its group on the help page.
    flags : tuple of str
        Names on the command line, if other than the field's own.
    metavar : str or None
        What stands for a value on the help page.
    shown : str or None
        What the help page says of the default, if its value does not tell.
    called : str or None
        Name in messages, if other than the field's own.
    least, most, above : float or None
        Bounds of a number; `above` is itself outside. Each element of a tuple is checked.
    unit : str
        Unit of the bounds, for messages.
    parse : function of str or of list of str, optional
        Makes the value of what is written on the command line; raises OptionError.
    repeated : bool
        Whether the option may be given several times; `parse` then takes a list.
    offered : bool
        Whether the command line has it at all.
    variable : str or None
        The variable of the environment that stands for the option where that is not given. It
        counts on the command line only.
    suggested : function, optional
        Returns values that a shell may offer; it is called when a shell asks.
    """

    help: str
    panel: str | None = None
    flags: tuple[str, ...] = ()
    metavar: str | None = None
    shown: str | None = None
    called: str | None = None
    least: float | None = None
    most: float | None = None
    above: float | None = None
    unit: str = ""
    parse: Callable[[Any], Any] | None = None
    repeated: bool = False
    offered: bool = True
    variable: str | None = None
    suggested: Callable[[], Iterable[str]] | None = None

    @property
    def range(self) -> str:
        """The bounds in words; nothing where there are none."""
        if self.least is not None and self.most is not None:
            return f"from {self.least:g} to {self.most:g}{self.unit}"
        bounds = (
            ("more than {:g}{}", self.above),
            ("{:g}{} or more", self.least),
            ("{:g}{} or less", self.most),
        )
        return " and ".join(
            words.format(bound, self.unit) for words, bound in bounds if bound is not None
        )

    def admits(self, number: float) -> bool:
        """Tell whether a number is within the bounds."""
        return (
            (self.least is None or number >= self.least)
            and (self.most is None or number <= self.most)
            and (self.above is None or number > self.above)
        )


def setting(default: Any, text: str, **more: Any) -> Any:
    """Return a dataclass's field that is a setting.

    Parameters
    ----------
    default : object
        The default, or for a mutable one a function that makes it.
    text : str
        Its help: full sentences.
    more : object
        The other attributes of `Setting`.
    """
    metadata = {KEY: Setting(text, **more)}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


@cache
def settings_of(options: type[Any]) -> dict[str, tuple[Setting, Any]]:
    """Return the settings of a dataclass and their types, by the fields' names."""
    types = get_type_hints(options)
    return {
        each.name: (each.metadata[KEY], types[each.name])
        for each in fields(options)
        if KEY in each.metadata
    }


def check(options: Any) -> None:
    """Check every setting of a frozen dataclass's instance, and bring it to the field's type.

    Raises
    ------
    OptionError
        A value is not of its type, or beyond its bounds.
    """
    for name, (known, kind) in settings_of(options.__class__).items():
        object.__setattr__(options, name, _checked(name, known, kind, getattr(options, name)))


def _checked(name: str, known: Setting, kind: Any, given: Any) -> Any:
    """Return a value brought to its setting's type; the error tells which setting it is about."""
    called = known.called or name.replace("_", " ")
    shown = "x".join(map(str, given)) if isinstance(given, tuple | list) else given
    with about(name):
        try:
            value = brought_to(kind, given)
        except KindError:
            require(False, called, shown, f"{in_words(kind)}{known.range and ', '}{known.range}")
        if known.range and value is not None:
            several = value if isinstance(value, tuple) else (value,)
            require(all(map(known.admits, several)), called, shown, known.range)
    return value


def require(condition: bool, called: str, value: object, wanted: str) -> None:
    """Raise OptionError, which tells what was wrong and what is wanted, unless all is well."""
    if not condition:
        raise OptionError(f"The {called} is {value}; it must be {wanted}.")
