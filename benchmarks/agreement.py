"""Whether two contestants compute the same, so that the same thing is timed."""

from collections.abc import Mapping
from dataclasses import dataclass

from case import Result

from stylize.runtime.checks import comparison
from stylize.runtime.checks.comparison import Tolerance, gradients_apart, losses_apart
from stylize.runtime.providers.table import Precision

TOLERANCES: Mapping[Precision, Tolerance] = {
    precision: tolerance for (_, precision), tolerance in comparison.TOLERANCES.items()
}
"""Those of ``stylize compare``, whoever computes in a precision."""


@dataclass(frozen=True)
class Difference:
    """How far a loss and a gradient are from others, relative to those (L2)."""

    loss: float
    gradient: float

    def complaint(self, precision: Precision) -> str | None:
        """Return what is wrong; None if the difference is no more than rounding."""
        most = TOLERANCES[precision]
        # Not the other way round: of NaN, every comparison is false.
        if self.loss <= most.losses and self.gradient <= most.gradient:
            return None
        return (
            f"the loss is off by {self.loss:.1e} (at most {most.losses:g}), the gradient by "
            f"{self.gradient:.1e} (at most {most.gradient:g})"
        )


def difference(result: Result, reference: Result) -> Difference:
    """Compare a loss and a gradient with others."""
    return Difference(
        loss=losses_apart({"total": result[0]}, {"total": reference[0]}),
        gradient=gradients_apart(result[1], reference[1]),
    )
