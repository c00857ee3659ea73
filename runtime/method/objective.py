"""The total loss of equation 7 and its gradient, as a function of the image.

Only the ratio of the weights tells where the loss is lowest. Their magnitude does not reach the
graphs, whose numbers are float32, in which the square of a gradient soon overflows. There the
largest weight is always of the same order, and losses are scaled back when they are read.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import frexp, ldexp

import numpy as np
import numpy.typing as npt

from stylize.models.errors import OptionError
from stylize.models.layers import LayerSet
from stylize.runtime.engine.program import Program
from stylize.runtime.engine.tensors import Memory, Tensor, read, translating_errors
from stylize.runtime.pictures.arrays import as_array

Array = npt.NDArray[np.float32]
Factor = float | tuple[float, ...]
"""The factor of a loss, or one for each region."""

LARGEST_WEIGHT = 11
"""The largest weight in the graphs is at most 2¹¹, and more than half of that. With the paper's
losses, what comes out lies in the middle of what the optimisers' squares can hold; with relative
ones, some decades below."""


@dataclass(frozen=True)
class Losses:
    """The losses at an image.

    Attributes
    ----------
    total : float
        The sum of every layer's loss times its weight (eq. 7), plus the variation times its weight.
    content_losses, style_losses : dict of str to float
        L_c (eq. 1) and E_l (eq. 4) by layer, without their weights; of regions, the mean of E_l by
        their shares.
    variation : float or None
        ½ Σ of squared differences of neighbours, in grey levels; None if it has no weight.
    """

    total: float
    content_losses: dict[str, float]
    style_losses: dict[str, float]
    variation: float | None


@dataclass(frozen=True)
class Evaluation(Losses):
    """The losses at an image and the gradient of the total by the image.

    Attributes
    ----------
    gradient : float32 array, shape (1, 3, height, width)
        d total / d image.
    """

    gradient: Array


class Weights:
    """The factors of the losses, in the unit of the graphs, and losses back in that of the user.

    Attributes
    ----------
    given : dict of str to float32 array
        ``content_weights`` and ``style_weights``, as the graphs take them.
    of_variation : float
        The factor of the variation.
    unit : int
        The power of two by which they are divided in the graphs, and so losses and gradients are.

    Parameters
    ----------
    layers : LayerSet
        The layers that the graphs look at.
    content, style : mapping of str to float
        The factor of each layer's loss in the total; a layer that is left out does not count. If
        there are regions, each layer of style has a tuple of as many.
    of_variation : float
        The factor of the variation.
    shares : sequence of float
        The share of the picture that each region has. Of these, losses of style are the mean.
    """

    def __init__(
        self,
        layers: LayerSet,
        content: Mapping[str, float],
        style: Mapping[str, Factor],
        of_variation: float,
        shares: Sequence[float] = (),
    ) -> None:
        of_style = np.ravel(list(style.values())).tolist()
        self.unit = _unit((*content.values(), *of_style, of_variation))
        self._shares = shares
        self._named: dict[str, tuple[tuple[str, ...], Collection[str]]] = {
            "content_losses": (layers.content, content.keys()),
            "style_losses": (layers.style, style.keys()),
        }
        self.given = {
            "content_weights": self._in_order(content, layers.content),
            "style_weights": self._in_order(style, layers.style).T,
        }
        self.of_variation = ldexp(of_variation, -self.unit)

    def losses(self, found: Mapping[str, Array]) -> Losses:
        """Return the losses, given the numbers that graphs told of them."""
        variation = found.get("variation")
        return Losses(
            self.in_given_unit(float(found["total"])),
            self._by_layer("content_losses", found),
            self._by_layer("style_losses", found),
            None if variation is None else float(variation),
        )

    def in_given_unit(self, total: float) -> float:
        """Return a total loss of the graphs in the unit of the weights that were given."""
        return ldexp(total, self.unit)

    def gradient_in_given_unit(self, gradient: Array) -> Array:
        """Return a gradient of the graphs in the unit of the weights that were given."""
        return np.ldexp(gradient, self.unit)

    def _by_layer(self, name: str, found: Mapping[str, Array]) -> dict[str, float]:
        if name not in found:
            return {}
        layers, wanted = self._named[name]
        values = found[name]
        if values.ndim > 1:  # a row for each region
            values = np.average(values, axis=0, weights=self._shares)
        losses = zip(layers, values, strict=True)
        return {layer: float(loss) for layer, loss in losses if layer in wanted}

    def _in_order(self, weights: Mapping[str, Factor], layers: tuple[str, ...]) -> Array:
        none = np.zeros_like(next(iter(weights.values()), 0.0))
        scaled = [np.ldexp(weights.get(layer, none), -self.unit) for layer in layers]
        return np.array(scaled, np.float32)


def checked(image: Array, shape: tuple[int, ...]) -> Array:
    """Return an image as graphs take it.

    Raises
    ------
    ImageError
        It is no float array of shape (1, 3, height, width).
    OptionError
        The image has another size.
    """
    image = as_array(image)
    if image.shape != shape:
        raise OptionError(f"The image's shape is {image.shape}; it must be {shape}.")
    return image


class Objective:
    """What the optimiser minimises.

    Attributes
    ----------
    memory : Memory
        The memory that images and everything else lie in.
    shape : tuple of int
        The shape of an image.
    total, gradient : Tensor
        The loss and the gradient of the image that was evaluated last, in the unit of the graphs.

    Parameters
    ----------
    program : Program
        A gradient graph.
    targets : mapping of str to array
        ``content_target.L`` of the photo and ``style_target.L`` of the painting; if there are
        regions, one of the latter for each, and ``guidance.L``.
    weights : Weights
        The factor of each layer's loss, and of the variation.
    variation : Program, optional
        The graph that adds the total variation; the paper has none.
    """

    def __init__(
        self,
        program: Program,
        targets: Mapping[str, Array],
        weights: Weights,
        variation: Program | None = None,
    ) -> None:
        self.memory: Memory = program.memory
        self.shape = program.input_shapes["image"]
        self._program, self._variation = program, variation
        self._weights = weights
        given = {**weights.given, **targets}
        put, empty = self.memory.put, self.memory.empty
        self._inputs = {
            name: put(given[name]) if name in given else self.memory.full(shape, 0.0)
            for name, shape in program.input_shapes.items()
            if name != "image"
        }
        self._outputs = {name: empty(shape) for name, shape in program.output_shapes.items()}
        self.total, self.gradient = self._outputs["total"], self._outputs["gradient"]
        self._numbers = {name: out for name, out in self._outputs.items() if name != "gradient"}
        if variation:
            self._varied = {name: empty(shape) for name, shape in variation.output_shapes.items()}
            self._partial = {
                "other_total": self.total,
                "other_gradient": self.gradient,
                "tv_weight": put(weights.of_variation),
            }
            self.total, self.gradient = self._varied["total"], self._varied["gradient"]
            self._numbers |= {name: self._varied[name] for name in ("total", "variation")}

    def bind(self, image: Tensor) -> Callable[[], None]:
        """Return a function that evaluates whatever image is in a tensor when it is called."""
        evaluate = self._program.bind({**self._inputs, "image": image}, self._outputs)
        if self._variation is None:
            return evaluate
        vary = self._variation.bind({**self._partial, "image": image}, self._varied)

        def run() -> None:
            evaluate()
            vary()

        return run

    @property
    def losses(self) -> Losses:
        """The losses at the image that was evaluated last."""
        return self._weights.losses({name: read(value) for name, value in self._numbers.items()})

    def __call__(self, image: Array) -> Evaluation:
        """Evaluate at an RGB image, nominally in 0...1, shape (1, 3, height, width).

        Raises
        ------
        ImageError
            That is no such array.
        OptionError
            The image has another size.
        ProviderError
            Memory ran out.
        """
        image = checked(image, self.shape)
        tensor, run = self._own
        with translating_errors("an image"):
            tensor.update_inplace(image)
        run()
        gradient = self._weights.gradient_in_given_unit(read(self.gradient))
        return Evaluation(**vars(self.losses), gradient=gradient)

    @property
    def unit(self) -> int:
        """The power of two by which gradients are divided in the graphs."""
        return self._weights.unit

    def in_given_unit(self, total: float) -> float:
        """Return a total loss of the graphs in the unit of the weights that were given."""
        return self._weights.in_given_unit(total)

    @cached_property
    def _own(self) -> tuple[Tensor, Callable[[], None]]:
        image = self.memory.empty(self.shape)
        return image, self.bind(image)


def _unit(weights: Iterable[float]) -> int:
    """Return the power of two by which weights are divided in the graphs, which is exact."""
    _, exponent = frexp(max(weights))
    return exponent - LARGEST_WEIGHT
