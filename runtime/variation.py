"""Total variation: how much neighbouring pixels differ. Gatys et al. do not use it."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

GREY_LEVELS = 255.0


def total_variation(image: Array) -> tuple[float, Array]:
    """Return ½ Σ [(x_{i,j+1} - x_{i,j})² + (x_{i+1,j} - x_{i,j})²] and its gradient.

    The sums run over all channels and over all pixels but those of the last row and column, as
    in jcjohnson/neural-style; x is in grey levels.

    Parameters
    ----------
    image : float32 array, shape (1, 3, height, width)
        In 0...1.

    Returns
    -------
    float
        In squared grey levels.
    float32 array, shape (1, 3, height, width)
        Its derivative by `image`.
    """
    here = image[..., :-1, :-1]
    across = image[..., :-1, 1:] - here
    down = image[..., 1:, :-1] - here
    gradient = np.zeros_like(image)
    gradient[..., :-1, :-1] -= across + down
    gradient[..., :-1, 1:] += across
    gradient[..., 1:, :-1] += down
    squares = np.sum(across**2, dtype=np.float64) + np.sum(down**2, dtype=np.float64)
    return GREY_LEVELS**2 * float(squares) / 2, np.float32(GREY_LEVELS**2) * gradient
