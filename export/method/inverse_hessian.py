"""The inverse Hessian of L-BFGS in its compact form: inner products → a step, as factors.

The two-loop recursion (Nocedal and Wright 2006, algorithm 7.4) walks over all images that it
remembers, twice, one after another. It finds a combination of them whose factors follow from their
inner products alone (Byrd, Nocedal and Schnabel 1994, theorem 2.2). With the steps s and the
changes of the gradient y as columns of S and Y, R the upper triangle of SᵀY and D its diagonal, it
is

    H g = γ g + S q - γ Y p,    p = R⁻¹ Sᵀg,    q = R⁻ᵀ (D p + γ YᵀY p - γ Yᵀg).

γ stands for the inverse curvature where no pair tells of it. Barzilai and Borwein (1988) have two
values for it, sᵀy / yᵀy and sᵀs / sᵀy of the newest pair. The former, which is usual, follows the
sharpest curvature, the latter the flattest. We take the former to the power of 3/4 times the latter
to that of 1/4. That is the former divided by the square root of the cosine between s and y. Where
the last step gave no pair of use, it is the former alone, since older sᵀs are not remembered.

So nothing here sees an image. The pairs of s and y are in a ring of places, one of which is free.
The next pair goes there, and counts if its curvature is of use.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stylize.export.calculus.graph import Dimensions, Graph
from stylize.export.calculus.terms import NUMBER, Term, whole_numbers
from stylize.export.method.safeguard import Start, become

PLACES: Dimensions = ("places",)
SQUARE: Dimensions = ("places", "places")

MIN_COSINE = 1e-10
"""The least between s and y; a pair with less would make the approximate Hessian indefinite."""
FIRST = 16 / 255
"""The longest step while no curvature is known, in coordinates z: so many grey levels of grain, in
the mean of squares; of the largest forms, four times as many."""
GROWTH = 2.0
"""How many times as long as the last one a step may be, in coordinates z."""
TINY = float(np.finfo(np.float32).tiny)
DOUBLINGS = 7
"""How often the inverse of a triangular matrix is extended to twice its size: up to 2⁷ places."""


@dataclass(frozen=True)
class Ring:
    """The places for pairs of s and y, of which one is free."""

    size: Term
    places: Term
    free: Term
    """The place that is free, shape (1,)."""

    @classmethod
    def of(cls, size: Term, free: Term) -> "Ring":
        """Return a ring of so many places, shape (1,), given the free one as it is remembered."""
        return cls(size, numbered(size), free.as_whole_number().shaped(1))

    @property
    def rows(self) -> Term:
        """The rows of the history where s and y of the free place stand, shape (2,)."""
        return self.free.op("Concat", self.free + self.size, axis=0)


@dataclass(frozen=True)
class Decision:
    """A step as factors, and what the numbers that are remembered become."""

    factors: Term
    """Of each row of the history."""
    gradient_factor: Term
    """Of the gradient, which is subtracted."""
    longest: Term
    """The longest that the step may be; infinity if nothing is known of that."""
    sy: Term
    yy: Term
    counts: Term
    free: Term

    def become(self, graph: Graph) -> None:
        """Declare the next numbers as outputs."""
        become(graph, {"sy": self.sy, "yy": self.yy}, SQUARE)
        become(graph, {"counts": self.counts}, PLACES)
        become(graph, {"free": self.free}, NUMBER)


def decide(
    state: Mapping[str, Term], start: Start, ring: Ring, products: Term, gg: Term, size: Term
) -> Decision:
    """Find -H g as factors, or the way down the gradient if no curvature is of use.

    Parameters
    ----------
    state : mapping of str to Term
        ``sy``, ``yy`` and ``counts`` before this step.
    start : Start
        Where the step begins.
    ring : Ring
        The places, of which the new pair was put into the free one.
    products : Term
        Those of `inner_products`, of the whole image.
    gg : Term
        gᵀg.
    size : Term
        How many elements the image has.
    """
    found = _Products.of(state, ring, products, gg)
    norms = found.ss.op("Sqrt") * found.yy.op("Sqrt")
    useful = start.arrives & (found.sy > MIN_COSINE * norms)
    # No cosine is above 1, unless the norms underflow.
    stretch = (norms / found.sy).where(useful, 1.0).at_least(1.0).op("Sqrt").shaped()
    counts, free = _turn(state["counts"], start, ring, useful)
    direction = _direction(ring, counts, free, found, stretch)
    downhill = direction.some & (direction.fall > 0.0)
    steepest = _steepest(start.total, gg, size)
    known = start.arrives & (found.ss > 0.0)
    return Decision(
        factors=direction.factors.where(downhill, 0.0) * start.pace,
        gradient_factor=direction.gamma.where(downhill, steepest) * start.pace,
        longest=(GROWTH * found.ss.op("Sqrt")).where(known, np.inf).shaped(),
        sy=found.s_y,
        yy=found.y_y,
        counts=(counts & downhill).as_number(),
        free=free.as_number().shaped(),
    )


def numbered(size: Term) -> Term:
    """Return 0, 1, ... size - 1."""
    zero, one = (whole_numbers(size.graph, number) for number in (0, 1))
    return zero.op("Range", size.shaped(), one)


@dataclass(frozen=True)
class _Products:
    """Inner products: of the new pair with itself, of all s and y, and of them with g."""

    ss: Term
    sy: Term
    yy: Term
    gg: Term
    s_y: Term
    y_y: Term
    s_g: Term
    y_g: Term

    @classmethod
    def of(cls, state: Mapping[str, Term], ring: Ring, products: Term, gg: Term) -> "_Products":
        """Put the products with the new pair among those that are remembered."""
        (s_s, y_s), (s_y, y_y), (s_g, y_g) = (
            column.shaped(2, -1).rows(2) for column in products.op("Transpose", perm=[1, 0]).rows(3)
        )
        ss, sy, yy = (vector.op("Gather", ring.free) for vector in (s_s, s_y, y_y))
        at_free = ring.places.op("Equal", ring.free)
        row, column = at_free.shaped(-1, 1), at_free.shaped(1, -1)
        s_y = y_s.shaped(1, -1).where(row, s_y.shaped(-1, 1).where(column, state["sy"]))
        y_y = y_y.shaped(1, -1).where(row, y_y.shaped(-1, 1).where(column, state["yy"]))
        return cls(ss, sy, yy, gg, s_y, y_y, s_g, y_g)


@dataclass(frozen=True)
class _Direction:
    """H g as factors: γ of g, and -q and γ p of what stands at each place of the ring."""

    gamma: Term
    factors: Term
    fall: Term
    """gᵀH g: what the loss falls by, to first order; not positive where H is indefinite."""
    some: Term
    """Whether any pair counts."""


def _turn(counts: Term, start: Start, ring: Ring, useful: Term) -> tuple[Term, Term]:
    """Return which places count now, and which is free.

    The new pair counts if it is of use; then the oldest gives up its place to the next.
    """
    at_free = ring.places.op("Equal", ring.free)
    counts = (counts > 0.5) & ~start.restart
    counts = (counts & ~at_free) | (at_free & useful)
    next_place = ring.free + whole_numbers(ring.free.graph, [1])
    free = _turned(next_place, ring.size).where(useful, ring.free)
    return counts & ~ring.places.op("Equal", free), free


def _direction(
    ring: Ring, counts: Term, free: Term, products: _Products, stretch: Term
) -> _Direction:
    """Return H g, from the oldest pair to the newest; places that do not count give nothing.

    `stretch` is what γ is in units of sᵀy / yᵀy.
    """
    places, graph = ring.places, ring.places.graph
    order = _turned(places + free, ring.size)
    rank = _turned(places - free + ring.size, ring.size)
    counting = counts.op("Gather", order)
    both = counting.shaped(-1, 1) & counting.shaped(1, -1)
    s_y, y_y = (
        square.op("Gather", order, axis=0).op("Gather", order, axis=1).where(both, 0.0)
        for square in (products.s_y, products.y_y)
    )
    sg, yg = (
        vector.op("Gather", order).where(counting, 0.0) for vector in (products.s_g, products.y_g)
    )
    d = s_y.where(_compare("Equal", places), 0.0)
    d = d.op("ReduceSum", whole_numbers(graph, [1]), keepdims=0)
    upper = s_y.where(~_compare("Greater", places), 0.0)
    inverse = _inverse(upper, d + (~counting).as_number(), places)
    some = counting.as_number().op("ReduceMax", keepdims=0) > 0.5
    gamma = (stretch * d.row(-1) / y_y.row(-1).row(-1)).where(some, 1.0)
    p = inverse @ sg
    q = (d * p + gamma * (y_y @ p - yg)) @ inverse
    factors = (-q).op("Gather", rank).op("Concat", gamma * p.op("Gather", rank), axis=0)
    fall = gamma * products.gg + _sum(q * sg) - gamma * _sum(p * yg)
    return _Direction(gamma, factors, fall, some)


def _steepest(total: Term, gg: Term, size: Term) -> Term:
    """Return the factor of the gradient in a step down it: Polyak's, total / |g|².

    It is half the way to a minimum of zero, if the loss is a square. Its length is bounded, for
    where the minimum is far from zero it would be far too long.
    """
    gg = gg.at_least(TINY)
    longest = FIRST * (size / gg).op("Sqrt")
    return (total.op("Abs") / gg).at_most(longest)


def _sum(value: Term) -> Term:
    return value.op("ReduceSum", keepdims=0)


def _turned(place: Term, size: Term) -> Term:
    """Return a place in a ring, given one that may lie a turn further."""
    return place.where(place.op("Less", size), place - size)


def _compare(operator: str, places: Term) -> Term:
    """Compare each row's number with each column's."""
    return places.shaped(-1, 1).op(operator, places.shaped(1, -1))


def _inverse(triangle: Term, diagonal: Term, places: Term) -> Term:
    """Return the inverse of an upper triangular matrix, without a loop over its rows.

    The inverse X of the blocks along the diagonal is known, at first of single numbers. Two
    neighbours become one block twice as large: with B what stands between them,

        [[X₁, -X₁ B X₂], [0, X₂]]    is the inverse of    [[X₁⁻¹, B], [0, X₂⁻¹]].
    """
    inverse = (1 / diagonal).where(_compare("Equal", places), 0.0)
    for doubling in range(DOUBLINGS):
        block, pair = (
            places.op("Div", whole_numbers(places.graph, 2**power))
            for power in (doubling, doubling + 1)
        )
        between = _compare("Less", block) & _compare("Equal", pair)
        inverse = inverse - inverse @ triangle.where(between, 0.0) @ inverse
    return inverse
