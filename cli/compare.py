"""``stylize compare``: each provider's losses, gradient, time and memory beside the CPU's."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from stylize.cli.parameters import ModelName, Quiet, size_of
from stylize.models.errors import ModelError, OptionError, ProviderError
from stylize.runtime.providers.table import PROVIDERS, Precision, Provider

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from stylize.runtime.checks.comparison import Comparison, Measurement, Task, Tolerance

NARROW = 80
"""Columns of output that goes to a file."""

Mode = tuple[str, Precision]
"""A provider's name and a precision that it has."""


@dataclass(frozen=True)
class Row:
    """What was found out about a provider in one precision.

    Attributes
    ----------
    mode : tuple of str
        Which one.
    found : tuple of Measurement, Comparison, and Tolerance or None, optional
        What it computed, how far that is from the reference, and the tolerance if that is too far.
    fault : str or None
        Why it computed nothing.
    installed_only : bool
        Whether it does not work here at all, as nobody asked that it should.
    """

    mode: Mode
    found: "tuple[Measurement, Comparison, Tolerance | None] | None" = None
    fault: str | None = None
    installed_only: bool = False

    @property
    def name(self) -> str:
        """As --providers takes it."""
        return ":".join(self.mode)

    @property
    def verdict(self) -> str:
        """In a word."""
        if self.found:
            return "too far" if self.found[-1] else "ok"
        return "unusable" if self.installed_only else "failed"


def compare(
    photo: Annotated[
        Path | None, typer.Argument(help="The picture to render.", show_default="drawn")
    ] = None,
    painting: Annotated[
        Path | None, typer.Argument(help="In whose manner.", show_default="drawn")
    ] = None,
    providers: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[:PRECISION],...",
            help=f"These, and fail if one does not work: {', '.join(PROVIDERS)}; without a "
            "precision, in each that it has. For example cpu,openvino:bfloat16.",
            show_default="all that work and that stylize is tested with",
        ),
    ] = None,
    model: ModelName = None,
    size: Annotated[
        str, typer.Option(metavar="PIXELS|WxH", help="Of the picture; pixels of its long side.")
    ] = "256",
    iterations: Annotated[
        int, typer.Option(metavar="N", help="Of the optimisation whose final losses are compared.")
    ] = 20,
    quiet: Quiet = False,
) -> None:
    """Compare providers with the CPU in float32: losses, gradient, time, memory.

    Losses and gradient are those of one image, half-way between the photo and
    noise. The final loss is a short optimisation's, by Adam, from the photo.
    All are relative differences.

    Memory is what a provider adds to the process, or occupies on the GPU. The
    exit code is 1 if one fails, or is further off than its tolerance
    (docs/providers.md).
    """
    from rich.console import Console

    from stylize.runtime.checks.comparison import measure, reference_provider

    if (photo is None) is not (painting is None):
        raise OptionError("There is a photo but no painting. Give both, or neither.")
    modes = _parse(providers) if providers is not None else _installed()
    task = _task(photo, painting, model, size, iterations)
    usable = list(_find(modes, named=providers is not None))
    _say("Measuring the reference, cpu:float32 on plain graphs", quiet)
    reference = measure(task, reference_provider())
    rows = [_measure(task, found, reference, quiet) for found in usable]
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = NARROW
    console.print(_table(rows))
    _explain(console, rows)
    if wrong := [row.name for row in rows if row.verdict in ("too far", "failed")]:
        raise ProviderError(f"Too far off, or failed: {', '.join(wrong)}.")


def _parse(text: str) -> list[Mode]:
    """Return what --providers says.

    Raises
    ------
    OptionError
        There is no such provider, or it has no such precision.
    """
    from stylize.runtime.providers.table import configure

    modes: list[Mode] = []
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


def _installed() -> list[Mode]:
    """Return what the installed ONNX Runtime has and stylize is tested with."""
    from stylize.runtime.engine.choice import is_present
    from stylize.runtime.providers.table import configure

    return [
        (name, precision)
        for name, known in PROVIDERS.items()
        if known.tested and is_present(configure(name))
        for precision in known.modes
    ]


def _task(
    photo: Path | None,
    painting: Path | None,
    model: str | None,
    size: str,
    iterations: int,
) -> "Task":
    from stylize.models.catalog import find_model
    from stylize.models.folder import open_folder
    from stylize.runtime.checks.comparison import Task
    from stylize.runtime.checks.specimens import drawn_painting, drawn_photo
    from stylize.runtime.pictures.reading import load_image

    return Task(
        open_folder(find_model(model)),
        load_image(photo) if photo else drawn_photo(),
        load_image(painting) if painting else drawn_painting(),
        size_of(size) or 0,
        iterations,
    )


def _find(modes: list[Mode], named: bool) -> Iterator[Provider | Row]:
    """Yield each provider, or why it cannot be had.

    Raises
    ------
    ProviderError
        One that was named cannot be had.
    """
    from stylize.runtime.engine.choice import find_provider

    for mode in modes:
        try:
            yield find_provider(*mode)
        except ProviderError as error:
            if named:
                raise
            yield Row(mode, fault=str(error), installed_only=True)


def _measure(task: "Task", found: Provider | Row, reference: "Measurement", quiet: bool) -> Row:
    from stylize.runtime.checks.comparison import compare, measure, tolerance_of

    if isinstance(found, Row):
        return found
    mode = found.name, found.precision
    _say(f"Measuring {':'.join(mode)}", quiet)
    try:
        measurement = measure(task, found)
    except (ProviderError, ModelError) as error:  # a model may lack the form for a precision
        return Row(mode, fault=str(error))
    comparison = compare(measurement, reference)
    tolerance = tolerance_of(found, task.folder.manifest.pooling)
    return Row(mode, (measurement, comparison, None if comparison.within(tolerance) else tolerance))


def _say(what: str, quiet: bool) -> None:
    if not quiet:
        typer.echo(f"{what} ...", err=True)


def _table(rows: list[Row]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table("provider", "precision", box=None, padding=(0, 2, 0, 0))
    for column in ("losses", "gradient", "final loss", "ms/step", "memory"):
        table.add_column(column, justify="right")
    table.add_column("verdict")
    for row in rows:
        style = {"ok": "green", "unusable": ""}.get(row.verdict, "red")
        table.add_row(*row.mode, *_numbers(row), Text(row.verdict, style))
    return table


def _numbers(row: Row) -> list[str]:
    if not row.found:
        return ["-"] * 5
    measurement, apart, _ = row.found
    memory = measurement.memory
    return [
        *(f"{number:.1e}" for number in (apart.losses, apart.gradient, apart.final)),
        f"{1000 * measurement.seconds:.1f}",
        "unknown" if memory is None else f"{memory / 1e6:.0f} MB",
    ]


def _explain(console: "Console", rows: list[Row]) -> None:
    """Print why some computed nothing, and what is expected of those that are too far away."""
    faults: dict[str, list[str]] = {}  # a missing library is missing in every precision
    for row in rows:
        if row.fault:
            faults.setdefault(row.fault, []).append(row.name)
        elif row.found and (most := row.found[-1]):
            limits = f"{most.losses:g}, {most.gradient:g} and {most.final:g}"
            faults[f"expected at most {limits}. {most.reason}"] = [row.name]
    for fault, names in faults.items():
        # Whole, since a command that is to be copied must not be broken into lines.
        console.print(f"\n{', '.join(names)}: {fault}", markup=False, soft_wrap=True)
