"""Roots of matrices, by products of matrices alone, as all providers have them."""

from stylize.export.calculus.terms import Term
from stylize.export.method.moments import identity

NEWTON_SCHULZ = 12
"""Iterations, as in crowsonkb/style-transfer-pytorch. More would let rounding errors grow: each
multiplies a small eigenvalue by 2.25, and in float32 errors are about 1e-6 of the norm."""

TINY = 1e-20


def square_root(matrix: Term) -> Term:
    """Append A^½ of a symmetric positive matrix by Newton and Schulz (Higham 2008, eq. 6.35).

    Eigenvalues below 1e-4 of the norm do not get there in so few iterations; their roots remain
    smaller than they should be.
    """
    norm, most = _norm(matrix), 1.5 * identity(matrix)
    y = matrix / norm
    turn = most - 0.5 * y  # z begins with the identity
    y, z = y @ turn, turn
    for _ in range(NEWTON_SCHULZ - 1):
        turn = _turn(z, y, most)
        y, z = y @ turn, turn @ z
    return y * norm.op("Sqrt")


def inverse(root: Term) -> Term:
    """Append B⁻¹ of a symmetric positive matrix by the same iteration.

    So crowsonkb/style-transfer-pytorch leads gradients back through a root, by Lin and Maji (2017,
    "Improved Bilinear Pooling with CNNs"). The gradient of a trace commutes with the root, which
    leaves this of it.
    """
    norm, most = _norm(root), 1.5 * identity(root)
    sign = root / norm
    turn = _turn(sign, sign, most)
    sign, found = sign @ turn, turn
    for _ in range(NEWTON_SCHULZ - 1):
        turn = _turn(sign, sign, most)
        sign, found = sign @ turn, found @ turn
    return found / norm


def _turn(one: Term, other: Term, most: Term) -> Term:
    """Append (3 I - A B) / 2, given 3/2 I."""
    return one.op("Gemm", other, most, alpha=-0.5)


def _norm(matrix: Term) -> Term:
    """Append |A|, above 0 for nothing, too: a layer that does not count may have no target."""
    return matrix.op("ReduceL2", keepdims=1) + TINY
