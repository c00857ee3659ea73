"""Adam's running means, which may go on where a coarser scale has left them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL.Image import Resampling

from stylize.runtime.method.standing import Entry, State
from stylize.runtime.pictures.arrays import add_enlarged, mirror, room_for, unframed

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Moments:
    """What Adam remembers (Kingma and Ba 2015, algorithm 1).

    Attributes
    ----------
    t : float
        The steps that were made.
    m, v : float32 array, shape (1, 3, height, width)
        The running means of the gradient and of its square, not yet divided by what corrects their
        bias.
    unit : int
        The power of two by which the gradient was divided; see `objective.Weights`.
    """

    t: float
    m: Array
    v: Array
    unit: int

    @classmethod
    def of(cls, state: State) -> "Moments | None":
        """Return those in a state; None if there are none."""
        if "m" not in state:
            return None
        t, m, v, unit = (state[name].read() for name in ("t", "m", "v", "unit"))
        return cls(float(t), m, v, int(unit))

    @property
    def state(self) -> State:
        """The same as a part of a state."""
        given = {"t": np.array(self.t), "m": self.m, "v": self.v, "unit": np.array(self.unit)}
        return {name: Entry.of(array) for name, array in given.items()}

    def in_unit(self, unit: int) -> "Moments":
        """Return the same of a gradient that is divided by another power of two."""
        more = self.unit - unit
        if not more:
            return self
        return Moments(self.t, np.ldexp(self.m, more), np.ldexp(self.v, 2 * more), unit)

    def enlarged(self, size: tuple[int, int], margin: int) -> "Moments":
        """Return the same for images of a larger height and width, of which the margin is a part.

        As crowsonkb/style-transfer-pytorch does: m is enlarged as an image is, and v linearly, so
        that it stays above zero.
        """
        m = _enlarged(self.m, size, margin, Resampling.BICUBIC)
        v = _enlarged(self.v, size, margin, Resampling.BILINEAR)
        return Moments(self.t, m, v, self.unit)


def _enlarged(pixels: Array, size: tuple[int, int], margin: int, how: Resampling) -> Array:
    height, width = (side - 2 * margin for side in size)
    whole, inside = room_for((width, height), margin)
    add_enlarged(inside, unframed(pixels, margin), how)
    mirror(whole, margin)
    return whole
