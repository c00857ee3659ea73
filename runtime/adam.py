"""Adam (Kingma and Ba 2015, algorithm 1) on the pixels of an image."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


@dataclass
class Adam:
    """The optimiser and its state, in the notation of the paper.

    Attributes
    ----------
    learning_rate : float
        The size of a step, in units of an image in 0...1; 0.02 is 5 of 255 grey levels.
    beta1, beta2 : float
        Decay of the running means of the gradient and of its square.
    epsilon : float
        Keeps pixels whose gradient has always been zero where they are.
    """

    learning_rate: float = 0.02
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    _t: int = field(default=0, init=False)
    _m: Array | float = field(default=0.0, init=False)
    _v: Array | float = field(default=0.0, init=False)

    def step(self, image: Array, gradient: Array, pace: float = 1.0) -> Array:
        """Return the next image, at `pace` times the usual distance.

        Both arrays are float32 and of the same shape.
        """
        self._t += 1
        self._m = self.beta1 * self._m + (1 - self.beta1) * gradient
        self._v = self.beta2 * self._v + (1 - self.beta2) * gradient**2
        mean = self._m / (1 - self.beta1**self._t)
        scale = np.sqrt(self._v / (1 - self.beta2**self._t)) + self.epsilon
        return image - pace * self.learning_rate * mean / scale

    def forget(self) -> None:
        """Begin anew: the next step starts elsewhere."""
        self._t, self._m, self._v = 0, 0.0, 0.0
