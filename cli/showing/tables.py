"""What ``stylize doctor`` and ``stylize compare`` found, in tables that fit a narrow terminal."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from stylize.cli.terminal import answering, escaped
from stylize.runtime.providers.table import PROVIDERS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from stylize.runtime.checks.outcome import Outcome
    from stylize.runtime.checks.survey import Verdict

NARROW = 80
"""Columns of output that goes to a file."""


def print_table(table: "Table") -> None:
    """Print a table."""
    with answering():
        _console().print(table)


def print_whole(text: str) -> None:
    """Print a paragraph unbroken: a command that is to be copied may be in it."""
    with answering():
        _console().print(f"\n{escaped(text)}", markup=False, soft_wrap=True)


def _console() -> "Console":
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = NARROW
    return console


def facts_table(facts: list[tuple[str, str]]) -> "Table":
    """Return what is known of software and machine as a table."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for what, found in facts:
        table.add_row(Text(what, "bold"), Text(escaped(found)))
    return table


def providers_table(verdicts: "list[Verdict]") -> "Table":
    """Return what was found out of each provider as a table."""
    from rich.table import Table
    from rich.text import Text

    table = Table("provider", "installed", "works in", "of", box=None, padding=(0, 2, 0, 0))
    for found in verdicts:
        table.add_row(
            found.name,
            "yes" if found.present else "no",
            Text(_works(found), "green" if found.works_in else ""),
            ", ".join(PROVIDERS[found.name].modes),
        )
    return table


def _works(found: "Verdict") -> str:
    if found.works_in:
        return ", ".join(_timed(mode, found.seconds.get(mode)) for mode in found.works_in)
    if not found.present:
        return "-"
    return "none" if found.tried else "not tried (untested)"


def _timed(mode: str, seconds: float | None) -> str:
    return mode if seconds is None else f"{mode} ({1000 * seconds:.3g} ms)"


def outcomes_table(outcomes: Iterable["Outcome"]) -> "Table":
    """Return what each provider computed as a table."""
    from rich.table import Table
    from rich.text import Text

    table = Table("provider", "precision", box=None, padding=(0, 2, 0, 0))
    for column in ("losses", "gradient", "final loss", "ms/step", "memory"):
        table.add_column(column, justify="right")
    table.add_column("verdict")
    for outcome in outcomes:
        style = {"ok": "green", "unusable": ""}.get(outcome.verdict, "red")
        table.add_row(*outcome.mode, *_numbers(outcome), Text(outcome.verdict, style))
    return table


def _numbers(outcome: "Outcome") -> list[str]:
    if not outcome.found:
        return ["-"] * 5
    measurement, apart, _ = outcome.found
    memory = measurement.memory
    return [
        *(f"{number:.1e}" for number in (apart.losses, apart.gradient, apart.final)),
        f"{1000 * measurement.seconds:.1f}",
        "unknown" if memory is None else f"{memory / 1e6:.0f} MB",
    ]


def explain(outcomes: Iterable["Outcome"]) -> None:
    """Print why some computed nothing, and what is expected of those that are too far away."""
    faults: dict[str, list[str]] = {}  # a missing library is missing in every precision
    for outcome in outcomes:
        if outcome.fault:
            faults.setdefault(outcome.fault, []).append(outcome.name)
        elif outcome.found and (most := outcome.found[-1]):
            limits = f"{most.losses:g}, {most.gradient:g} and {most.final:g}"
            faults[f"expected at most {limits}. {most.reason}"] = [outcome.name]
    for fault, names in faults.items():
        print_whole(f"{', '.join(names)}: {fault}")
