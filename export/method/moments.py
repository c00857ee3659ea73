"""What a style loss sees of a layer: two sums over positions.

F, of shape (N, M), holds the responses of a layer: N channels at M positions. All that is compared
follows from two sums over positions, so that a picture can be seen a tile after the other:

    G = F Fᵀ / M,  the Gram matrix (eq. 3 of Gatys et al. 2015), and  μ = F 1 / M,  the mean.

The covariance is C = G - μ μᵀ, and σ, the standard deviations, the root of its diagonal. Both sums
of a painting are one matrix, that of F with a channel that is 1 everywhere:

    [ A   ν ]
    [ νᵀ  1 ]

Such matrices of several paintings can be added up with weights, whatever is compared.
"""

from dataclasses import dataclass

from stylize.export.calculus.graph import Dimensions, Graph
from stylize.export.calculus.terms import Term, whole_numbers
from stylize.export.network.forward import Parameters
from stylize.export.network.readout import read_gram, read_mean

LEAST_VARIANCE = 1e-5
"""What is added to variances: a channel that nothing excites still has a slope."""

ROUNDING = 1e-5
"""Rounding errors of a Gram matrix in float32, in parts of its trace, at most."""


@dataclass(frozen=True)
class Moments:
    """G, shape (N, N), and μ, shape (N, 1)."""

    gram: Term
    mean: Term

    def over(self, positions: Term) -> "Moments":
        """Return what these sums are divided by the number of positions."""
        share = positions.op("Reciprocal")
        return Moments(self.gram * share, self.mean * share)

    def read_out(self, weights: Parameters, readout: str | None) -> "Moments":
        """Return those of R F."""
        if readout is None:
            return self
        graph, given = self.gram.graph, (self.gram.name, self.mean.name)
        read = zip((read_gram, read_mean), given, strict=True)
        return Moments(*(Term(graph, each(graph, weights, readout, name)) for each, name in read))

    @property
    def variances(self) -> Term:
        """σ², shape (N, 1); rounding errors may make it negative."""
        return _sums_of_rows(self.gram * identity(self.gram)) - self.mean * self.mean

    @property
    def deviations(self) -> Term:
        """σ, shape (N, 1)."""
        return (self.variances.op("Relu") + LEAST_VARIANCE).op("Sqrt")

    def covariance(self, floor: float) -> Term:
        """Return C + ε I, shape (N, N).

        Of what varies hardly at all, as a picture of one colour, the difference of G and μ μᵀ is
        rounding errors, which may be negative. There ε is as large as these are at most.
        """
        one = identity(self.gram)
        found = self.gram - self.mean.op("Gemm", self.mean, transB=1)
        errors = (ROUNDING * trace(self.gram) - 10 * ROUNDING * trace(found)).op("Relu")
        return found + (floor + errors.held()) * one

    def matrix(self) -> Term:
        """Return both in one matrix, shape (N+1, N+1)."""
        one = Term(self.gram.graph, self.gram.graph.constant([[1]]))
        return bordered(self.gram, self.mean, one)


def add_sums(graph: Graph, rows: str) -> Moments:
    """Append F Fᵀ (eq. 3) and F 1, given F."""
    gram = Term(graph, graph.add("Gemm", rows, rows, transB=1))
    return Moments(gram, _sums_of_rows(Term(graph, rows)))


def add_moments(graph: Graph, feature: str, channels: int) -> Moments:
    """Append G and μ of a response, shape (1, N, height, width)."""
    rows = Term(graph, feature).shaped(channels, -1)
    return add_sums(graph, rows.name).over(rows.op("Shape", start=1).as_number())


def parts(sums: Moments, channels: int) -> list[tuple[str, str, Dimensions]]:
    """Return the kind, the value and the shape of each of a layer's sums."""
    return [
        ("gram", sums.gram.name, (channels, channels)),
        ("sum", sums.mean.name, (channels, 1)),
    ]


def split(matrix: Term, channels: int) -> Moments:
    """Take apart what `Moments.matrix` put together."""
    return Moments(
        gram=part(matrix, (0, 0), (channels, channels)),
        mean=part(matrix, (0, channels), (channels, channels + 1)),
    )


def target_shape(channels: int) -> Dimensions:
    """Return the shape of a style target."""
    return (channels + 1, channels + 1)


def identity(like: Term) -> Term:
    """Return a matrix of the same shape that is 1 on its diagonal and 0 elsewhere."""
    return like.op("EyeLike")


def trace(matrix: Term) -> Term:
    """Append the sum of the diagonal."""
    return total(matrix * identity(matrix))


def total(product: Term) -> Term:
    """Append the sum of a product's elements.

    It keeps its dimensions: OpenVINO's provider leaves sums to a number to another.
    """
    return product.op("ReduceSum", keepdims=1).op("Squeeze")


def bordered(matrix: Term, column: Term, corner: Term) -> Term:
    """Put a column beside a matrix and below it, and a number in the corner."""
    above = matrix.op("Concat", column, axis=1)
    below = column.op("Transpose", perm=[1, 0]).op("Concat", corner, axis=1)
    return above.op("Concat", below, axis=0)


def part(matrix: Term, start: tuple[int, int], end: tuple[int, int]) -> Term:
    """Cut a part out of matrices, given its first row and column and those beyond its last."""
    axes = (-2, -1)
    return matrix.op("Slice", *(whole_numbers(matrix.graph, each) for each in (start, end, axes)))


def _sums_of_rows(matrix: Term) -> Term:
    return matrix.op("ReduceSum", whole_numbers(matrix.graph, [1]), keepdims=1)
