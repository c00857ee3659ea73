"""``stylize doctor``: what works here, what does not and why, and what would be faster."""

from typing import TYPE_CHECKING, Annotated, get_args

import typer

from stylize.cli.options.arguments import Json
from stylize.cli.options.grouping import offering
from stylize.cli.showing.tables import facts_table, print_table, print_whole, providers_table
from stylize.cli.terminal import answer
from stylize.models.errors import ProviderError
from stylize.runtime.providers.table import PROVIDERS, Precision

if TYPE_CHECKING:
    from stylize.runtime.checks.survey import Verdict


def doctor(
    provider: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Try this one, also if it is untested, and fail if it does not work. Default: "
            "all that stylize is tested with.",
            show_default=False,
            autocompletion=offering(lambda: PROVIDERS),
        ),
    ] = None,
    precision: Annotated[
        Precision | None,
        typer.Option(
            metavar="NAME",
            help=f"Try only this one: {', '.join(get_args(Precision))}. "
            "Default: each that a provider has.",
        ),
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Tell which providers work here, why others do not, and what would be faster.

    Each is really tried: it runs graphs of the embedded model twice. Times are
    those of one gradient of that model, at 256x192.
    """
    from stylize.runtime.checks.survey import examine, facts

    names = _chosen(provider, precision)
    whole = not provider and not precision
    if not json:
        print_table(facts_table(list(facts())))
    verdicts = [examine(name, precision, patient=name == provider) for name in names]
    if json:
        _report(verdicts, whole, advised=not provider)
    else:
        _tell(verdicts, whole, advised=not provider)
    _check(provider, precision, verdicts)


def _report(verdicts: "list[Verdict]", whole: bool, advised: bool) -> None:
    """Print all that was found, for programs."""
    from stylize.cli.showing.reporting import report_doctor
    from stylize.runtime.checks.survey import advice, facts, fastest

    best = fastest(verdicts) if whole else None
    report_doctor(facts(), verdicts, best, advice() if advised else ())


def _tell(verdicts: "list[Verdict]", whole: bool, advised: bool) -> None:
    """Print what was found out about providers, and what would be better."""
    from stylize.runtime.checks.survey import advice

    answer("")
    print_table(providers_table(verdicts))
    if whole:
        _name_fastest(verdicts)
    _explain(verdicts, faults=advised)
    if advised:
        for line in advice():
            print_whole(line)


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


def _name_fastest(verdicts: "list[Verdict]") -> None:
    from stylize.runtime.checks.survey import fastest

    if best := fastest(verdicts):
        print_whole(f"Where none is named, stylize computes on {best[0]} in {best[1]}.")


def _explain(verdicts: "list[Verdict]", faults: bool) -> None:
    """Print what the table leaves open; no `faults` where an error tells of them."""
    for found in verdicts:
        if faults and found.present and found.fault:
            print_whole(f"{found.name}: {found.fault}")
    if faults and not all(found.present for found in verdicts):
        print_whole("no: 'stylize doctor --provider NAME' tells how to get it.")


def _check(provider: str | None, precision: Precision | None, verdicts: "list[Verdict]") -> None:
    """Fail where what was asked for does not work, or nothing does."""
    working = [found for found in verdicts if found.works_in]
    if working:
        return
    if provider:
        raise ProviderError(verdicts[0].fault or f"The provider {provider} does not work.")
    raise ProviderError(f"No provider works{f' in {precision}' if precision else ''} here.")
