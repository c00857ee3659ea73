"""Two regions of a picture, whose edges are soft, for tests of guided losses."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from stylize.models.layers import LayerSet

Array = npt.NDArray[Any]


def two_regions(
    given: Mapping[str, Array], layers: LayerSet, size: tuple[int, int], strides: Mapping[str, int]
) -> dict[str, Array]:
    """Return targets, weights of positions and of losses, given those of the whole picture."""
    random = np.random.default_rng(1)
    dtype = given["style_weights"].dtype
    found: dict[str, Array] = {}
    for layer in layers.style:
        weights = random.random((2, *(side // strides[layer] for side in size))).astype(dtype)
        weights[0, 1::2] = 0  # a region has parts where it does not count
        found[f"guidance.{layer}"] = weights / weights.sum((1, 2), keepdims=True)
        target = given[f"style_target.{layer}"]
        found[f"style_target.{layer}"] = np.stack([target, 2 * target])
    found["style_weights"] = np.stack([given["style_weights"], 3 * given["style_weights"][::-1]])
    return found
