"""The style transfer of Gatys, Ecker and Bethge (2015): from targets to a picture, by iteration."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from stylize.models.errors import DivergenceError, OptionError
from stylize.models.layers import LayerSet
from stylize.runtime.images import cover, load_image, normalise, scale_to, to_array, to_image
from stylize.runtime.model import Model
from stylize.runtime.objective import Evaluation, Objective
from stylize.runtime.optimizers import make_optimizer
from stylize.runtime.options import Options

Array = npt.NDArray[np.float32]
Picture = Image.Image | str | Path


@dataclass(frozen=True)
class Iterate:
    """One iteration: an image, and the losses evaluated at it.

    Attributes
    ----------
    iteration : int
        Counted from 1.
    seconds : float
        Since the first iteration began.
    total : float
        alpha L_c + beta L_s (eq. 7).
    content, style : float
        L_c (eq. 1) and L_s (eq. 5), the means of the layers' losses.
    content_losses, style_losses : dict of str to float
        L_c and E_l (eq. 4) by layer.
    pixels : float32 array, shape (1, 3, height, width)
        RGB, nominally in 0...1 but not clipped.
    """

    iteration: int
    seconds: float
    total: float
    content: float
    style: float
    content_losses: dict[str, float]
    style_losses: dict[str, float]
    pixels: Array

    @property
    def losses(self) -> dict[str, float]:
        """All losses by name: ``total``, ``content``, ``style``, ``content.L``, ``style.L``."""
        return {
            "total": self.total,
            "content": self.content,
            "style": self.style,
            **{f"content.{layer}": loss for layer, loss in self.content_losses.items()},
            **{f"style.{layer}": loss for layer, loss in self.style_losses.items()},
        }

    @property
    def image(self) -> Image.Image:
        """The image as a picture, clipped to what can be shown."""
        return to_image(self.pixels)


def transfer(
    model: Model, photo: Picture, painting: Picture, options: Options = Options()
) -> Iterator[Iterate]:
    """Render a photo in the manner of a painting.

    Parameters
    ----------
    model : Model
        Extracts the features.
    photo, painting : PIL image or path
        In any size; both are scaled to ``options.size``.
    options : Options
        By default the paper's layers and weights, from the photo.

    Returns
    -------
    iterator of Iterate
        One for each evaluation of the gradient. The result is the one with the lowest total: mostly
        the last, but a step without a line search may overshoot. Raises DivergenceError when a
        loss is NaN or infinite; what came before is good.

    Raises
    ------
    ImageError
        A picture cannot be read or used.
    ModelError
        The model has no graph for the layers.
    OptionError
        The model has no such layer, or there is no such picture to start from.
    """
    photo = scale_to(_picture(photo), options.size)
    painting = scale_to(_picture(painting), options.size)
    image = _initial_image(options, photo, painting)
    objective = _objective(model, photo, painting, options)
    return _minimise(objective, image, options)


def _objective(
    model: Model, photo: Image.Image, painting: Image.Image, options: Options
) -> Objective:
    """Return what to minimise: the losses against photo and painting, each with its weight."""
    layers = options.layers
    model.folder.gradient_graph(layers)  # before the work: is there one for these layers?
    targets: dict[str, Array] = {}
    if layers.content:
        targets |= model.targets(to_array(photo), LayerSet(content=layers.content))
    if layers.style:
        targets |= model.targets(to_array(painting), LayerSet(style=layers.style))
    return model.objective(
        to_array(photo),
        targets,
        _shares(options.content_weight, layers.content),
        _shares(options.style_weight, layers.style),
    )


def _minimise(objective: Objective, image: Array, options: Options) -> Iterator[Iterate]:
    optimizer = make_optimizer(options)
    start = time.perf_counter()
    for iteration in range(1, options.iterations + 1):
        evaluation = objective(image)
        iterate = _iterate(iteration, time.perf_counter() - start, evaluation, image)
        _require_finite(iterate)
        yield iterate
        if iteration < options.iterations:
            image = optimizer.step(image, evaluation.gradient)


def _iterate(iteration: int, seconds: float, evaluation: Evaluation, image: Array) -> Iterate:
    return Iterate(
        iteration=iteration,
        seconds=seconds,
        total=evaluation.total,
        content=_mean(evaluation.content_losses),
        style=_mean(evaluation.style_losses),
        content_losses=evaluation.content_losses,
        style_losses=evaluation.style_losses,
        pixels=image,
    )


def _require_finite(iterate: Iterate) -> None:
    for name, loss in iterate.losses.items():
        if not math.isfinite(loss):
            raise DivergenceError(
                f"At iteration {iterate.iteration} the loss '{name}' is {loss}. Either the "
                "model's weights are damaged (export it again), or the steps became too large "
                "(try --optimizer adam, or a smaller --style-weight)."
            )


def _initial_image(options: Options, photo: Image.Image, painting: Image.Image) -> Array:
    """Return an array of the photo's size; other proportions are cut off, not distorted."""
    if options.init == "noise":
        shape = (1, 3, photo.height, photo.width)
        return np.random.default_rng(options.seed).random(shape, np.float32)
    if options.init == "photo":
        return to_array(photo)
    if options.init == "painting":
        return to_array(cover(painting, photo.size))
    if not Path(options.init).is_file():
        raise OptionError(
            f"Cannot start from '{options.init}': choose photo, painting, noise, or a file."
        )
    return to_array(cover(load_image(options.init), photo.size))


def _picture(picture: Picture) -> Image.Image:
    return normalise(picture) if isinstance(picture, Image.Image) else load_image(picture)


def _shares(weight: float, layers: tuple[str, ...]) -> dict[str, float]:
    return {layer: weight / len(layers) for layer in layers}


def _mean(losses: dict[str, float]) -> float:
    return sum(losses.values()) / len(losses) if losses else 0.0
