"""The VGG-19 layer table of Simonyan and Zisserman (2014), under the names of the paper."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from stylize.models.layers import PoolingKind, find_layer
from stylize.models.preprocessing import CAFFE, Preprocessing

VGG19_BLOCKS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))
"""(channels, convolutions) of each block; a pooling closes the block."""


@dataclass(frozen=True)
class Convolution:
    """A 3x3 convolution of stride 1 with one pixel of zero padding, and the ReLU after it."""

    name: str
    inputs: int
    channels: int
    represents: int | None = None
    """Channels of the layer that this one was distilled from, if it was. Such a layer has a
    read-out R. The losses see R F, whose distances are those of the layer that it represents."""

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of its kernel (OIHW) and bias."""
        return {
            f"{self.name}.weight": (self.channels, self.inputs, 3, 3),
            f"{self.name}.bias": (self.channels,),
        }

    @property
    def readout(self) -> str | None:
        """Name of its read-out, shape (channels, channels), if it has one."""
        return f"{self.name}.readout" if self.represents else None

    @property
    def represented_channels(self) -> int:
        """N in the losses: the channels, or those that they represent."""
        return self.represents or self.channels


@dataclass(frozen=True)
class Pooling:
    """A 2x2 pooling of stride 2; an odd last row or column is dropped."""

    name: str
    channels: int

    @property
    def readout(self) -> None:
        """A pooling has no read-out."""

    @property
    def represents(self) -> None:
        """A pooling represents no other layer."""

    @property
    def represented_channels(self) -> int:
        """N in the losses."""
        return self.channels


@dataclass(frozen=True)
class Network:
    """A chain of layers, from an RGB image in 0...1 upwards.

    Attributes
    ----------
    name : str
        The architecture.
    layers : tuple of Convolution or Pooling
        The layers in order from the image.
    pooling : {"average", "max"}
        Gatys et al. replace VGG-19's max pooling by average pooling.
    preprocessing : Preprocessing
        What the first layer expects of its input.
    """

    name: str
    layers: tuple[Convolution | Pooling, ...]
    pooling: PoolingKind
    preprocessing: Preprocessing

    @property
    def parameters(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of all kernels, biases and read-outs, in order."""
        shapes: dict[str, tuple[int, ...]] = {}
        for layer in self.layers:
            if isinstance(layer, Convolution):
                shapes |= layer.shapes
                if layer.readout:
                    shapes[layer.readout] = (layer.channels, layer.channels)
        return shapes

    @property
    def blocks(self) -> "tuple[tuple[Convolution | Pooling, ...], ...]":
        """The layers in blocks; a pooling closes each."""
        blocks: list[tuple[Convolution | Pooling, ...]] = []
        start = 0
        for end, layer in enumerate(self.layers, start=1):
            if isinstance(layer, Pooling) or end == len(self.layers):
                blocks.append(self.layers[start:end])
                start = end
        return tuple(blocks)

    def layer(self, name: str) -> Convolution | Pooling:
        """Return the layer of that name.

        Raises
        ------
        OptionError
            There is none.
        """
        return find_layer(self.layers, name, self.name)

    def up_to(self, name: str) -> "Network":
        """Return the network without the layers after `name`."""
        depth = self.layers.index(self.layer(name)) + 1
        return replace(self, layers=self.layers[:depth])

    def deepest(self, names: Sequence[str]) -> str:
        """Return the one of `names` whose layer lies furthest from the image."""
        return max(names, key=lambda name: self.layers.index(self.layer(name)))

    def stride(self, name: str) -> int:
        """Return the image pixels from one response of the layer `name` to the next."""
        depth = self.layers.index(self.layer(name)) + 1
        return 1 << sum(isinstance(layer, Pooling) for layer in self.layers[:depth])


def vgg19(
    pooling: PoolingKind = "average",
    preprocessing: Preprocessing = CAFFE,
    width: Fraction = Fraction(1),
    name: str = "vgg19",
) -> Network:
    """Return VGG-19's 16 convolutions and 5 poolings, every layer `width` times as wide."""
    layers: list[Convolution | Pooling] = []
    inputs = 3
    for block, (full_width, convolutions) in enumerate(VGG19_BLOCKS, start=1):
        channels = int(full_width * width)
        for index in range(1, convolutions + 1):
            layers.append(Convolution(f"conv{block}_{index}", inputs, channels))
            inputs = channels
        layers.append(Pooling(f"pool{block}", channels))
    return Network(name, tuple(layers), pooling, preprocessing)
