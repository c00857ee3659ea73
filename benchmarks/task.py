"""What PyTorch is told to minimise, and what it leaves, as files in a folder."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from case import Array, Case
from curves import Made, curve_of

from stylize.runtime.method.coefficients import Coefficients


@dataclass(frozen=True)
class Task(Case):
    """A case with weights of its own. Its image is the one to start from."""

    def store_weights(self, factors: Coefficients) -> None:
        """Write the factors of L_c, E_l and the variation, which must not be relative."""
        weights = {f"content.{layer}": weight for layer, weight in factors.content.items()}
        weights |= {f"style.{layer}": weight for layer, weight in factors.style.items()}
        self._weights.write_text(json.dumps([weights, factors.variation]))

    def load_weights(self) -> tuple[dict[str, float], float]:
        """Return the factors of the losses by name, ``content.L`` and ``style.L``, and the last."""
        weights, variation = json.loads(self._weights.read_text())
        return weights, variation

    def store_made(self, seconds: Sequence[float], losses: Sequence[float], best: Array) -> None:
        """Write what `load_made` returns, with the seconds that the process noted itself."""
        np.savez(self.result("made"), seconds=seconds, losses=losses, pixels=best)

    def load_made(self, total: float) -> Made:
        """Return what a process made, which took so many seconds in total."""
        with np.load(self.result("made")) as arrays:
            seconds, losses = arrays["seconds"].tolist(), arrays["losses"].tolist()
            return Made(curve_of(total, seconds, losses), arrays["pixels"])

    @property
    def _weights(self) -> Path:
        return self.folder / "weights.json"
