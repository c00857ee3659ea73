"""The running mean of a search's images, where that is wanted in place of the best of them."""

import numpy as np
import numpy.typing as npt

from stylize.runtime.method.descent import Descent
from stylize.runtime.method.held import Kept
from stylize.runtime.method.standing import Entry, State

Array = npt.NDArray[np.float32]

MEAN = "mean"
"""What a state calls the mean."""


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

    def __init__(self, search: Descent, decay: float) -> None:
        self.objective = search.objective
        self._search = search
        self._decay = decay
        self._steps = 0
        self._mean = self._before = search.next_image

    def step(self) -> None:
        """Evaluate the image, find the next, and take it into the mean."""
        self._search.step()
        share = (1 - self._decay) / (1 - self._decay ** (self._steps + 2))
        mean = self._mean + np.float32(share) * (self._search.next_image - self._mean)
        self._before, self._mean, self._steps = self._mean, mean, self._steps + 1

    def hold(self, iteration: int) -> Kept:
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
        self._steps = int(state["iteration"].read())
        self._mean = self._before = state[MEAN].read()

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
