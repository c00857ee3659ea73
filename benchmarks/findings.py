"""What was found on a device, and whether it is what stylize wants to reach."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from case import Size
from contestants import Contestant
from measuring import Measured
from report import size_name
from whole_run import WholeRun

from stylize.runtime.providers.table import Precision

EAGER, COMPILED, SHARE, SECONDS = 2.0, 1.1, 0.5, 1.0
"""The goals: times as fast as PyTorch; the share of the matrix rate; the seconds of a picture."""
SHARE_SIZE: Size = (1024, 1024)
"""At which the share counts: smaller images cannot keep a device busy."""

TASKS = ("evaluation", "update", "step")
COLUMNS = (
    *("size", "contestant", "precision", *TASKS),
    *("overhead", "TFLOP/s", "of the matrix rate", "note"),
)


@dataclass(frozen=True)
class Findings:
    """All that was measured.

    Attributes
    ----------
    flop : dict of tuple of int to int
        Multiplications and additions of the step's convolutions, by size.
    checked : dict
        What the check found, by contestant.
    measured : dict
        What was found, by size and contestant.
    matrix : dict of str to float
        Operations a second of a large matrix product, by precision; a precision that failed is
        missing.
    runs : dict
        Whole pictures by contestant; the reason where there is none.
    """

    flop: dict[Size, int]
    checked: dict[Contestant, Measured] = field(default_factory=dict)
    measured: dict[tuple[Size, Contestant], Measured] = field(default_factory=dict)
    matrix: dict[Precision, float] = field(default_factory=dict)
    runs: dict[Contestant, WholeRun | str] = field(default_factory=dict)

    @property
    def sizes(self) -> list[Size]:
        """All sizes, in order."""
        return list(self.flop)

    def rate(self, size: Size, contestant: Contestant) -> float | None:
        """Return the convolutions' operations a second of a step, or of what there is of one."""
        seconds = self.measured[size, contestant].seconds
        return self.flop[size] / seconds.get("step", seconds["evaluation"]) if seconds else None

    def share(self, size: Size, contestant: Contestant) -> float | None:
        """Return that rate over the device's in the same precision."""
        rate, most = self.rate(size, contestant), self.matrix.get(contestant.precision)
        return rate / most if rate and most else None

    def overhead(self, size: Size, contestant: Contestant) -> float | None:
        """Return the seconds that a step takes beyond its convolutions alone."""
        alone = Contestant("convolutions", contestant.provider, contestant.precision)
        floor = self.measured.get((size, alone), Measured()).seconds.get("evaluation")
        step = self.measured[size, contestant].seconds.get("step")
        return step - floor if step and floor else None

    def fastest(
        self, size: Size, precision: Precision, wanted: Callable[[Contestant], bool]
    ) -> float | None:
        """Return the seconds of the fastest evaluation in a precision."""
        times = [
            measured.seconds["evaluation"]
            for (at, found), measured in self.measured.items()
            if (at, found.precision) == (size, precision) and wanted(found) and measured.seconds
        ]
        return min(times, default=None)

    def cells(self) -> list[list[str]]:
        """Return the rows of the table, size by size."""
        return [
            [
                size_name(size),
                str(contestant),
                contestant.precision,
                *(_ms(self.measured[size, contestant].seconds.get(task)) for task in TASKS),
                _ms(self.overhead(size, contestant)),
                _text(self.rate(size, contestant), 1e-12, ".3g"),
                _text(self.share(size, contestant), 100, ".0f", " %"),
                self.measured[size, contestant].failure or "",
            ]
            for size, contestant in self._in_order()
        ]

    def entries(self) -> list[dict[str, Any]]:
        """Return the rows of the JSON file."""
        return [
            {
                "size": size_name(size),
                "contestant": str(contestant),
                "precision": contestant.precision,
                "seconds": self.measured[size, contestant].seconds,
                "overhead_s": self.overhead(size, contestant),
                "flop": self.flop[size],
                "off": vars(off) if (off := self.checked[contestant].off) else None,
                "matrix_share": self.share(size, contestant),
                "failure": self.measured[size, contestant].failure,
            }
            for size, contestant in self._in_order()
        ]

    def lines(self) -> Iterator[str]:
        """Yield what does not fit into the table."""
        for contestant, check in self.checked.items():
            if off := check.off:
                agrees = f"the loss is off by {off.loss:.1e}, the gradient by {off.gradient:.1e}"
                yield f"{contestant}, {contestant.precision}: {agrees}"
        for precision, rate in self.matrix.items():
            yield f"matrix product in {precision}: {rate / 1e12:.3g} TFLOP/s"
        for contestant, run in self.runs.items():
            yield f"{contestant}, {contestant.precision}: {run}"

    def goals(self) -> Iterator[str]:
        """Yield a line for each goal: met or missed, or not measured."""
        pictures = [run for run in self.runs.values() if isinstance(run, WholeRun)]
        best = min((run.iterating for run in pictures), default=None)
        yield _verdict("a picture's iterations in under 1 s", best, "s", lambda s: s < SECONDS)
        best = min((run.total for run in pictures), default=None)
        yield _verdict("a picture, start to file, in under 1 s", best, "s", lambda s: s < SECONDS)
        for precision in dict.fromkeys(contestant.precision for _, contestant in self.measured):
            for what, goal, compiled in (("eager", EAGER, False), ("compiled", COMPILED, True)):
                worst = min(self._over_ours(precision, compiled), default=None)
                name = f"{precision}: an evaluation {goal:g} times as fast as PyTorch {what}"
                yield _verdict(name, worst, "times", lambda x, goal=goal: x >= goal)
            shares = [
                share
                for (size, found) in self.measured
                if (size, found.kind, found.precision) == (SHARE_SIZE, "ours", precision)
                if (share := self.share(size, found))
            ]
            name = f"{precision}: {SHARE:.0%} of the matrix rate at {size_name(SHARE_SIZE)}"
            yield _verdict(name, max(shares, default=None), "", lambda x: x >= SHARE)

    def _over_ours(self, precision: Precision, compiled: bool) -> Iterable[float]:
        """Yield the fastest time of PyTorch's over the fastest of ours, for each size."""
        for size in self.sizes:
            ours = self.fastest(size, precision, lambda found: found.kind == "ours")
            torch = self.fastest(
                size,
                precision,
                lambda found: found.kind == "torch" and bool(found.compile_mode) == compiled,
            )
            if ours and torch:
                yield torch / ours

    def _in_order(self) -> list[tuple[Size, Contestant]]:
        return sorted(self.measured, key=lambda found: self.sizes.index(found[0]))


def _verdict(goal: str, found: float | None, unit: str, reached: Callable[[float], bool]) -> str:
    if found is None:
        return f"not measured: {goal}"
    return f"{'met' if reached(found) else 'missed'}: {goal} ({f'{found:.3g} {unit}'.strip()})"


def _ms(seconds: float | None) -> str:
    return _text(seconds, 1000, ".3f", " ms")


def _text(value: float | None, factor: float, form: str, unit: str = "") -> str:
    return "-" if value is None else f"{value * factor:{form}}{unit}"
