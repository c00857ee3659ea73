"""What the contests of quality.py came to: a row of a table, and of the JSON file, for each."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import inf
from typing import Any

from curves import Curve
from plot import Panel

MARKS = (20, 50)
"""Evaluations after which the first losses are compared."""
NEAR = 1.05
"""Times the reference's lowest loss: near enough for the eye."""


@dataclass(frozen=True)
class Steps:
    """The first losses of both, from the same start in one size."""

    contest: str
    ours: list[float]
    torch: list[float]

    def ratio(self, evaluations: int) -> float:
        """Return the lowest loss of our first evaluations over PyTorch's: below 1, ours is."""
        ours, torch = (Curve(losses, losses) for losses in (self.ours, self.torch))
        return ours.lowest(evaluations) / torch.lowest(evaluations)

    def cells(self) -> list[str]:
        """Return the row of the table."""
        return [self.contest, *(f"{self.ratio(mark):.3f}" for mark in MARKS)]

    def entry(self) -> dict[str, Any]:
        """Return the row of the JSON file."""
        return {**asdict(self), "ratios": {mark: self.ratio(mark) for mark in MARKS}}


@dataclass(frozen=True)
class Whole:
    """A picture of each.

    Attributes
    ----------
    contest : str
        Of what.
    ours, torch : Curve
        How they were made.
    judged : mapping of str to tuple of float
        What a judge says of ours and of PyTorch's, by measure.
    """

    contest: str
    ours: Curve
    torch: Curve
    judged: Mapping[str, tuple[float, float]]

    @property
    def level(self) -> float:
        """The loss that both are to come to."""
        return NEAR * self.torch.lowest()

    @property
    def seconds(self) -> tuple[float, float]:
        """The time that ours and PyTorch take to come to the level."""
        return self.ours.time_to(self.level), self.torch.time_to(self.level)

    @property
    def faster(self) -> float:
        """PyTorch's time over ours; 0 if ours never comes there."""
        ours, torch = self.seconds
        return torch / ours

    @property
    def last_loss(self) -> float:
        """The loss of our picture over the lowest of PyTorch's."""
        return self.ours.losses[-1] / self.torch.lowest()

    def cells(self) -> list[str]:
        """Return the row of the table."""
        ours, torch = map(_time, self.seconds)
        numbers = [f"{self.torch.lowest():.4g}", torch, ours, f"{self.faster:.2f}"]
        judged = [f"{ours:.3f}, {torch:.3f}" for ours, torch in self.judged.values()]
        return [self.contest, *numbers, f"{self.last_loss:.3f}", *judged]

    def entry(self) -> dict[str, Any]:
        """Return the row of the JSON file."""
        return {
            **asdict(self),
            "seconds": dict(zip(("ours", "torch"), map(_finite, self.seconds), strict=True)),
            "torch_over_ours": self.faster,
            "last_loss": self.last_loss,
        }

    def panel(self) -> Panel:
        """Return what is drawn of it."""
        return Panel(self.contest, {"PyTorch": self.torch, "stylize": self.ours}, self.level)


@dataclass(frozen=True)
class Scales:
    """Our picture in a single scale, and painted from coarse to fine, by the same objective."""

    contest: str
    single: Curve
    fine: Curve

    @property
    def seconds(self) -> tuple[float, float]:
        """The time of each to the lowest loss of the single scale."""
        level = self.single.lowest()
        return self.single.time_to(level), self.fine.time_to(level)

    @property
    def faster(self) -> float:
        """Above 1, coarse to fine is; 0 if it never comes to that loss."""
        single, fine = self.seconds
        return single / fine

    def cells(self) -> list[str]:
        """Return the row of the table."""
        times = map(_time, self.seconds)
        return [self.contest, f"{self.single.lowest():.4g}", *times, f"{self.faster:.2f}"]

    def entry(self) -> dict[str, Any]:
        """Return the row of the JSON file."""
        seconds = dict(zip(("single", "fine"), map(_finite, self.seconds), strict=True))
        return {**asdict(self), "seconds": seconds, "single_over_fine": self.faster}


def _time(seconds: float) -> str:
    return "never" if seconds == inf else f"{seconds:.1f} s"


def _finite(seconds: float) -> float | None:
    """Return seconds as JSON knows them."""
    return None if seconds == inf else seconds
