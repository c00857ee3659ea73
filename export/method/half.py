"""What keeps the gradients of a graph with float16 responses within float16's range.

The total loss may be 1e12 and its gradient by a response 1e6, but float16 ends at 65504. Near the
end of a run they are a millionth of that, and float16 has no digits left there. But the way back
through the network is linear. So what enters it is divided by a scale, and what comes out is
multiplied by it. The scale follows from the losses, which are known before the way back begins.
"""

from collections.abc import Callable

from stylize.export.calculus.terms import Term
from stylize.export.method.moments import Moments, total
from stylize.export.method.statistics import MOMENTS, StyleLayer
from stylize.export.network.forward import Parameters, add_parameter
from stylize.models.layers import Statistics

ROOT_MEAN_SQUARE = 8.0
"""Bound on the root mean square of the gradients that enter. On VGG-19's way back the largest
element was 70 times as large, which leaves a factor of a hundred. Elements of the deepest layers
may be a millionth of it."""

TINY = 1e-30


def content_slope(weight: Term, loss: Term, feature: Term, scale: float) -> Term:
    """Return the root mean square of w dL_c/dF, by eq. 1 and 2: |F - P| = sqrt(2 L_c)."""
    return scale * weight * (2 * loss / _size(feature)).op("Sqrt")


def gram_slope(loss: Term, feature: Term, found: Moments, layer: StyleLayer) -> Term:
    """Return a bound on the root mean square of dE_l/dF, by eq. 4 and 6.

    dE_l/dF = (G - A) F / (N² M²), where |G - A| = 2 N M sqrt(E_l) and |F|² = tr G ≤ sqrt(N) |G|.
    """
    root_of_channels = _size(found.gram).op("Sqrt").op("Sqrt")
    mean_square = found.gram.op("ReduceL2", keepdims=0) / root_of_channels
    return 2 * layer.scale**2 * (loss * mean_square).op("Sqrt") / _size(feature)


def moments_slope(loss: Term, feature: Term, found: Moments, layer: StyleLayer) -> Term:
    """Return the same of E_l + 5/2 N (|μ - ν|² + |σ - τ|²).

    The moments' part L of it has, over all positions, a mean of 5 N (μ - ν) / M, and beside it one
    of σ times 5 N (σ - τ) / σ M. So |dL/dF|² is 10 N L / M.
    """
    squares = 4 * MOMENTS * layer.represented * layer.channels * loss
    slope = layer.scale * squares.op("Sqrt") / _size(feature)
    return slope + gram_slope(loss, feature, found, layer)


def guided_slope(
    weight: Term, loss: Term, feature: Term, found: Moments, guidance: Term, layer: StyleLayer
) -> Term:
    """Return a bound on the root mean square of Σ_r weight_r dE_r/dF, of guided Gram matrices.

    dE_r/dF = (G - A) (w F) / N², where |w F|² ≤ max w · tr G; the rest is as in `gram_slope`.
    """
    grams = found.gram.op("ReduceL2", axes=[1, 2], keepdims=1)
    squares = loss * grams * _most(guidance)
    root_of_channels = layer.channels**0.5
    slopes = (squares / (root_of_channels * layer.channels * _size(feature))).op("Sqrt")
    return 2 * layer.scale**2 * total(weight * slopes)


SLOPES: dict[Statistics, Callable[[Term, Term, Moments, StyleLayer], Term]] = {
    "gram": gram_slope,
    "gram+moments": moments_slope,
}
"""Bounds on the root mean square of the gradient by F, which a layer's loss sends back.

There is none for ``bures``, whose roots need more digits than devices have left in float16.
"""


def gain(readout: Term) -> Term:
    """Return a bound on |R|₂, the factor by which a read-out may lengthen a gradient.

    |R|₂² = |Rᵀ R|₂.
    """
    return _norm(readout.op("Transpose", perm=[1, 0]).op("MatMul", readout)).op("Sqrt")


def read_back(slope: Term, weights: Parameters, readout: str | None) -> Term:
    """Return a bound on how large a gradient is once it has gone back through a read-out."""
    if readout is None:
        return slope
    matrix = add_parameter(slope.graph, weights[readout], slope.graph.dtype)
    return slope * gain(Term(slope.graph, matrix))


def sums_slope(gram: Term, sums: Term, feature: Term, guidance: Term) -> Term:
    """Return a bound on the root mean square of Σ_r (D + Dᵀ) (w F) + g wᵀ.

    Given are D = dL/d(Σ w F Fᵀ), symmetric, and g = dL/d(Σ w F), of each region.
    """
    length = feature.op("ReduceL2", keepdims=1).op("Squeeze")
    norms = gram.op("ReduceL1", axes=[2], keepdims=1).op("ReduceMax", axes=[1], keepdims=1)
    steepest = sums.op("Abs").op("ReduceMax", axes=[1, 2], keepdims=1)
    slopes = 2 * norms * length / _size(feature).op("Sqrt") + steepest
    return total(_most(guidance) * slopes)


def _most(guidance: Term) -> Term:
    """Return the largest weight of each region, shape (R, 1, 1)."""
    return guidance.op("ReduceMax", axes=[1, 2], keepdims=1)


def largest(gradient: Term) -> Term:
    """Return the largest element's absolute value; no root mean square exceeds it."""
    return gradient.op("Abs").op("ReduceMax", keepdims=1).op("Squeeze")


def _norm(matrix: Term) -> Term:
    """Return the largest sum of a row's absolute values.

    No norm of a symmetric matrix S is less than |S|₂.
    """
    rows = matrix.op("Abs").op("ReduceL1", axes=[1], keepdims=0)
    return rows.op("ReduceMax", keepdims=0)


def _size(feature: Term) -> Term:
    """Return the number of elements, N M."""
    return feature.op("Shape").as_number().op("ReduceProd", keepdims=0)


def gradient_scale(slopes: list[Term]) -> Term:
    """Return the divisor that brings what enters to `ROOT_MEAN_SQUARE` at most."""
    total = slopes[0]
    for slope in slopes[1:]:
        total = total + slope
    return (total * (1 / ROOT_MEAN_SQUARE)).at_least(TINY)
