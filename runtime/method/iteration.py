"""The iteration on the pixels, and what each step of it gives."""

import os
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from stylize.models.errors import DivergenceError
from stylize.runtime.method.held import Held
from stylize.runtime.method.moments import Moments
from stylize.runtime.method.objective import Losses
from stylize.runtime.method.options import Options
from stylize.runtime.method.preserved import NOTHING, Preserved
from stylize.runtime.method.settling import Settling
from stylize.runtime.method.standing import (
    BEGINNING,
    NOBODY,
    Keeper,
    Snapshot,
    Standing,
    State,
    nothing_yet,
)
from stylize.runtime.pictures.arrays import unframed
from stylize.runtime.pictures.file_options import FileOptions
from stylize.runtime.pictures.saving import Manner, save_image
from stylize.runtime.pictures.shown import Shown

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Found:
    """An image that the iteration found.

    Attributes
    ----------
    iteration : int
        Counted from 1.
    total : float
        alpha L_c + beta L_s (eq. 7), in the normalisation that the options chose, plus the
        variation times its weight.
    held : Held
        The image with its margin, where the iteration holds it.
    preserved : Preserved
        What the picture has of the photo: its alpha, and its colours, whatever the image's are.
    margin : int
        Pixels around what is held that are no part of the image.
    """

    iteration: int
    total: float
    held: Held = field(repr=False)
    preserved: Preserved = field(repr=False)
    margin: int = field(repr=False)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the image, in pixels."""
        _, _, height, width = self.held.shape
        return width - 2 * self.margin, height - 2 * self.margin

    @property
    def pixels(self) -> Array:
        """The image in the CPU's memory: RGB, nominally in 0...1 but not clipped.

        It is a float32 array of shape (1, 3, height, width), and a copy.
        """
        return np.array(self._seen, order="C")

    @property
    def image(self) -> Image.Image:
        """The image as a picture, clipped to what can be shown: RGB, or RGBA if it has an alpha.

        It has the photo's colours if ``Options.colors`` is ``photo``; then `pixels` has greys. In
        another colour space than sRGB, its ``info`` has the profile.
        """
        return self.shown.image()

    @property
    def shown(self) -> Shown:
        """What is shown of the image, from which it can be saved with 8 or 16 bits a channel."""
        return self.preserved.shown(self._seen)

    def save(self, path: str | os.PathLike[str], bits: int = 8, quality: int = 95) -> None:
        """Write the image into a file, whole or not at all.

        Parameters
        ----------
        path : path
            Its ending tells the format: .png, .jpg, .webp or .tiff.
        bits : int
            Bits of each channel: 8, or for .png and .tiff 16.
        quality : int
            The quality of a .jpg or .webp, at most 100.

        Raises
        ------
        OptionError
            The format is unknown, or cannot have so many bits.
        ImageError
            The file cannot be written.
        """
        manner = Manner(FileOptions(bits=bits, quality=quality))
        save_image(self.shown, Path(path), manner=manner)

    def kept(self) -> "Found":
        """Return the image where no device can lose it."""
        return Found(self.iteration, self.total, self.held.kept(), self.preserved, self.margin)

    @property
    def _seen(self) -> Array:
        return unframed(self.held.read(), self.margin)


@dataclass(frozen=True)
class Iterate(Found):
    """One iteration: an image, and the losses evaluated at it.

    Attributes
    ----------
    seconds : float
        Seconds since the first iteration began.
    spared : int
        Iterations so far that were not needed, since the loss had settled (``Options.until``).
    content, style : float
        L_c (eq. 1) and L_s (eq. 5), the means of the layers' losses, without weights.
    content_losses, style_losses : dict of str to float
        L_c and E_l (eq. 4) by layer.
    variation : float or None
        Total variation, ½ Σ of squared differences in grey levels; None if it has no weight.
    best : Found
        The image with the lowest total so far, at this scale. A step without a line search may
        overshoot it. With ``Options.average`` it is the running mean, and `total` is the loss of
        the last image in it.
    restarted_from : int or None
        The earlier iteration from which the search goes on, by steps half as long, because the
        loss exploded here; None if it did not.
    """

    seconds: float
    spared: int
    content: float
    style: float
    content_losses: dict[str, float]
    style_losses: dict[str, float]
    variation: float | None
    best: Found
    restarted_from: int | None = None

    @property
    def losses(self) -> dict[str, float]:
        """All losses by name.

        The names are ``total``, ``content``, ``style``, ``content.L`` and ``style.L``, and
        ``variation`` if it has a weight.
        """
        return {
            "total": self.total,
            "content": self.content,
            "style": self.style,
            **{f"content.{layer}": loss for layer, loss in self.content_losses.items()},
            **{f"style.{layer}": loss for layer, loss in self.style_losses.items()},
            **({} if self.variation is None else {"variation": self.variation}),
        }


class Objective(Protocol):
    """What a search minimises."""

    @property
    def losses(self) -> Losses:
        """The losses at the image that was evaluated last."""


class Steps(Protocol):
    """Steps downhill, each one evaluation and one move."""

    def step(self) -> None:
        """Evaluate the image, and find the next."""

    def finish(self) -> None:
        """Let go of what only steps need; images that were found stay."""

    @property
    def best_iteration(self) -> int:
        """The step that evaluated the best image, counted from 1."""

    @property
    def best_total(self) -> float:
        """The loss of the best image."""

    @property
    def restarted(self) -> bool:
        """Whether the loss exploded at the last step, so that the next begins at the best image."""

    @property
    def failed(self) -> bool:
        """Whether going on is of no use, since no step leads to a finite loss."""


class Search(Steps, Protocol):
    """Steps downhill, with what they minimise and the images that they find."""

    @property
    def objective(self) -> Objective:
        """What it minimises."""

    def hold(self, iteration: int) -> Held:
        """Return the image that the last step evaluated, or the best."""

    @property
    def moments(self) -> Moments | None:
        """Copies of Adam's running means; None of L-BFGS, or if nobody here has them."""

    def carry(self, moments: Moments) -> None:
        """Go on from Adam's running means, as they came out of a coarser scale."""

    def state_after(self, step: int) -> State | None:
        """Return all that the next step depends on, after one of the last two; None if it is gone.

        That holds at any moment, also where an interrupt has left a step half done.
        """

    def resume(self, state: State) -> None:
        """Go on from another search's state."""


