"""What the student is trained for: read out linearly, its responses are the teacher's.

With F the teacher's responses at a layer (N, M), f the student's (n, M) and A (N, n) the read-out
of that layer, two errors are to vanish, each as a share of what there is:

    responses      Σ (A f - F)²  / Σ F²
    Gram matrices  Σ (A g Aᵀ - G)² / Σ G²,  G = F Fᵀ / M, g = f fᵀ / M

A picture's errors are divided by the mean of its own Σ F² or Σ G² and the batch's, lest faint
pictures count too much.

Both are written in G, g and the cross Gram matrix C = f Fᵀ / M, as Σ (A f - F)² / M =
tr(Aᵀ A g) - 2 tr(A C) + tr G: no map of N channels is ever computed but the teacher's own.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import torch
from networks import STUDENT, TEACHER, Parameters, responses
from torch import Tensor

LAYERS = {
    "conv1_1": 0.5,
    "conv2_1": 0.5,
    "conv3_1": 1.0,
    "conv4_1": 2.0,
    "conv4_2": 2.0,
    "conv5_1": 0.5,
}
"""The paper's layers and how much each counts: VGG-19's losses are almost all conv4's."""
RIDGE = 1e-4


@dataclass(frozen=True)
class Grams:
    """The Gram matrices of a layer over a batch: G (B, N, N), g (B, n, n) and C (B, n, N).

    float32, but of bfloat16 responses no more exact than these.
    """

    teacher: Tensor
    student: Tensor
    cross: Tensor


def gram(rows: Tensor, columns: Tensor) -> Tensor:
    """Return F fᵀ / M of each image, from responses of shape (B, M, N) and (B, M, n)."""
    return torch.bmm(rows.transpose(1, 2), columns).float() / rows.shape[1]


def grams(theirs: Mapping[str, Tensor], ours: Mapping[str, Tensor]) -> dict[str, Grams]:
    """Return the Gram matrices of all layers."""
    return {
        layer: Grams(
            gram(theirs[layer], theirs[layer]),
            gram(ours[layer], ours[layer]),
            gram(ours[layer], theirs[layer]),
        )
        for layer in ours
    }


def mean_square(grams: Tensor) -> Tensor:
    """Return Σ F² / (N M) over a batch, from its Gram matrices over M."""
    return grams.diagonal(dim1=1, dim2=2).mean()


def least_squares(of: Grams) -> Tensor:
    """Return the read-out (N, n) with the smallest error of responses over the batch."""
    student, cross = of.student.double().mean(0), of.cross.double().mean(0)
    ridge = RIDGE * student.diagonal().mean() * torch.eye(len(student))
    return torch.linalg.solve(student + ridge, cross).T.float()


@dataclass(frozen=True)
class Errors:
    """The shares of the responses and of the Gram matrices that are missed, by layer."""

    responses: dict[str, Tensor]
    grams: dict[str, Tensor]

    def loss(self, gram_weight: float) -> Tensor:
        """Sum over layers, each with its weight."""
        return torch.stack(
            [
                weight * (self.responses[layer] + gram_weight * self.grams[layer])
                for layer, weight in LAYERS.items()
            ]
        ).sum()


def errors(of: Mapping[str, Grams], readouts: Mapping[str, Tensor]) -> Errors:
    """Return each layer's errors, averaged over the batch."""
    found = {layer: _errors(item, readouts[layer]) for layer, item in of.items()}
    return Errors(
        {layer: pair[0] for layer, pair in found.items()},
        {layer: pair[1] for layer, pair in found.items()},
    )


def _errors(of: Grams, readout: Tensor) -> tuple[Tensor, Tensor]:
    metric = readout.T @ readout
    energy = _trace(of.teacher)
    missed = (metric * of.student).sum((1, 2)) - 2 * (readout.T * of.cross).sum((1, 2)) + energy
    # Σ (A g Aᵀ - G)², of which no matrix is of the teacher's width but G itself.
    product = metric @ of.student
    overlap = ((readout.T @ of.teacher @ readout) * of.student).sum((1, 2))
    whole = of.teacher.square().sum((1, 2))
    difference = (product * product.transpose(1, 2)).sum((1, 2)) - 2 * overlap + whole
    return _share(missed, energy), _share(difference, whole)


def _trace(matrices: Tensor) -> Tensor:
    return matrices.diagonal(dim1=1, dim2=2).sum(1)


def _share(missed: Tensor, wholes: Tensor) -> Tensor:
    """Mean of missed / wholes, where faint images count less than others."""
    return (missed / (0.5 * (wholes + wholes.mean()))).mean()


def evaluate(
    teacher: Parameters,
    student: Parameters,
    images: Tensor,
    layers: Collection[str],
    dtype: torch.dtype = torch.bfloat16,
) -> dict[str, Grams]:
    """Return the Gram matrices of teacher and student for `images`."""
    with torch.no_grad():
        theirs = responses(TEACHER, teacher, images, layers, dtype)
    return grams(theirs, responses(STUDENT, student, images, layers, dtype))
