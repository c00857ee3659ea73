"""Blocks of a network, each of which a pooling ends, and what a layer set asks of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stylize.models.layers import LayerSet


@dataclass(frozen=True)
class Part:
    """What a layer set asks of one block.

    Attributes
    ----------
    number : int
        The block's, counted from 1 at the image.
    layers : LayerSet
        The layers of the block that have a loss.
    top : bool
        Whether no layer above the block has one.
    """

    number: int
    layers: LayerSet
    top: bool


def parts(blocks: Sequence[Sequence[str]], layers: LayerSet) -> Iterator[Part]:
    """Yield what a layer set asks of each block, from the image up to the last that has a loss.

    Parameters
    ----------
    blocks : sequence of sequences of str
        The names of each block's layers.
    layers : LayerSet
        The layers that have a loss.
    """
    used = set(layers.content + layers.style)
    for number, names in enumerate(blocks, start=1):
        within = LayerSet(
            tuple(name for name in layers.content if name in names),
            tuple(name for name in layers.style if name in names),
        )
        used.difference_update(names)
        yield Part(number, within, top=not used)
        if not used:
            return
