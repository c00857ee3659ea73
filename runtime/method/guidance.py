"""Guidance: how much each position of a layer counts for the losses of style of a region.

A mask goes down through the network as the picture does: the mean of 3x3 for each convolution, the
mean of 2x2 for each pooling. So T, the guidance, is at each position the share of its receptive
field that lies in the region, counted as often as ways lead there. Responses are multiplied by T
(Gatys et al. 2017, "Controlling Perceptual Factors in Neural Style Transfer", eq. 5 and 6):

    G_r = Σ T_r² F Fᵀ / Σ T_r²

Beside the edge of a region, where positions see both sides, they count less for either.
"""

from collections.abc import Collection, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from stylize.models.interface import GUIDANCE
from stylize.models.manifest import Layer

Array = npt.NDArray[np.float32]


def guidance(
    masks: Array, layers: Sequence[Layer], wanted: Collection[str], margin: int = 0
) -> dict[str, Array]:
    """Return the weight of each position in Gram matrices of regions.

    Parameters
    ----------
    masks : float32 array, shape (R, height, width)
        How much of each pixel belongs to each region, in 0...1.
    layers : sequence of Layer
        All layers of the network, from the image upwards.
    wanted : collection of str
        The names of the layers that have a loss of style.
    margin : int
        Pixels of the masks' mirror image around them, as a picture has.

    Returns
    -------
    dict of str to float32 array, shape (R, rows, columns)
        ``guidance.L``: T², divided by its sum, or 0 everywhere if nothing of a region is left.
        There are as many rows and columns as the layer's response to the picture has.
    """
    size = [side + 2 * margin for side in masks.shape[1:]]
    found = {
        layer.name: np.empty((len(masks), *(side // layer.stride for side in size)), np.float32)
        for layer in layers
        if layer.name in wanted
    }
    for number, mask in enumerate(masks):  # one at a time: they may be large
        for name, shares in _downwards(np.pad(mask, margin, "reflect"), layers, wanted):
            weights = np.square(shares, out=found[name][number])
            total = float(weights.sum(dtype=np.float64))
            weights /= np.float32(total or 1)
    return {f"{GUIDANCE}{name}": weights for name, weights in found.items()}


def _downwards(
    mask: Array, layers: Sequence[Layer], wanted: Collection[str]
) -> Iterator[tuple[str, Array]]:
    """Yield T of each layer that is wanted."""
    left, stride = set(wanted), 1
    for layer in layers:
        mask = _pooled(mask) if layer.stride > stride else _convolved(mask)
        stride = layer.stride
        if layer.name in left:
            left.remove(layer.name)
            yield layer.name, mask
        if not left:
            return


def _convolved(mask: Array) -> Array:
    """Return the mean of 3x3; beyond the border it is as at the border."""
    for axis in (0, 1):
        mask = _mean_of_three(np.moveaxis(mask, axis, 0))
        mask = np.moveaxis(mask, 0, axis)
    return mask


def _mean_of_three(rows: Array) -> Array:
    total = rows.copy()
    total[1:] += rows[:-1]
    total[:-1] += rows[1:]
    total[0] += rows[0]
    total[-1] += rows[-1]
    total /= 3
    return total


def _pooled(mask: Array) -> Array:
    """Return the mean of 2x2; an odd last row or column is dropped, as poolings do."""
    height, width = (side // 2 for side in mask.shape)
    even = mask[: 2 * height, : 2 * width]
    rows = even[::2] + even[1::2]
    rows /= 4
    found: Array = rows[:, ::2] + rows[:, 1::2]
    return found
