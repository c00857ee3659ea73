"""Pictures half-way through an optimisation: the inputs that the student will be asked about.

Minimising the loss of a network seeks out pictures on which it errs in its own favour, and no
folder holds these. So pictures are optimised beside the training, by Adam on the student's losses
as they are at the time, and are learnt from on their way (as persistent chains are for energy-based
models, Tieleman 2008).
"""

import math
import random
from dataclasses import dataclass
from typing import Any

import torch
from distillation import gram
from networks import STUDENT, TEACHER, Parameters, responses
from pictures import Details
from torch import Tensor

from stylize.models.layers import CONTENT_LAYERS, STYLE_LAYERS

STYLE, (CONTENT,) = STYLE_LAYERS, CONTENT_LAYERS
LIVES = (20, 400)
"""Fewest and most Adam steps of a picture before another takes its place."""
RATES = (0.004, 0.04)
"""Learning rates of Adam at the end and at the beginning of a life, in the range of a pixel."""
RATIOS = (-4, -2.5)
"""Powers of ten between which alpha/beta is drawn."""
DECAYS = (0.9, 0.99)


@dataclass
class Chain:
    """One optimisation: its picture, what it is to look like and Adam's moments.

    Attributes
    ----------
    picture, photo, painting : Tensor
        RGB, nominally in 0...1, shape (3, side, side).
    ratio : float
        alpha/beta.
    weights : dict of str to float
        w_l, up to a factor.
    life, age : int
        Steps to take, and taken.
    mean, square : Tensor
        Adam's moments of the gradient.
    """

    picture: Tensor
    photo: Tensor
    painting: Tensor
    ratio: float
    weights: dict[str, float]
    life: int
    age: int
    mean: Tensor
    square: Tensor


class Iterates:
    """A pool of optimisations, a part of which goes on at each step of the training.

    Parameters
    ----------
    details : Details
        Where photographs and paintings come from.
    size : int
        How many pictures are on their way.
    """

    def __init__(self, details: Details, size: int) -> None:
        self.details = details
        self.size = size
        self.chains: list[Chain] = []
        self.turn = 0

    def batch(self, parameters: Parameters, readouts: Parameters, count: int, steps: int) -> Tensor:
        """Take `count` of the pictures `steps` further and return them, (count, 3, side, side)."""
        metrics = {layer: readout.T @ readout for layer, readout in readouts.items()}
        while len(self.chains) < self.size:
            self.chains.append(self._begin())
        turn = [(self.turn + index) % self.size for index in range(count)]
        self.turn = (self.turn + count) % self.size
        for index in turn:
            if self.chains[index].age >= self.chains[index].life:
                self.chains[index] = self._begin()
        chosen = [self.chains[index] for index in turn]
        # The student has changed since their last turn, and with it what they aim at.
        aims = _aims(chosen, parameters)
        for _ in range(steps):
            _advance(chosen, aims, parameters, metrics)
        return torch.stack([chain.picture for chain in chosen])

    def pictures(self) -> Tensor:
        """Return all pictures as they are now, (size, 3, side, side)."""
        return torch.stack([chain.picture for chain in self.chains])

    def state(self) -> dict[str, Any]:
        """Return all that `restore` needs."""
        return {
            "details": self.details.state(),
            "chains": [dict(vars(chain)) for chain in self.chains],
            "turn": self.turn,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to where `state` was taken."""
        self.details.restore(state["details"])
        self.chains = [Chain(**chain) for chain in state["chains"]]
        self.turn = state["turn"]

    def _begin(self) -> Chain:
        source = self.details.source
        (photo,), (painting,) = self.details.plain(1), self.details.batch(1)
        side = self.details.side
        fresh = torch.rand((3, side, side), generator=self.details.generator())
        noise = source.choice((0.0, 0.0, 0.0, 0.0, 0.0, 0.0, source.random(), 1.0))
        picture = (1 - noise) * photo + noise * fresh
        return Chain(
            picture=picture,
            photo=photo,
            painting=painting,
            ratio=10 ** source.uniform(*RATIOS),
            weights=_weights(source),
            life=source.randint(*LIVES),
            age=0,
            mean=torch.zeros_like(picture),
            square=torch.zeros_like(picture),
        )


def _weights(source: random.Random) -> dict[str, float]:
    """Return each style layer's weight: the paper's, or for a third any."""
    if source.random() < 2 / 3:
        return dict.fromkeys(STYLE, 1.0)
    return {layer: 10 ** source.uniform(-2, 2) for layer in STYLE}


@dataclass(frozen=True)
class _Aims:
    """What some optimisations aim at, stacked: A/M by layer, and P."""

    style: dict[str, Tensor]
    content: Tensor


def _aims(chains: list[Chain], parameters: Parameters) -> _Aims:
    photos = torch.stack([chain.photo for chain in chains])
    paintings = torch.stack([chain.painting for chain in chains])
    with torch.no_grad():
        style = responses(STUDENT, parameters, paintings, STYLE)
        content = responses(STUDENT, parameters, photos, (CONTENT,))[CONTENT]
    return _Aims({layer: gram(style[layer], style[layer]) for layer in STYLE}, content.float())


def _advance(chains: list[Chain], aims: _Aims, parameters: Parameters, metrics: Parameters) -> None:
    """Take one step of Adam on each chain's total loss."""
    pictures = torch.stack([chain.picture for chain in chains]).requires_grad_()
    totals = _totals(chains, pictures, aims, parameters, metrics)
    (gradients,) = torch.autograd.grad(totals.sum(), pictures)
    for chain, gradient in zip(chains, gradients, strict=True):
        chain.age += 1
        chain.mean = DECAYS[0] * chain.mean + (1 - DECAYS[0]) * gradient
        chain.square = DECAYS[1] * chain.square + (1 - DECAYS[1]) * gradient.square()
        mean = chain.mean / (1 - DECAYS[0] ** chain.age)
        root = (chain.square / (1 - DECAYS[1] ** chain.age)).sqrt()
        share = (1 + math.cos(math.pi * chain.age / chain.life)) / 2
        rate = RATES[0] + share * (RATES[1] - RATES[0])
        chain.picture = chain.picture - rate * mean / root.clamp_min(1e-12)


def _totals(
    chains: list[Chain], pictures: Tensor, aims: _Aims, parameters: Parameters, metrics: Parameters
) -> Tensor:
    """Equation 7 of each in the teacher's units, up to a factor that Adam does not see.

    `metrics` are Aᵀ A of the read-outs: |A (f - p)|² = (f - p)ᵀ Aᵀ A (f - p).
    """
    found = responses(STUDENT, parameters, pictures, (*STYLE, CONTENT))
    ratios = torch.tensor([chain.ratio for chain in chains])
    distance = found[CONTENT].float() - aims.content
    totals = ratios * ((distance @ metrics[CONTENT]) * distance).sum((1, 2)) / 2
    for layer in STYLE:
        weights = torch.tensor([chain.weights[layer] for chain in chains])
        product = metrics[layer] @ (gram(found[layer], found[layer]) - aims.style[layer])
        scale = 4 * TEACHER.layer(layer).channels ** 2 * len(STYLE)
        totals = totals + weights * (product * product.transpose(1, 2)).sum((1, 2)) / scale
    return totals
