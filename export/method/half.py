"""What keeps the gradients of a graph with float16 responses within float16's range.

The total loss may be 1e12 and its gradient by a response 1e6, but float16 ends at 65504. Near the
end of a run they are a millionth of that, and float16 has no digits left there. But the way back
through the network is linear. So what enters it is divided by a scale, and what comes out is
multiplied by it. The scale follows from the losses, which are known before the way back begins.
"""

from stylize.export.calculus.terms import Term

ROOT_MEAN_SQUARE = 8.0
"""Bound on the root mean square of the gradients that enter. On VGG-19's way back the largest
element was 70 times as large, which leaves a factor of a hundred. Elements of the deepest layers
may be a millionth of it."""

TINY = 1e-30


def content_slope(weight: Term, loss: Term, feature: Term, scale: float) -> Term:
    """Return the root mean square of w dL_c/dF, by eq. 1 and 2: |F - P| = sqrt(2 L_c)."""
    return scale * weight * (2 * loss / _size(feature)).op("Sqrt")


def style_slope(weight: Term, loss: Term, feature: Term, gram: Term, scale: float) -> Term:
    """Return a bound on the root mean square of w dE_l/dF, by eq. 4 and 6.

    dE_l/dF = (G - A) F / (N² M²), where |G - A| = 2 N M sqrt(E_l) and |F|² = tr G ≤ sqrt(N) |G|.
    """
    root_of_channels = _size(gram).op("Sqrt").op("Sqrt")
    mean_square = gram.op("ReduceL2", keepdims=0) / root_of_channels
    return 2 * scale**2 * weight * (loss * mean_square).op("Sqrt") / _size(feature)


def gain(readout: Term) -> Term:
    """Return a bound on |R|₂, the factor by which a read-out may lengthen a gradient.

    |R|₂² = |Rᵀ R|₂, and no norm of a symmetric matrix is less than that: here the largest sum of a
    row's absolute values.
    """
    square = readout.op("Transpose", perm=[1, 0]).op("MatMul", readout)
    rows = square.op("Abs").op("ReduceL1", axes=[1], keepdims=0)
    return rows.op("ReduceMax", keepdims=0).op("Sqrt")


def _size(feature: Term) -> Term:
    """Return the number of elements, N M."""
    return feature.op("Shape").as_number().op("ReduceProd", keepdims=0)


def gradient_scale(slopes: list[Term]) -> Term:
    """Return the divisor that brings what enters to `ROOT_MEAN_SQUARE` at most."""
    total = slopes[0]
    for slope in slopes[1:]:
        total = total + slope
    return (total * (1 / ROOT_MEAN_SQUARE)).at_least(TINY)