def minimise(
    search: Search,
    options: Options,
    every: int = 1,
    preserved: Preserved = NOTHING,
    standing: Standing = BEGINNING,
    keeper: Keeper = NOBODY,
) -> Generator[Iterate, None, Moments | None]:
    """Walk downhill, one evaluation of the gradient a step.

    If the loss explodes, the search goes back to the best image and on by smaller steps.

    Parameters
    ----------
    search : Search
        An optimiser with what it minimises, at the image to begin with.
    options : Options
        Only those of the iteration and `margin` are used.
    every : int
        One in so many iterates is given, beside the first and the last. Reading the losses of each
        would make a device wait.
    preserved : Preserved, optional
        What is shown of the photo. It changes nothing but the picture that is shown.
    standing : Standing
        How far the picture is: earlier scales, and steps that the search has made already.
    keeper : Keeper
        Is offered a snapshot after each step that was seen but the last, and at an interrupt.

    Returns
    -------
    Moments or None
        What Adam remembers at the end, if the next scale asks for it.

    Raises
    ------
    DivergenceError
        The first loss or its gradient is NaN or infinite, or they stay so however small the steps.
    """
    past, begun = standing, time.perf_counter() - standing.seconds
    found = _Found(search, partial(Found, preserved=preserved, margin=options.margin), past)
    settling = Settling(options.until, past.lowest)
    keeper.watch(lambda: _snapshot(search, standing, begun))
    try:
        for step in range(past.step + 1, options.iterations + 1):
            search.step()
            if step % every == 0 or step in (1, options.iterations):
                losses = search.objective.losses
                if search.failed:
                    raise DivergenceError(_divergence(past.iterations + step, losses.total))
                here, best = found.at(step, losses.total)
                settled = settling.at(step, search.best_total)
                spared = past.spared + (options.iterations - step if settled else 0)
                seconds = time.perf_counter() - begun
                yield _iterate(here, best, losses, seconds, spared, search.restarted)
                if settled:
                    break
            if step < options.iterations:
                standing = replace(standing, step=step, lowest=settling.seen)
                keeper.after(past.iterations + step)
        return search.moments if options.carry_moments else None
    except KeyboardInterrupt:
        keeper.interrupted()
        raise
    finally:
        keeper.watch(nothing_yet)
        search.finish()


def _snapshot(search: Search, standing: Standing, begun: float) -> Snapshot | None:
    """Return a snapshot after the last step that was seen; None if none was, or it is gone."""
    state = search.state_after(standing.step) if standing.step else None
    if state is None:
        return None
    return Snapshot(replace(standing, seconds=time.perf_counter() - begun), state)


class _Found:
    """What is found on the way: the image here, and the best so far."""

    def __init__(self, search: Search, make: Callable[..., Found], past: Standing) -> None:
        self._search, self._make = search, make
        self._past = past.iterations
        self._best: Found | None = None

    def at(self, step: int, total: float) -> tuple[Found, Found]:
        """Return the image that the last step evaluated, and the best."""
        search = self._search
        here = self._make(self._past + step, total, search.hold(step))
        best = self._past + search.best_iteration
        if best == here.iteration:
            self._best = here
        elif self._best is None or self._best.iteration != best:
            held = search.hold(search.best_iteration)
            self._best = self._make(best, search.best_total, held)
        return here, self._best


def _divergence(iteration: int, total: float) -> str:
    return (
        f"At iteration {iteration} the loss is {total}, and its gradient of no use. The "
        "model's weights are damaged, or they give responses too large for float32: export it "
        "again."
    )


def _iterate(
    here: Found, best: Found, losses: Losses, seconds: float, spared: int, restarted: bool
) -> Iterate:
    return Iterate(
        **vars(here),
        seconds=seconds,
        spared=spared,
        content=_mean(losses.content_losses),
        style=_mean(losses.style_losses),
        content_losses=losses.content_losses,
        style_losses=losses.style_losses,
        variation=losses.variation,
        best=best,
        restarted_from=best.iteration if restarted else None,
    )


def _mean(losses: dict[str, float]) -> float:
    return sum(losses.values()) / len(losses) if losses else 0.0
