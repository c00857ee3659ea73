"""What ``stylize compare`` finds out: each provider, in each precision, beside the reference."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from stylize.models.catalog import find_model
from stylize.models.errors import ModelError, OptionError, ProviderError
from stylize.models.folder import open_folder
from stylize.runtime.checks.comparison import (
    Comparison,
    Measurement,
    Task,
    Tolerance,
    compare,
    measure,
    reference_provider,
    tolerance_of,
)
from stylize.runtime.checks.specimens import drawn_painting, drawn_photo
from stylize.runtime.engine.choice import find_provider, in_software, is_present
from stylize.runtime.pictures.reading import load_image
from stylize.runtime.providers.table import PROVIDERS, Precision, Provider, configure

Word = Literal["ok", "too far", "failed", "unusable"]
"""What came of a provider."""

Candidate = tuple[str, Precision]
"""A provider's name and a precision that it has."""


@dataclass(frozen=True)
class Outcome:
    """What was found out about a provider in one precision.

    Attributes
    ----------
    mode : tuple of str
        The provider's name and the precision.
    found : tuple of Measurement, Comparison, and Tolerance or None, optional
        What it computed, how far that is from the reference, and the tolerance if that is too far.
    fault : str or None
        Why it computed nothing.
    installed_only : bool
        Whether it does not work here at all, as nobody asked that it should.
    """

    mode: Candidate
    found: "tuple[Measurement, Comparison, Tolerance | None] | None" = None
    fault: str | None = None
    installed_only: bool = False

    @property
    def name(self) -> str:
        """The mode as --providers takes it."""
        return ":".join(self.mode)

    @property
    def verdict(self) -> Word:
        """The outcome in a word."""
        if self.found:
            return "too far" if self.found[-1] else "ok"
        return "unusable" if self.installed_only else "failed"


def make_task(model: str | None, photo: Path | None, painting: Path | None, **given: Any) -> Task:
    """Return what is to be computed: of the pictures given, or else of drawn ones.

    Parameters
    ----------
    model : str or None
        Name or folder of the model; None stands for the one that is found first.
    photo, painting : Path or None
        Files of pictures.
    given : object
        Other attributes of `Task`.
    """
    return Task(
        open_folder(find_model(model)),
        load_image(photo) if photo else drawn_photo(),
        load_image(painting) if painting else drawn_painting(),
        **given,
    )


def parse_modes(text: str) -> list[Candidate]:
    """Return what --providers says.

    Raises
    ------
    OptionError
        There is no such provider, or it has no such precision.
    """
    modes: list[Candidate] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, colon, given = part.partition(":")
        usual = configure(name)
        if not colon:
            modes += [(usual.name, precision) for precision in PROVIDERS[name].modes]
            continue
        precision = next((known for known in get_args(Precision) if known == given), None)
        if precision is None:
            known = ", ".join(get_args(Precision))
            raise OptionError(f"There is no precision '{given}'. Choose one of {known}.")
        modes.append((name, configure(name, precision).precision))
    if not modes:
        raise OptionError("--providers names none. Write for example --providers cpu,openvino.")
    return list(dict.fromkeys(modes))


def installed_modes() -> list[Candidate]:
    """Return what is installed and stylize is tested with, but for drivers in software."""
    return [
        (name, precision)
        for name, known in PROVIDERS.items()
        if known.tested and is_present(configure(name)) and not in_software(configure(name))
        for precision in known.modes
    ]


def find_modes(
    modes: list[Candidate], named: bool, threads: int | None = None
) -> Iterator[Provider | Outcome]:
    """Yield each provider, or why it cannot be had.

    Raises
    ------
    ProviderError
        One that was named cannot be had.
    """
    for mode in modes:
        try:
            yield find_provider(*mode, threads=threads)
        except ProviderError as error:
            if named:
                raise
            yield Outcome(mode, fault=str(error), installed_only=True)


def measure_reference(task: Task, threads: int | None = None) -> Measurement:
    """Let the CPU compute a task in float32, on the plain form of the graphs."""
    return measure(task, reference_provider(threads))


def try_mode(
    task: Task, found: Provider | Outcome, reference: Measurement, say: Callable[[str], None]
) -> Outcome:
    """Let a provider compute a task, after saying so; return how far it is from the reference."""
    if isinstance(found, Outcome):
        return found
    mode = found.name, found.precision
    say(f"Measuring {':'.join(mode)}")
    try:
        measurement = measure(task, found)
    except (ProviderError, ModelError) as error:  # a model may lack the form for a precision
        return Outcome(mode, fault=str(error))
    comparison = compare(measurement, reference)
    tolerance = tolerance_of(found, task.folder.manifest.pooling)
    return Outcome(
        mode, (measurement, comparison, None if comparison.within(tolerance) else tolerance)
    )
