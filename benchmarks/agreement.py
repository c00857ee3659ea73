"""Whether two contestants compute the same, so that the same thing is timed."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from contestants import Result

from stylize.runtime.providers.table import Precision


@dataclass(frozen=True)
class Difference:
    """How far a loss and a gradient are from others, relative to those (L2)."""

    loss: float
    gradient: float

    def complaint(self, precision: Precision) -> str | None:
        """Return what is wrong; None if the difference is no more than rounding."""
        most = TOLERANCES[precision]
        # Not the other way round: of NaN, every comparison is false.
        if self.loss < most.loss and self.gradient < most.gradient:
            return None
        return (
            f"the loss is off by {self.loss:.1e} (at most {most.loss:.0e}), the gradient by "
            f"{self.gradient:.1e} (at most {most.gradient:.0e})"
        )


TOLERANCES: dict[Precision, Difference] = {
    # In float32 a ReLU at its kink flips now and then.
    "float32": Difference(1e-3, 1e-2),
    "tf32": Difference(1e-2, 5e-2),
    "float16": Difference(2e-2, 1e-1),
    # 8 bits: on noise PyTorch's and OpenVINO's are up to 2e-2 and 1.2e-1 off, alike.
    "bfloat16": Difference(3e-2, 2e-1),
}


def difference(result: Result, reference: Result) -> Difference:
    """Compare a loss and a gradient with others."""
    total, gradient = result[0], result[1].astype(np.float64)
    return Difference(
        loss=abs(total - reference[0]) / abs(reference[0]),
        gradient=float(np.linalg.norm(gradient - reference[1]) / np.linalg.norm(reference[1])),
    )


def load_result(path: Path) -> Result:
    """Return the loss and the gradient that a contestant left in a file."""
    with np.load(path) as arrays:
        return float(arrays["total"]), arrays["gradient"].astype(np.float64)
