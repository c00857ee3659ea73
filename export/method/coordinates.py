"""Coordinates of an image in which large forms weigh more than grain.

The losses ask for changes of all sizes. But an optimiser that knows little of the curvature moves
each pixel by itself, and so paints grain first. Let the image be C z, where C blurs z at several
widths and sums up what comes out. A step in z then moves large areas together. To the optimiser
the gradient is Cᵀ ∂/∂image, and nothing else changes: it minimises the same loss. That is a change
of variables as Nocedal and Wright (2006, section 5.1) use it to precondition.

At spatial frequency f, C is about f^(-0.3), from the finest grain to forms of 256 pixels.
"""

import numpy as np

from stylize.export.calculus.terms import Term

WIDTHS = 7
"""How many widths there are, each twice the last."""
SLOPE = 0.3
"""How the weight falls with frequency."""
HALO = sum(2**width for width in range(WIDTHS))
"""How many pixels away an image still depends on a pixel of z: as far as all blurs reach, one after
another."""

_WEIGHTS = [1.0] + [2 ** (SLOPE * (k + 1)) - 2 ** (SLOPE * k) for k in range(WIDTHS)]
"""Weights of the image itself and of each blurred one, which sum up to f^(-SLOPE) there."""

_BINOMIAL = np.outer([1, 2, 1], [1, 2, 1]) / 16


def image_of(z: Term) -> Term:
    """Return C z, the image (or step) that coordinates stand for; shape (1, 3, height, width)."""
    blurred, image = z, _WEIGHTS[0] * z
    for width, weight in enumerate(_WEIGHTS[1:]):
        blurred = _blur(blurred, width)
        image = image + weight * blurred
    return image


def by_coordinates(gradient: Term) -> Term:
    """Return Cᵀ g, the gradient by the coordinates of a loss whose gradient by the image is g."""
    found = _WEIGHTS[-1] * gradient
    for width, weight in reversed(list(enumerate(_WEIGHTS[:-1]))):
        found = _blur(found, width) + weight * gradient
    return found


def _blur(image: Term, width: int) -> Term:
    """Return an image blurred by [1, 2, 1] / 4 along both sides, over 2^width pixels.

    What is beyond the edge is 0, which makes the blur its own transpose.
    """
    far = 2**width
    # Joined when the graph is loaded: its file holds nine numbers.
    one = Term(image.graph, image.graph.constant(_BINOMIAL[None, None]))
    kernel = one.op("Concat", one, one, axis=0)
    return image.op("Conv", kernel, group=3, dilations=[far, far], pads=[far] * 4)
