"""VGG-19's weights under our names, and the file in which they are stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save

from stylize.models.errors import WeightsError
from stylize.models.preprocessing import Preprocessing

Array = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Weights:
    """Kernels (OIHW) and biases, float32, under our names, and where they come from."""

    arrays: dict[str, Array]
    source: str
    source_sha256: str
    licence: str
    preprocessing: Preprocessing
    remark: str = ""
    """What whoever uses them should know, in full sentences."""


def store_weights(path: Path, arrays: Mapping[str, Array], *, half: bool = False) -> None:
    """Write the weights as .safetensors, as float16 if `half`, else as float32.

    Raises
    ------
    WeightsError
        A weight is too large for float16.
    """
    dtype = np.float16 if half else np.float32
    with np.errstate(over="ignore"):
        stored = {name: np.ascontiguousarray(array, dtype) for name, array in arrays.items()}
    for name, array in stored.items():
        if not np.isfinite(array).all():
            raise WeightsError(
                f"'{name}' has values beyond float16's 65504. Export without --half."
            )
    path.write_bytes(save(stored))
