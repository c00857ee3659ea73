"""What both pictures are made with: noise, a smooth step, and the last step to an image."""

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Array = npt.NDArray[Any]
Colour = tuple[float, float, float]
Random = np.random.Generator

_TEXTURE = 1024
"""Pixels along a side of the textures of Grain."""


class Grain:
    """Two endless fractal textures to look up: rough as plaster and soft as clouds."""

    def __init__(self, rng: Random) -> None:
        """Draw the textures."""
        self._textures = [fractal_noise((_TEXTURE, _TEXTURE), s, rng) for s in (1.3, 1.75)]

    def rough(self, u: Array, v: Array) -> Array:
        """Look points up in the rough texture."""
        return self._look_up(0, u, v)

    def soft(self, u: Array, v: Array) -> Array:
        """Look points up in the soft texture."""
        return self._look_up(1, u, v)

    def _look_up(self, texture: int, u: Array, v: Array) -> Array:
        rows, columns = (np.floor(c).astype(int) % _TEXTURE for c in (v, u))
        return np.asarray(self._textures[texture][rows, columns])


def fractal_noise(shape: tuple[int, int], smoothness: float, rng: Random) -> Array:
    """Return noise of every size at once that tiles seamlessly, with variance 1."""
    pitch = frequencies(shape)
    pitch[0, 0] = np.inf
    noise = np.fft.irfft2(np.fft.rfft2(rng.standard_normal(shape)) / pitch**smoothness, shape)
    return np.asarray(noise / noise.std(), np.float32)


def frequencies(shape: tuple[int, ...]) -> Array:
    """Return the frequency of each term of a real Fourier transform of that shape."""
    return np.asarray(np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])))


def smoothstep(low: float, high: float, values: Array) -> Array:
    """Rise from 0 at ``low`` to 1 at ``high`` without a kink."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def reduce_to_image(pixels: Array, size: tuple[int, int]) -> Image.Image:
    """Turn an oversized array of colours from 0 to 1 into an image of that width and height."""
    image = Image.fromarray((np.clip(pixels, 0, 1) * 255).astype(np.uint8))
    return image.resize(size, Image.Resampling.LANCZOS)
