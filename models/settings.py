"""Settings: what can be chosen, each declared once, as a field of a frozen dataclass.

A field carries its type, default, range, name and help. The command line makes its options of the
fields (`stylize.cli.options.grouping`), and the dataclass checks its values by them (`check`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cache
from numbers import Real
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from stylize.models.errors import OptionError

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

    def admits(self, number: object) -> bool:
        """Tell whether something is a number within the bounds; NaN is not."""
        if not isinstance(number, Real) or isinstance(number, bool):
            return False
        value = float(number)
        return (
            (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.above is None or value > self.above)
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
    """Check every setting of a dataclass's instance that has bounds or choices.

    Raises
    ------
    OptionError
        Something is no number within its bounds, or none of its choices. None is one only where
        the field's type says so.
    """
    for name, (known, kind) in settings_of(options.__class__).items():
        value = getattr(options, name)
        if value is None and NoneType in get_args(kind):
            continue
        called = known.called or name.replace("_", " ")
        if choices := choices_of(kind):
            require(value in choices, called, value, " or ".join(choices))
        elif known.range:
            several = value if isinstance(value, tuple | list) else (value,)
            shown = "x".join(map(str, several))
            require(bool(several) and all(map(known.admits, several)), called, shown, known.range)


def require(condition: bool, called: str, value: object, wanted: str) -> None:
    """Raise OptionError, which tells what was wrong and what is wanted, unless all is well."""
    if not condition:
        raise OptionError(f"The {called} is {value}; it must be {wanted}.")


def choices_of(kind: Any) -> tuple[str, ...]:
    """Return the texts that a Literal, or one that may be None, allows; none for other types."""
    literals = (one for one in (kind, *get_args(kind)) if get_origin(one) is Literal)
    return get_args(next(literals, None)) if get_origin(kind) is not tuple else ()
