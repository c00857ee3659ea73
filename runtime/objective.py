"""The total loss of equation 7 and its gradient, as a function of the image."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylize.models.layers import LayerSet
from stylize.runtime.program import Program
from stylize.runtime.variation import total_variation

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Evaluation:
    """The losses at an image and the gradient of the total by the image.

    Attributes
    ----------
    total : float
        The sum of every layer's loss times its weight (eq. 7), and of the variation times its.
    content_losses, style_losses : dict of str to float
        L_c (eq. 1) and E_l (eq. 4) by layer, without their weights.
    variation : float or None
        ½ Σ of squared differences of neighbours, in grey levels; None if it has no weight.
    gradient : float32 array, shape (1, 3, height, width)
        d total / d image.
    """

    total: float
    content_losses: dict[str, float]
    style_losses: dict[str, float]
    variation: float | None
    gradient: Array


class Objective:
    """What the optimiser minimises.

    Parameters
    ----------
    program : Program
        A gradient graph.
    layers : LayerSet
        The layers that it looks at.
    targets : mapping of str to array
        ``content_target.L`` of the photo and ``style_target.L`` of the painting.
    content_weights, style_weights : mapping of str to float
        What each layer's loss counts in the total; a layer that is left out does not count.
    tv_weight : float
        What the total variation counts; the paper has none.
    """

    def __init__(
        self,
        program: Program,
        layers: LayerSet,
        targets: Mapping[str, Array],
        content_weights: Mapping[str, float],
        style_weights: Mapping[str, float],
        tv_weight: float = 0.0,
    ) -> None:
        self._program = program
        self._layers = layers
        self._content_weights = content_weights
        self._style_weights = style_weights
        self._tv_weight = tv_weight
        given = {
            "content_weights": _in_order(content_weights, layers.content),
            "style_weights": _in_order(style_weights, layers.style),
            **targets,
        }
        self._feeds = {
            name: given[name] if name in given else np.zeros(shape, np.float32)
            for name, shape in program.input_shapes.items()
            if name != "image"
        }

    def __call__(self, image: Array) -> Evaluation:
        """Evaluate at an RGB image, nominally in 0...1, shape (1, 3, height, width)."""
        outputs = self._program({**self._feeds, "image": image})
        total, gradient, variation = float(outputs["total"]), outputs["gradient"], None
        if self._tv_weight:
            variation, slope = total_variation(image)
            total += self._tv_weight * variation
            gradient += np.float32(self._tv_weight) * slope
        return Evaluation(
            total,
            _by_layer(outputs.get("content_losses"), self._layers.content, self._content_weights),
            _by_layer(outputs.get("style_losses"), self._layers.style, self._style_weights),
            variation,
            gradient,
        )


def _in_order(weights: Mapping[str, float], layers: tuple[str, ...]) -> Array:
    return np.array([weights.get(layer, 0.0) for layer in layers], np.float32)


def _by_layer(
    losses: Array | None, layers: tuple[str, ...], wanted: Mapping[str, float]
) -> dict[str, float]:
    if losses is None:
        return {}
    return {name: float(loss) for name, loss in zip(layers, losses, strict=True) if name in wanted}
