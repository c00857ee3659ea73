"""A seeded, untrained network of the embedded model's topology, to show what training is worth.

Random filters, if they are smooth and their responses normalised, transfer colours and fine
textures (compare He, Wang and Hopcroft 2016); they know no shapes and no large strokes.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from stylize.export.network.architecture import Convolution, Network, vgg19
from stylize.export.network.weights import Weights
from stylize.export.writing.compact import LAST_LAYER, WIDTH
from stylize.export.writing.write import write_folder
from stylize.models.preprocessing import CAFFE

Array = npt.NDArray[np.float64]

NAME = "narrow vgg19"
SMOOTHNESS = 1.5
"""Power of the spatial frequency by which a filter's terms fall off."""
CONSTANT_TERM = 0.2
"""Weight of the filters' constant term: small, so that edges count more than brightness."""
THRESHOLD = 0.2
"""Standard deviations that a response must exceed to pass the ReLU."""
POOLING_GAIN = 0.6
"""Factor on all responses after each pooling, so that the deep Gram matrices, which mean the
least without training, weigh the least."""
FEATURE_SCALE = 40.0
"""Makes alpha and beta act on these responses about as on VGG-19's; found by comparing pictures."""

# Statistics of photographs, as random images have to stand in for them.
GREY_LEVELS = 60.0
COLOURS = np.array([[1.0, 0.25, 0.1], [1.0, -0.05, -0.2], [1.0, -0.25, 0.15]])
"""Columns: brightness and the two weaker opponent colours, as they mix in each channel."""


def untrained_network() -> Network:
    """Return VGG-19's layers up to conv5_1, a quarter as wide."""
    preprocessing = replace(CAFFE, feature_scale=FEATURE_SCALE)
    return vgg19(preprocessing=preprocessing, width=WIDTH, name=NAME).up_to(LAST_LAYER)


def untrained_weights(network: Network, seed: int = 0) -> Weights:
    """Draw smooth filters, and normalise each response over images of 1/f noise."""
    random = np.random.default_rng(seed)
    responses = noise_images(random, count=4, side=128)
    gain = 1.0
    arrays: dict[str, npt.NDArray[np.float32]] = {}
    for layer in network.layers:
        if isinstance(layer, Convolution):
            kernel = _smooth_filters(random, layer)
            sums = _convolve(responses, kernel)
            spread = sums.std(axis=(0, 2, 3))
            kernel *= gain / spread[:, None, None, None]
            bias = -gain * (sums.mean(axis=(0, 2, 3)) / spread + THRESHOLD)
            responses = np.maximum(_convolve(responses, kernel) + bias[:, None, None], 0)
            arrays[f"{layer.name}.weight"] = kernel.astype(np.float32)
            arrays[f"{layer.name}.bias"] = bias.astype(np.float32)
        else:
            responses = _average_pool(responses)
            gain *= POOLING_GAIN
    return Weights(
        arrays,
        source=f"untrained, seed {seed}",
        source_sha256="0" * 64,  # there is no file
        licence="MIT",
        preprocessing=network.preprocessing,
    )


def write(folder: Path) -> None:
    """Write the model folder."""
    network = untrained_network()
    write_folder(folder, network, untrained_weights(network), half=True)


def noise_images(random: np.random.Generator, count: int, side: int) -> Array:
    """Return images whose amplitudes fall as 1/frequency, as photographs' do.

    Shape (count, 3, side, side), in grey levels around zero.
    """
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(random.standard_normal((count, 3, side, side))) / frequency
    noise = np.fft.irfft2(spectrum, (side, side))
    noise /= noise.std(axis=(2, 3), keepdims=True)
    return GREY_LEVELS * np.einsum("ij,njhw->nihw", COLOURS, noise)


def _smooth_filters(random: np.random.Generator, layer: Convolution) -> Array:
    """Return 3x3 kernels with random cosine terms, weaker at higher frequencies."""
    terms = random.standard_normal((layer.channels, layer.inputs, 3, 3))
    order = np.arange(3)
    amplitudes = 1 / (1 + order[:, None] + order) ** SMOOTHNESS
    amplitudes[0, 0] = CONSTANT_TERM
    cosines = np.cos(np.pi * order[:, None] * (2 * order + 1) / 6)
    cosines /= np.linalg.norm(cosines, axis=1, keepdims=True)
    return np.einsum("oiuv,uv,uh,vw->oihw", terms, amplitudes, cosines, cosines)


def _convolve(images: Array, kernel: Array) -> Array:
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = sliding_window_view(padded, (3, 3), axis=(2, 3))
    return np.einsum("nihwuv,oiuv->nohw", windows, kernel, optimize=True)


def _average_pool(images: Array) -> Array:
    count, channels, height, width = images.shape
    return images.reshape(count, channels, height // 2, 2, width // 2, 2).mean(axis=(3, 5))
