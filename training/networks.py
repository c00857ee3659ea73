"""Teacher and student: VGG-19's layers in torch, at full and at a quarter of the width."""

import ctypes
from collections.abc import Iterable, Mapping
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from stylize.export.network.architecture import Convolution, Network, vgg19
from stylize.export.writing.compact import LAST_LAYER, compact_network
from stylize.models.preprocessing import CAFFE

GREY_LEVELS = 64.0
"""The student sees its images in these units, so that its weights are of order one."""

TEACHER = vgg19(preprocessing=CAFFE).up_to(LAST_LAYER)
STUDENT = replace(compact_network(), preprocessing=replace(CAFFE, std=(GREY_LEVELS,) * 3))
CONVOLUTIONS = tuple(layer for layer in STUDENT.layers if isinstance(layer, Convolution))

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Options of glibc's mallopt."""

Parameters = Mapping[str, Tensor]


def preprocess(network: Network, images: Tensor) -> Tensor:
    """RGB in 0...1, shape (B, 3, H, W), to what the network was trained on."""
    preprocessing = network.preprocessing
    if preprocessing.channel_order == "BGR":
        images = images.flip(1)
    mean, std = (
        torch.tensor(values).reshape(1, 3, 1, 1)
        for values in (preprocessing.mean, preprocessing.std)
    )
    return (images * preprocessing.scale - mean) / std


def responses(
    network: Network,
    parameters: Parameters,
    images: Tensor,
    layers: Iterable[str],
    dtype: torch.dtype = torch.bfloat16,
) -> dict[str, Tensor]:
    """Return the responses of `layers` to `images`.

    Parameters
    ----------
    network : Network
        The layers.
    parameters : mapping of str to Tensor
        Kernels and biases, ``conv1_1.weight`` ..., kernels also as matrices (O, 9 I).
    images : Tensor
        RGB in 0...1, shape (B, 3, H, W).
    layers : iterable of str
        Which are wanted; the network is followed no further than the deepest.
    dtype : torch.dtype
        What it is computed in.

    Returns
    -------
    dict of str to Tensor
        By layer, shape (B, M, N): N channels at M positions, the transpose of the paper's F.
    """
    wanted = set(layers)
    # Channels last, in which bfloat16 convolutions take half the time on a CPU.
    value = preprocess(network, images).to(dtype).to(memory_format=torch.channels_last)
    found = {}
    for layer in network.up_to(network.deepest(list(wanted))).layers:
        if isinstance(layer, Convolution):
            weight, bias = (
                parameters[name].reshape(shape).to(dtype) for name, shape in layer.shapes.items()
            )
            value = functional.relu(functional.conv2d(value, weight, bias, padding=1))
        else:
            value = functional.avg_pool2d(value, 2)
        if layer.name in wanted:
            found[layer.name] = value.permute(0, 2, 3, 1).flatten(1, 2)
    return found


def keep_memory() -> None:
    """Let glibc keep what it was given: fresh pages for every map double a step's time."""
    try:
        allocator = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    for option in (TRIM_THRESHOLD, MMAP_THRESHOLD):
        allocator(option, (1 << 31) - 1)
