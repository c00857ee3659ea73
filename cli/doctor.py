"""``stylize doctor``: what works here, what does not and why, and what would be faster."""

from typing import TYPE_CHECKING, Annotated

import typer

from stylize.models.errors import ProviderError
from stylize.runtime.providers.table import PROVIDERS, Precision

if TYPE_CHECKING:
    from rich.table import Table

    from stylize.runtime.checks.survey import Verdict

NARROW = 80
"""Columns of output that goes to a file."""


def doctor(
    provider: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Try this one, also if it is untested, and fail if it does not work.",
            show_default="all that stylize is tested with",
        ),
    ] = None,
    precision: Annotated[
        Precision | None,
        typer.Option(help="Try only this one.", show_default="each that a provider has"),
    ] = None,
) -> None:
    """Tell which providers work here, why others do not, and what would be faster.

    Each is really tried, on two steps of a tiny picture.
    """
    from rich.console import Console

    from stylize.runtime.checks.survey import advice, examine, facts, fastest

    names = _chosen(provider, precision)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = NARROW
    console.print(_facts_table(list(facts())))
    verdicts = [examine(name, precision, patient=name == provider) for name in names]
    console.print()
    console.print(_providers_table(verdicts))
    best = fastest(verdicts)
    if best and not provider and not precision:
        console.print(f"\nWithout --provider, stylize computes on {best[0]} in {best[1]}.")
    faulty = [] if provider else [found for found in verdicts if found.present and found.fault]
    lines = [f"{found.name}: {found.fault}" for found in faulty]
    if not all(found.present for found in verdicts):
        lines.append(
            "no: not in the installed wheel of ONNX Runtime; 'stylize doctor --provider NAME' "
            "tells how to get it."
        )
    for line in (*lines, *(() if provider else advice())):
        # Whole, since a command that is to be copied must not be broken into lines.
        console.print(f"\n{line}", markup=False, soft_wrap=True)
    _check(provider, precision, verdicts)


def _chosen(provider: str | None, precision: Precision | None) -> list[str]:
    """Return the providers to look at.

    Raises
    ------
    OptionError
        There is none of that name or precision.
    """
    from stylize.runtime.providers.table import configure

    if provider:
        return [configure(provider, precision).name]
    return [name for name, known in PROVIDERS.items() if not precision or precision in known.modes]


def _facts_table(facts: list[tuple[str, str]]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for what, found in facts:
        table.add_row(Text(what, "bold"), Text(found))
    return table


def _providers_table(verdicts: "list[Verdict]") -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table("provider", "in ONNX Runtime", "works in", "of", box=None, padding=(0, 2, 0, 0))
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
        return ", ".join(found.works_in)
    if not found.present:
        return "-"
    return "none" if found.tried else "not tried (untested)"


def _check(provider: str | None, precision: Precision | None, verdicts: "list[Verdict]") -> None:
    """Fail where what was asked for does not work, or nothing does."""
    working = [found for found in verdicts if found.works_in]
    if working:
        return
    if provider:
        raise ProviderError(verdicts[0].fault or f"The provider {provider} does not work.")
    raise ProviderError(f"No provider works{f' in {precision}' if precision else ''} here.")
