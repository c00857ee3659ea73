"""The running mean of a search's images, where that is wanted in place of the best of them."""

import numpy as np
import numpy.typing as npt

from stylize.runtime.method.descent import Descent
from stylize.runtime.method.held import Borrowed, Held, Kept
from stylize.runtime.method.moments import Moments
from stylize.runtime.method.standing import Entry, State
from stylize.runtime.method.streamed import StreamedSearch

Array = npt.NDArray[np.float32]

MEAN = "mean"
"""What a state calls the mean."""

ROWS = 256
"""Rows that are brought up to date at a time, where there is no room for copies."""


class Averaged:
    """A search whose image is the mean of all images so far, of which the latest weigh most.

    Gatys et al. do not do this; crowsonkb/style-transfer-pytorch does. It is the mean of Adam's
    moments (Kingma and Ba 2015, section 3), for images: none weighs more because it came first.
    The mean lies in the CPU's memory, so that a device waits at each step.

    Attributes
    ----------
    objective : Objective
        What is minimised.

    Parameters
    ----------
    search : Descent
        What finds the images; the one that it begins with counts as well.
    decay : float
        What is left of an image's weight after each further step.
    """

    def __init__(self, search: Descent | StreamedSearch, decay: float) -> None:
        self.objective = search.objective
        self._search = search
        self._decay = decay
        self._steps = 0
        self._mean = self._before = search.next_image

    def step(self) -> None:
        """Evaluate the image, find the next, and take it into the mean."""
        self._search.step()
        mean = self._mean + self._share * (self._search.next_image - self._mean)
        self._before, self._mean, self._steps = self._mean, mean, self._steps + 1

    @property
    def _share(self) -> np.float32:
        """How much the next image counts in the mean."""
        return np.float32((1 - self._decay) / (1 - self._decay ** (self._steps + 2)))

    def hold(self, iteration: int) -> Held:
        """Return a copy of the mean."""
        return Kept(self._mean.copy())

    def state_after(self, step: int) -> State | None:
        """Return all that the next step depends on, after one of the last two; None if it is gone.

        An interrupt may have come before the mean was brought up to date.
        """
        means = {self._steps - 1: self._before, self._steps: self._mean}
        state = self._search.state_after(step)
        return {**state, MEAN: Entry.of(means[step])} if state and step in means else None

    def resume(self, state: State) -> None:
        """Go on from another search's state."""
        self._search.resume(state)
        self._steps = self._search.iteration
        self._mean = self._before = state[MEAN].read()

    @property
    def moments(self) -> Moments | None:
        """Adam's running means."""
        return self._search.moments

    def carry(self, moments: Moments) -> None:
        """Go on from Adam's running means."""
        self._search.carry(moments)

    def finish(self) -> None:
        """Let go of what only steps need."""
        self._search.finish()

    @property
    def best_iteration(self) -> int:
        """The last step: each mean takes the place of the one before."""
        return self._steps

    @property
    def best_total(self) -> float:
        """The lowest loss of the images that were evaluated."""
        return self._search.best_total

    @property
    def restarted(self) -> bool:
        """Whether the loss exploded at the last step, so that the next begins at the best image."""
        return self._search.restarted

    @property
    def failed(self) -> bool:
        """Whether going on is of no use, since no step leads to a finite loss."""
        return self._search.failed


class AveragedByTiles(Averaged):
    """The same for pictures of any size, of which there is one mean."""

    def __init__(self, search: StreamedSearch, decay: float) -> None:
        super().__init__(search, decay)
        self._mean = self._before = search.next_image.copy()

    def step(self) -> None:
        """Evaluate the image, find the next, and take it into the mean."""
        self._search.step()
        following, share = self._search.next_image, self._share
        for start in range(0, self._mean.shape[2], ROWS):
            rows = slice(start, start + ROWS)
            mean = self._mean[:, :, rows]
            mean += share * (following[:, :, rows] - mean)
        self._steps += 1

    def hold(self, iteration: int) -> Borrowed:
        """Return the mean, until the next step."""
        return Borrowed(self, iteration, self._mean.shape, best=False)

    def image_of(self, iteration: int) -> Array | None:
        """Return the mean after a step, unless it is gone."""
        return self._mean if iteration == self._steps else None

    def state_after(self, step: int) -> State | None:
        """Return all that the next step depends on, after the last one; see `StreamedSearch`."""
        up_to_date = self._search.iteration == self._steps
        return super().state_after(step) if up_to_date else None

    def resume(self, state: State) -> None:
        """Go on from another search's state."""
        super().resume(state)
        self._mean = self._before = self._mean.copy()
