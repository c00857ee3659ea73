"""From a trained student to the weights that are shipped: VGG-19's units and all read-outs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from distillation import LAYERS, Grams, evaluate, least_squares, mean_square
from networks import CONVOLUTIONS, GREY_LEVELS, Parameters
from torch import Tensor

from stylize.export.network.readout import square_readout

AT_ONCE = 8
"""Images whose responses are held in memory together."""


def finished(
    teacher: Parameters, student: Parameters, readouts: Parameters, images: Tensor
) -> dict[str, npt.NDArray[Any]]:
    """Return kernels, biases and square read-outs under the names of the exporter.

    Parameters
    ----------
    teacher, student : mapping of str to Tensor
        Kernels and biases.
    readouts : mapping of str to Tensor
        Those that were trained, shape (N, n); the other layers' are fitted here.
    images : Tensor
        What they are fitted on, RGB in 0...1, shape (B, 3, H, W).
    """
    names = [layer.name for layer in CONVOLUTIONS]
    with torch.no_grad():
        # In float32: a fit is spoilt by noise in directions that hardly ever occur.
        parts = [
            evaluate(teacher, student, part, names, torch.float32) for part in images.split(AT_ONCE)
        ]
    arrays: dict[str, npt.NDArray[Any]] = {}
    before = GREY_LEVELS
    for layer in CONVOLUTIONS:
        of = _average([part[layer.name] for part in parts])
        readout = readouts[layer.name] if layer.name in LAYERS else least_squares(of)
        # A ReLU network's responses scale with its weights: bring them to the teacher's size.
        size = float((mean_square(of.teacher) / mean_square(of.student)).sqrt())
        weight, bias = (student[name].reshape(shape) for name, shape in layer.shapes.items())
        for name, tensor in zip(layer.shapes, (weight * size / before, bias * size), strict=True):
            arrays[name] = tensor.detach().numpy()
        square = square_readout(readout.detach().double().numpy() / size)
        arrays[f"{layer.name}.readout"] = square.astype(np.float32)
        before = size
    return arrays


def _average(parts: Sequence[Grams]) -> Grams:
    """Return the mean over all images, as a batch of one."""
    return Grams(
        *(
            torch.cat([getattr(part, name) for part in parts]).mean(0, keepdim=True)
            for name in ("teacher", "student", "cross")
        )
    )
