"""The tensors of a weights file, known by name and shape before any number is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]


@dataclass(frozen=True)
class FileTensor:
    """A tensor that lies in a file.

    Attributes
    ----------
    shape : tuple of int
        What the file says that its shape is; nothing was allocated for it yet.
    kind : str
        What kind of tensor it is, as the file's format names it.
    floating : bool
        Whether it is a plain array of floating-point numbers, which alone can be read.
    read : function
        Returns its numbers as float32.
    """

    shape: tuple[int, ...]
    kind: str
    floating: bool
    read: Callable[[], Array]


FileTensors = Mapping[str, FileTensor]
