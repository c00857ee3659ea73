"""The options that a page offers, out of the settings' own fields, and what is given of them.

A setting stands once, in the runtime. Here stands only which of them are offered, how a page calls
and groups them, and bounds where the setting itself has none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args, get_origin

from stylize.models.errors import OptionError
from stylize.models.settings import Setting, settings_of
from stylize.runtime.method.options import MAX_WEIGHT, STARTS, Options
from stylize.runtime.pictures.file_options import FileOptions
from stylize.runtime.plans.preset import PRESETS, find_preset
from stylize.studio.shapes import Field, Group, Kind, Scalar

PRESET = "preset"
USUAL = "stylize"
"""The preset whose settings are the defaults."""

LONGEST = 200
"""Characters of a value."""
MOST_ITERATIONS = 10_000


@dataclass(frozen=True)
class Offer:
    """A setting that is offered.

    Attributes
    ----------
    name : str
        Of the field.
    label : str
        What a page calls it.
    group : str
        Where a page shows it.
    kind : str or None
        What is written, if that does not follow from the field's type.
    least, most : float or None
        Bounds, where the field has none or wider ones.
    log : bool
        Whether a slider multiplies.
    choices : tuple of str
        What may be chosen, if the field would take more: a file, for example.
    words : str
        Its help, where that of the setting speaks of what is not offered here.
    """

    name: str
    label: str
    group: Group
    kind: Kind | None = None
    least: float | None = None
    most: float | None = None
    log: bool = False
    choices: tuple[str, ...] = ()
    words: str = ""

    @property
    def owner(self) -> Any:
        """The dataclass that has the setting."""
        return Options if self.name in settings_of(Options) else FileOptions

    @property
    def help(self) -> str:
        """What it is, in sentences."""
        return self.words or self.setting.help

    @property
    def setting(self) -> Setting:
        """The setting itself."""
        return settings_of(self.owner)[self.name][0]

    @property
    def type(self) -> Any:
        """The type of its field."""
        return settings_of(self.owner)[self.name][1]


OFFERS = (
    Offer("size", "Size", "picture", "integer", log=True),
    Offer("strength", "Strength", "look"),
    Offer("painting_size", "Stroke size", "look", log=True),
    Offer("colors", "Colours", "look"),
    Offer("init", "Begin with", "look", choices=STARTS, words="What to start from."),
    Offer("crop_painting", "Crop the painting", "look", "text"),
    Offer("iterations", "Iterations", "picture", most=MOST_ITERATIONS, log=True),
    Offer("style_weight", "Style weight", "more", least=1e-3, most=1e8, log=True),
    Offer("tv_weight", "Smoothness", "more", most=100),
    Offer("style_statistics", "Statistics", "more"),
    Offer("losses", "Losses", "more"),
    Offer("scales", "Scales", "more", "text"),
    Offer("until", "Stop when settled", "more"),
    Offer("optimizer", "Optimiser", "more"),
    Offer("margin", "Margin", "more"),
    Offer("average", "Average", "more"),
    Offer("seed", "Seed", "more", most=2**31 - 1),
    Offer("side", "Side", "more", words="Which side the sizes measure."),
    Offer("keep_metadata", "Keep of the photo", "more"),
)
"""All that is offered, beside presets, in the order of a page."""


@dataclass(frozen=True)
class Wish:
    """The options of a picture, as they were asked for.

    Attributes
    ----------
    given : mapping of str to scalar
        What was given, by the names of fields.
    options : Options
        All settings of the picture.
    """

    given: Mapping[str, Scalar]
    options: Options


class Menu:
    """The options that are offered, within the bounds of this studio.

    Parameters
    ----------
    largest : int
        Pixels that a side of a picture may have.
    """

    def __init__(self, largest: int) -> None:
        sizes = ("size", "painting_size")
        offers = (replace(each, most=largest) if each.name in sizes else each for each in OFFERS)
        self._offers = {each.name: each for each in offers}
        self._largest = largest

    def fields(self) -> list[Field]:
        """Return the options as a page shows them."""
        preset = Field(
            name=PRESET,
            label="Preset",
            help="Settings by the name of their source. What is given beside it wins.",
            kind="choice",
            minimum=None,
            maximum=None,
            scale="linear",
            default=USUAL,
            choices=list(PRESETS),
            group="more",
        )
        return [*map(_field, self._offers.values()), preset]

    def wish(self, values: Mapping[str, Scalar | None]) -> Wish:
        """Return what a picture is to be, by values that are texts or what they mean.

        An empty text stands for an option that is not given.

        Raises
        ------
        OptionError
            There is no such option, or a value is not possible.
        """
        texts = {name: _text(value).strip() for name, value in values.items() if value is not None}
        texts = {name: text for name, text in texts.items() if text}
        preset = texts.pop(PRESET, None)
        base = find_preset(preset or USUAL).options
        read = {name: self._read(name, text) for name, text in texts.items()}
        parsed = {name: value for name, (value, _) in read.items()}
        options = replace(base, **_of(Options, parsed))
        FileOptions(**_of(FileOptions, parsed))
        self._check_scales(options)
        given: dict[str, Scalar] = {PRESET: preset} if preset else {}
        return Wish({**given, **{name: shown for name, (_, shown) in read.items()}}, options)

    def _read(self, name: str, text: str) -> tuple[Any, Scalar]:
        """Return what a text means, and how it is written down."""
        if name not in self._offers:
            raise OptionError(
                f"There is no option '{name[:50]}' here. There are "
                f"{', '.join([*self._offers, PRESET])}."
            )
        offer = self._offers[name]
        if len(text) > LONGEST:
            raise OptionError(f"The {offer.setting.called or name} is too long; write less.")
        value = offer.setting.parse(text) if offer.setting.parse else _parsed(offer, text)
        self._check(offer, value)
        return value, value if isinstance(value, Scalar) and _kind(offer) != "text" else text

    def _check(self, offer: Offer, value: Any) -> None:
        called = offer.setting.called or offer.name.replace("_", " ")
        if offer.choices and value not in offer.choices:
            raise OptionError(
                f"The {called} is '{value}'; it must be one of {', '.join(offer.choices)}."
            )
        least, most = _bounds(offer)
        for number in value if isinstance(value, tuple) else (value,):
            if not isinstance(number, int | float):
                continue
            if least is not None and number < least:
                raise OptionError(f"The {called} is {number:g}; here it is {least:g} or more.")
            if most is not None and number > most:
                raise OptionError(f"The {called} is {number:g}; here it is {most:g} or less.")

    def _check_scales(self, options: Options) -> None:
        sizes = options.scales if isinstance(options.scales, tuple) else ()
        if sizes and max(sizes) > self._largest:
            raise OptionError(
                f"A scale has {max(sizes)} pixels; here it is {self._largest} or less."
            )


def arguments(given: Mapping[str, Scalar]) -> list[str]:
    """Return the options of the command line that say what was given."""
    flags = {each.name: each.setting.flags[0] for each in OFFERS if each.setting.flags}
    return [f"{flags.get(name) or _flag(name)}={_text(value)}" for name, value in given.items()]


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _field(offer: Offer) -> Field:
    least, most = _bounds(offer) if _kind(offer) in ("number", "integer") else (None, None)
    choices = offer.choices or (get_args(offer.type) if _kind(offer) == "choice" else ())
    default = getattr(offer.owner(), offer.name)
    return Field(
        name=offer.name,
        label=offer.label,
        help=offer.help,
        kind=_kind(offer),
        minimum=least,
        maximum=most,
        scale="log" if offer.log else "linear",
        default=str(default) if _kind(offer) == "text" else default,
        choices=list(choices) or None,
        group=offer.group,
    )


def _kind(offer: Offer) -> Kind:
    """Return what is written for an option."""
    if offer.kind:
        return offer.kind
    if offer.choices or get_origin(offer.type) is Literal:
        return "choice"
    kinds = get_args(offer.type) or (offer.type,)
    known: dict[Any, Kind] = {bool: "switch", int: "integer", float: "number"}
    return known.get(kinds[0], "text")


def _bounds(offer: Offer) -> tuple[float | None, float | None]:
    """Return the least and the most of a number, of the field or of the offer."""
    one = offer.setting
    unbounded = one.most is None or one.most == MAX_WEIGHT
    most = offer.most if offer.most is not None else (None if unbounded else one.most)
    return (offer.least if offer.least is not None else one.least), most


def _parsed(offer: Offer, text: str) -> Any:
    """Return a text as what the field's type says."""
    kind = _kind(offer)
    called = offer.setting.called or offer.name.replace("_", " ")
    try:
        if kind == "integer":
            return int(text)
        if kind == "number":
            return float(text)
    except ValueError:
        wanted = "a whole number" if kind == "integer" else "a number"
        raise OptionError(f"The {called} is '{text}'; it must be {wanted}.") from None
    if kind == "switch":
        if text not in ("true", "false"):
            raise OptionError(f"The {called} is '{text}'; it must be true or false.")
        return text == "true"
    return text


def _of(settings: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in settings_of(settings)}


def _text(value: Scalar) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else f"{value!r}"
