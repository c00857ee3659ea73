"""From an RGB image in 0...1 to what a network was trained on: an affine map of the colours."""

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

# Not gt=0: that compares with the least denormal, which threads that ran ONNX Runtime take for 0.
Positive = Annotated[float, msgspec.Meta(ge=1e-6, le=1e6)]
Level = Annotated[float, msgspec.Meta(ge=-1e6, le=1e6)]


@dataclass(frozen=True)
class Preprocessing:
    """What happens to an image inside the graphs, before the first convolution.

    A pixel becomes ``(scale * pixel[channel_order] - mean) / std``.

    Attributes
    ----------
    name : str
        Its name on the command line.
    channel_order : {"RGB", "BGR"}
        The order in which the network takes the channels; `mean` and `std` are in this order.
    scale : float
        Largest value of a channel, 255 or 1.
    mean, std : tuple of 3 floats
        What is subtracted, and what is then divided by, in units of `scale`.
    feature_scale : float
        Features times this factor have the magnitude of the Caffe network's, for which the
        paper's alpha and beta were chosen. The losses are taken of features so scaled.
    """

    name: str
    channel_order: Literal["RGB", "BGR"]
    scale: Positive
    mean: tuple[Level, Level, Level]
    std: tuple[Positive, Positive, Positive]
    feature_scale: Positive


CAFFE = Preprocessing(
    name="caffe",
    channel_order="BGR",
    scale=255.0,
    mean=(103.939, 116.779, 123.68),
    std=(1.0, 1.0, 1.0),
    feature_scale=1.0,
)
"""The original weights of Simonyan and Zisserman: BGR in 0...255 minus ImageNet's mean."""

_IMAGENET_STD = (0.229, 0.224, 0.225)

TORCHVISION = Preprocessing(
    name="torchvision",
    channel_order="RGB",
    scale=1.0,
    mean=(0.485, 0.456, 0.406),
    std=_IMAGENET_STD,
    # One unit of its input is a standard deviation, about 58 grey levels; a ReLU network's
    # features grow in proportion to its input (biases apart).
    feature_scale=255.0 * sum(_IMAGENET_STD) / 3,
)
"""torchvision's ImageNet weights: RGB in 0...1, normalised by mean and standard deviation."""

PREPROCESSINGS = {item.name: item for item in (CAFFE, TORCHVISION)}
