"""The student before training: channels chosen from the teacher, kernels fitted layer by layer.

A chain of least-squares fits takes 20 seconds and saves thousands of steps of training from random
weights (compare He, Zhang and Sun 2017, Channel pruning for accelerating very deep networks).
"""

import torch
from networks import STUDENT, TEACHER, Parameters, preprocess
from torch import Tensor
from torch.nn import functional

from stylize.export.network.architecture import Convolution

POSITIONS = 20_000
"""Positions of a layer that its fit looks at, over all images."""
RIDGE = 1e-3
"""Share of the inputs' mean square that is added to the diagonal of a fit."""


def select_channels(gram: Tensor, count: int) -> Tensor:
    """Choose the channels from which the others are best predicted linearly, one by one.

    Parameters
    ----------
    gram : Tensor
        Σ F Fᵀ over images, shape (N, N).
    count : int
        How many.

    Returns
    -------
    Tensor
        Their indices, in the order of their worth.
    """
    rest = gram.double().clone()
    floor = 1e-9 * float(rest.diagonal().max())
    chosen: list[int] = []
    for _ in range(count):
        explained = rest.square().sum(0) / rest.diagonal().clamp_min(floor)
        explained[chosen] = -1
        best = int(explained.argmax())
        chosen.append(best)
        column = rest[:, best] / rest[best, best].clamp_min(floor).sqrt()
        rest -= torch.outer(column, column)
    return torch.tensor(chosen)


def pruned(teacher: Parameters, images: Tensor, seed: int) -> dict[str, Tensor]:
    """Return kernels and biases of the student.

    Each layer imitates the chosen channels of the teacher's, divided by their root mean square,
    as well as it can from what the student's layers before it have come to.
    """
    generator = torch.Generator().manual_seed(seed)
    theirs, ours = preprocess(TEACHER, images), preprocess(STUDENT, images)
    parameters: dict[str, Tensor] = {}
    for layer, narrow in zip(TEACHER.layers, STUDENT.layers, strict=True):
        if isinstance(layer, Convolution) and isinstance(narrow, Convolution):
            weight, bias = (teacher[name] for name in layer.shapes)
            sums = functional.conv2d(theirs, weight, bias, padding=1)
            theirs = functional.relu(sums)
            rows = theirs.transpose(0, 1).flatten(1)
            chosen = select_channels(rows @ rows.T, narrow.channels)
            scale = theirs[:, chosen].square().mean().sqrt()
            kernel, offset = _fit(ours, sums[:, chosen] / scale, generator)
            ours = functional.relu(functional.conv2d(ours, kernel, offset, padding=1))
            parameters |= dict(zip(narrow.shapes, (kernel, offset), strict=True))
        else:
            theirs, ours = functional.avg_pool2d(theirs, 2), functional.avg_pool2d(ours, 2)
    return parameters


def _fit(inputs: Tensor, sums: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return the kernel (OIHW) and bias that best map `inputs` to `sums`."""
    windows, wanted = [], []
    each = max(1, POSITIONS // len(inputs))
    for image, target in zip(inputs, sums, strict=True):
        positions = torch.randperm(target[0].numel(), generator=generator)[:each]
        windows.append(functional.unfold(image[None], 3, padding=1)[0][:, positions])
        wanted.append(target.flatten(1)[:, positions])
    rows = torch.cat(windows, dim=1).double()
    rows = torch.cat([rows, torch.ones(1, rows.shape[1]).double()])
    targets = torch.cat(wanted, dim=1).double()
    square = rows @ rows.T
    square += RIDGE * square.diagonal().mean() * torch.eye(len(square))
    solution = torch.linalg.solve(square, rows @ targets.T).T.float()
    return solution[:, :-1].reshape(len(targets), -1, 3, 3).contiguous(), solution[:, -1].clone()
