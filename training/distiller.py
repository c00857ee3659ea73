"""The training itself: student, optimisers and pictures, one step at a time."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from distillation import LAYERS, Errors, errors, evaluate, least_squares, mean_square
from finishing import finished
from iterates import Iterates
from networks import Parameters
from pictures import Details, Pictures
from pruning import pruned
from torch import Tensor

from stylize.models.errors import OptionError


@dataclass(frozen=True)
class Settings:
    """How to train; the defaults are those of the embedded model.

    Attributes
    ----------
    steps : int
        Length of the training.
    side : int
        Side of its images, in pixels.
    details_per_step, iterates_per_step : int
        Details of pictures and iterates of optimisations in each batch.
    chains, chain_steps : int
        Optimisations on their way, and how far one goes on when its turn comes.
    first_iterates : int
        The step from which iterates are learnt from; before, details take their places.
    rate, warm_up : float, int
        Largest learning rate, after so many steps; it falls to 0 along a cosine.
    gram_weights : tuple of float
        How much the errors of Gram matrices count beside those of responses, at the beginning and
        at the end: the responses lead the way, the Gram matrices are what the style losses see.
    average : float
        Decay of the moving average of the weights, which is what is shipped.
    seed : int
        Seed of all that is random.
    fitted_on : int
        Images for the fits before and after the training.
    held_out : int
        Pictures of each folder that are not learnt from.
    log_every, save_every : int
        Steps from one line of the log to the next, and from one checkpoint to the next.
    """

    steps: int = 5500
    side: int = 160
    details_per_step: int = 8
    iterates_per_step: int = 8
    chains: int = 24
    chain_steps: int = 2
    first_iterates: int = 100
    rate: float = 6e-4
    warm_up: int = 100
    gram_weights: tuple[float, float] = (3.0, 12.0)
    average: float = 0.999
    seed: int = 0
    fitted_on: int = 64
    held_out: int = 16
    log_every: int = 100
    save_every: int = 500


FREE = {"steps", "log_every", "save_every"}
"""Settings that may change from one part of a run to the next."""


class Distiller:
    """The student on its way; `state` is all that a checkpoint holds.

    Parameters
    ----------
    settings : Settings
        How to train.
    teacher : mapping of str to Tensor
        VGG-19's kernels and biases, float32.
    collections : sequence of Pictures
        What is learnt from.
    """

    def __init__(
        self, settings: Settings, teacher: Parameters, collections: Sequence[Pictures]
    ) -> None:
        self.settings = settings
        self.sizes = [len(collection.images) for collection in collections]
        self.teacher = {name: _for_convolutions(value) for name, value in teacher.items()}
        parts = [collection.split(settings.held_out) for collection in collections]
        learnt, kept = [part[0] for part in parts], [part[1] for part in parts]
        seed, side = settings.seed, settings.side
        self.details = Details(learnt, side, seed)
        self.iterates = Iterates(Details(learnt, side, seed + 1), settings.chains)
        self.held_out = Details(kept, side, seed + 2).plain(settings.held_out)
        self.step = 0
        self.parameters, self.scales = self._begin(teacher)
        self.averages = {name: value.detach().clone() for name, value in self.parameters.items()}
        kernels = [value for name, value in self.parameters.items() if name.endswith("weight")]
        others = [value for name, value in self.parameters.items() if not name.endswith("weight")]
        # Muon takes matrices, and fits a narrow network in fewer steps than Adam.
        self.optimizers = (
            torch.optim.Muon(kernels, weight_decay=0, adjust_lr_fn="match_rms_adamw"),
            torch.optim.Adam(others, betas=(0.9, 0.99)),
        )

    def advance(self) -> float:
        """Take one step; return the loss on its batch."""
        first, last = self.settings.gram_weights
        found = self._errors(self.parameters, self._images())
        loss = found.loss(first + (last - first) * self.step / self.settings.steps)
        for value in self.parameters.values():
            value.grad = None
        loss.backward()
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self._rate()
            optimizer.step()
        self.step += 1
        # A young average forgets sooner, or it would remember the beginning for long.
        decay = min(self.settings.average, self.step / (self.step + 10))
        with torch.no_grad():
            for name, value in self.parameters.items():
                self.averages[name].lerp_(value, 1 - decay)
        return float(loss.detach())

    def validate(self) -> dict[str, dict[str, dict[str, float]]]:
        """Return the averaged student's errors on held-out pictures and on the iterates of now.

        By kind of picture, kind of error (``responses``, ``grams``) and layer.
        """
        batches = {"held out": self.held_out}
        if self.iterates.chains:
            batches["iterates"] = self.iterates.pictures()
        report = {}
        for kind, images in batches.items():
            with torch.no_grad():
                found = self._errors(self.averages, images)
            report[kind] = {
                name: {layer: round(float(value), 4) for layer, value in values.items()}
                for name, values in (("responses", found.responses), ("grams", found.grams))
            }
        return report

    def finished(self) -> dict[str, npt.NDArray[np.float32]]:
        """Return the averaged student as it is exported."""
        images = self.details.batch(self.settings.fitted_on)
        if self.iterates.chains:
            images = torch.cat([images, self.iterates.pictures()])
        return finished(self.teacher, self.averages, self._readouts(self.averages), images)

    def state(self) -> dict[str, Any]:
        """Return all that `restore` needs to go on as if nothing had happened."""
        return {
            "settings": asdict(self.settings),
            "sizes": self.sizes,
            "step": self.step,
            "parameters": {name: value.detach() for name, value in self.parameters.items()},
            "averages": self.averages,
            "scales": self.scales,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "details": self.details.state(),
            "iterates": self.iterates.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to where `state` was taken; the teacher is the same.

        Raises
        ------
        OptionError
            The state is of a training with other settings or pictures.
        """
        ours, theirs = asdict(self.settings), state["settings"]
        for name in ours.keys() - FREE:
            if ours[name] != theirs[name]:
                raise OptionError(
                    f"The run was begun with {name} = {theirs[name]}, which now is {ours[name]}. "
                    "Give the same again, or another --output."
                )
        if self.sizes != state["sizes"]:
            raise OptionError(
                f"The run was begun with {state['sizes']} pictures, now there are {self.sizes}. "
                "Give the same --pictures again, or another --output."
            )
        self.step, self.averages, self.scales = state["step"], state["averages"], state["scales"]
        with torch.no_grad():
            for name, value in self.parameters.items():
                value.copy_(state["parameters"][name])
        for optimizer, values in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(values)
        self.details.restore(state["details"])
        self.iterates.restore(state["iterates"])

    def _begin(self, teacher: Parameters) -> tuple[dict[str, Tensor], dict[str, float]]:
        """Return the first parameters, and each layer's root of Σ F² / (N M) for its read-out."""
        count = self.settings.fitted_on
        kernels = pruned(teacher, self.details.batch(count), self.settings.seed)
        with torch.no_grad():
            found = evaluate(teacher, kernels, self.details.batch(count), LAYERS, torch.float32)
        scales = {layer: float(mean_square(item.teacher).sqrt()) for layer, item in found.items()}
        readouts = {
            f"{layer}.readout": least_squares(item) / scales[layer] for layer, item in found.items()
        }
        parameters = {
            name: value.flatten(1) if value.ndim == 4 else value
            for name, value in (kernels | readouts).items()
        }
        return {name: value.requires_grad_() for name, value in parameters.items()}, scales

    def _errors(self, parameters: Parameters, images: Tensor) -> Errors:
        found = evaluate(self.teacher, parameters, images, LAYERS)
        return errors(found, self._readouts(parameters))

    def _readouts(self, parameters: Parameters) -> dict[str, Tensor]:
        """By layer, from the student's responses to the teacher's, shape (N, n)."""
        return {layer: self.scales[layer] * parameters[f"{layer}.readout"] for layer in LAYERS}

    def _images(self) -> Tensor:
        settings = self.settings
        if self.step < settings.first_iterates:
            return self.details.batch(settings.details_per_step + settings.iterates_per_step)
        fixed = {name: value.detach() for name, value in self.parameters.items()}
        iterates = self.iterates.batch(
            fixed, self._readouts(fixed), settings.iterates_per_step, settings.chain_steps
        )
        return torch.cat([self.details.batch(settings.details_per_step), iterates])

    def _rate(self) -> float:
        settings = self.settings
        warm = min(1.0, (self.step + 1) / settings.warm_up)
        return settings.rate * warm * (1 + math.cos(math.pi * self.step / settings.steps)) / 2


def _for_convolutions(value: Tensor) -> Tensor:
    """In bfloat16, and a kernel in the layout in which such convolutions are fastest."""
    value = value.bfloat16()
    return value.contiguous(memory_format=torch.channels_last) if value.ndim == 4 else value
