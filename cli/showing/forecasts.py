"""What ``stylize plan`` found, as a table and as sentences."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from stylize.models.amounts import amount, counted
from stylize.runtime.method.options import Options

if TYPE_CHECKING:
    from rich.table import Table

    from stylize.runtime.checks.forecast import Forecast, Scale

    Size = tuple[int, int]

MINUTE, HOUR, DAY = 60, 3600, 86400

OPTIMIZERS = {"lbfgs": "L-BFGS", "adam": "Adam"}

NOTHING = "-"
"""Stands where there is nothing to tell."""


def forecasts_table(usable: "list[Forecast]") -> "Table":
    """Return what providers that compute would take as a table, a column for each."""
    from rich.table import Table
    from rich.text import Text

    table = Table("provider", *(each.provider for each in usable), box=None, padding=(0, 2, 0, 0))
    for name, tell in ROWS.items():
        table.add_row(name, *(Text(tell(each)) for each in usable))
    return table


def _of_plan(tell: "Callable[[Forecast], str]") -> "Callable[[Forecast], str]":
    """Return the same for forecasts that may be without a plan."""
    return lambda each: tell(each) if each.scales else NOTHING


def _fits(found: "Forecast") -> str:
    return "no" if found.too_large else "yes"


def _largest(found: "Forecast") -> str:
    if found.largest:
        return size_name(found.largest)
    return "unknown" if found.limit is None else "none"


def _computed(found: "Forecast") -> str:
    assert found.plan
    if found.plan.tile is None:
        return "whole"
    rows, columns = found.plan.tile
    shared = f" on {counted(found.plan.workers, 'worker')}" if found.plan.workers else ""
    return f"tiles {columns}x{rows}{shared}"


def _optimizer(found: "Forecast") -> str:
    assert found.plan
    name = OPTIMIZERS[found.plan.optimizer]
    return f"{name}, last {found.plan.history}" if found.plan.optimizer == "lbfgs" else name


ROWS: "dict[str, Callable[[Forecast], str]]" = {
    "precision": lambda each: each.precision,
    "fits": _fits,
    "computed": _of_plan(_computed),
    "optimizer": _of_plan(_optimizer),
    "memory": _of_plan(lambda each: amount(each.memory)),
    "disk": _of_plan(lambda each: amount(each.disk) if each.disk else "nothing"),
    "a step": _of_plan(lambda each: seconds_name(each.seconds_a_step[-1])),
    "the run": _of_plan(lambda each: seconds_name(each.seconds)),
    "largest": _largest,
}
"""The rows of the table, and what each tells of a forecast."""


def remarks(found: "list[Forecast]", options: Options) -> Iterator[str]:
    """Yield what the table leaves open: scales, what is given up and why, what would fit.

    What is the same for several providers is told once.
    """
    usable = [each for each in found if not each.fault]
    causes: dict[str, list[str]] = {}
    if scales := next((each.scales for each in usable if each.scales), ()):
        yield _of_scales(scales)
    yield from dict.fromkeys(reason for each in usable for reason in _reasons(each, options))
    for each in found:
        if each.too_large:
            causes.setdefault(f"{each.too_large} {_fitting(each)}", []).append(each.provider)
        elif each.fault:
            causes.setdefault(each.fault, []).append(each.provider)
    for cause, names in causes.items():
        yield f"{', '.join(names)}: {cause}"


def _of_scales(scales: "tuple[Scale, ...]") -> str:
    steps = ", ".join(f"{each.iterations} at {size_name(each.size)}" for each in scales)
    return f"The run has {sum(each.iterations for each in scales)} steps: {steps}."


def _reasons(found: "Forecast", options: Options) -> Iterator[str]:
    """Yield what is done for lack of memory."""
    if not (plan := found.plan):
        return
    if plan.tile:
        yield "In tiles the picture is the same, but for rounding, and takes less memory."
    if plan.workers:
        yield (
            "Memory and disk are those of each worker. Seconds are those of workers like this "
            "machine; what they tell each other is not part of the estimate."
        )
    if plan.optimizer != options.optimizer:
        yield "Adam takes the place of L-BFGS, for whose history there is not enough memory."
    elif plan.optimizer == "lbfgs" and plan.history < min(options.history, options.iterations):
        yield f"L-BFGS remembers {plan.history} steps, since more do not fit into memory."
    if plan.on_disk:
        what = ", ".join(plan.on_disk)
        yield f"In the scratch folder: {what}. Waiting for the disk is not part of the estimate."


def _fitting(found: "Forecast") -> str:
    if found.largest:
        return f"{size_name(found.largest)} would fit."
    return "No size would fit: try --model compact, or fewer layers."


def size_name(size: "Size") -> str:
    """Return ``640x480``."""
    return f"{size[0]}x{size[1]}"


def seconds_name(seconds: float) -> str:
    """Return a time in a unit that suits it: ``38 s``, ``2.3 h``."""
    for unit, name in ((DAY, "days"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.1f} {name}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
