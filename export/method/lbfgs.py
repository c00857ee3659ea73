"""L-BFGS as a graph: a step downhill from an image, given the loss and its gradient there.

It steps without a line search, as torch does, and without recursions over images. The two-loop
recursion (Nocedal and Wright 2006, algorithm 7.4) walks over all images that it remembers, twice,
one after another. It finds a combination of them whose factors follow from their inner products
alone (Byrd, Nocedal and Schnabel 1994, theorem 2.2). With the steps s and the changes of the
gradient y as columns of S and Y, R the upper triangle of SᵀY and D its diagonal, it is

    H g = γ g + S q - γ Y p,    p = R⁻¹ Sᵀg,    q = R⁻ᵀ (D p + γ YᵀY p - γ Yᵀg).

So two products of matrices read all images: one for the new inner products, one for the direction.
The rows of ``history`` are those of Sᵀ, then those of Yᵀ. Each is a ring with one place free. The
next pair goes there, and counts if its curvature is of use.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import onnx

from stylize.export.calculus.graph import Dimensions, Graph
from stylize.export.calculus.terms import IMAGE, NUMBER, Term, inputs, whole_numbers
from stylize.export.method.coordinates import by_coordinates, image_of
from stylize.export.method.safeguard import Position, become, safeguard

HISTORY: Dimensions = ("rows", 3, "height", "width")
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


def lbfgs_model(dtype: npt.DTypeLike = np.float32) -> onnx.ModelProto:
    """L-BFGS in its compact form, in the notation of this file's docstring."""
    graph = Graph(dtype)
    state = inputs(graph, {"step": IMAGE, "last_gradient": IMAGE, "history": HISTORY})
    state |= inputs(graph, {"sy": SQUARE, "yy": SQUARE, "counts": PLACES})
    state |= inputs(graph, {"free": NUMBER})
    here = safeguard(graph)
    here = replace(here, gradient=by_coordinates(here.gradient))

    ring = _ring(state, here)
    pair, history = _remember(state, here, ring)
    remembered = history.shaped(0, -1)
    products = _products(state, here.gradient, ring, pair, remembered)
    become(graph, {"sy": products.s_y, "yy": products.y_y}, SQUARE)
    counts, free = _turn(state, here, ring, products)
    direction = _direction(ring, counts, free, products)
    downhill = direction.some & (direction.fall > 0.0)
    step = _step(here, direction, downhill, remembered)
    step = step * _shortening(step, ring, products)

    image = here.bounded(here.image + image_of(step))
    become(graph, {"image": image, "step": step, "last_gradient": here.gradient}, IMAGE)
    become(graph, {"history": history}, HISTORY)
    become(graph, {"counts": (counts & downhill).as_number()}, PLACES)
    become(graph, {"free": free.as_number().shaped()}, NUMBER)
    return graph.model("lbfgs")


@dataclass(frozen=True)
class _Ring:
    """The places for pairs of s and y, of which one is free."""

    size: Term
    places: Term
    free: Term
    """The place that is free, shape (1,)."""
    at_free: Term
    """True at the free place."""
    arrives: Term
    """Whether there is a new pair."""


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


@dataclass(frozen=True)
class _Direction:
    """H g as factors: γ of g, and p and q of what stands at each place of the ring."""

    gamma: Term
    p: Term
    q: Term
    fall: Term
    """gᵀH g: what the loss falls by, to first order; not positive where H is indefinite."""
    some: Term
    """Whether any pair counts."""
    rank: Term
    """The position in p and q of each place of the ring."""


def _ring(state: Mapping[str, Term], here: Position) -> _Ring:
    size = state["counts"].op("Shape")
    places = _range(size)
    free = state["free"].as_whole_number().shaped(1)
    return _Ring(size, places, free, places.op("Equal", free), here.known & ~here.restart)


def _remember(state: Mapping[str, Term], here: Position, ring: _Ring) -> tuple[Term, Term]:
    """Return the new pair, shape (2, 3, height, width), and the history with it at the free place.

    Zeros stand for a missing pair, since what is not finite must never enter the ring.
    """
    g = here.gradient
    pair = state["step"].op("Concat", g - state["last_gradient"], axis=0).where(ring.arrives, 0.0)
    rows = ring.free.op("Concat", ring.free + ring.size, axis=0)
    history = state["history"].op("ScatterND", _lines(rows, g), pair, name="next_history")
    return pair, history


def _products(
    state: Mapping[str, Term], g: Term, ring: _Ring, pair: Term, remembered: Term
) -> _Products:
    """Return inner products of s, y and g with all that is remembered, s and y included."""
    new = pair.op("Concat", g, axis=0).shaped(3, -1)
    products = remembered.op("Gemm", new, transB=1)
    (s_s, y_s), (s_y, y_y), (s_g, y_g) = (
        column.shaped(2, -1).rows(2) for column in products.op("Transpose", perm=[1, 0]).rows(3)
    )
    ss, sy, yy = (vector.op("Gather", ring.free) for vector in (s_s, s_y, y_y))
    gg = g.op("ReduceSumSquare", keepdims=0)
    row, column = ring.at_free.shaped(-1, 1), ring.at_free.shaped(1, -1)
    s_y = y_s.shaped(1, -1).where(row, s_y.shaped(-1, 1).where(column, state["sy"]))
    y_y = y_y.shaped(1, -1).where(row, y_y.shaped(-1, 1).where(column, state["yy"]))
    return _Products(ss, sy, yy, gg, s_y, y_y, s_g, y_g)


def _turn(
    state: Mapping[str, Term], here: Position, ring: _Ring, products: _Products
) -> tuple[Term, Term]:
    """Return which places count now, and which is free.

    The new pair counts if it is of use; then the oldest gives up its place to the next.
    """
    ss, sy, yy = products.ss, products.sy, products.yy
    useful = ring.arrives & (sy > MIN_COSINE * (ss.op("Sqrt") * yy.op("Sqrt")))
    counts = (state["counts"] > 0.5) & ~here.restart
    counts = (counts & ~ring.at_free) | (ring.at_free & useful)
    next_place = ring.free + whole_numbers(ring.free.graph, [1])
    free = _turned(next_place, ring.size).where(useful, ring.free)
    return counts & ~ring.places.op("Equal", free), free


def _direction(ring: _Ring, counts: Term, free: Term, products: _Products) -> _Direction:
    """Return H g, from the oldest pair to the newest; places that do not count give nothing."""
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
    gamma = (d.row(-1) / y_y.row(-1).row(-1)).where(some, 1.0)
    p = inverse @ sg
    q = (d * p + gamma * (y_y @ p - yg)) @ inverse
    fall = gamma * products.gg + _sum(q * sg) - gamma * _sum(p * yg)
    return _Direction(gamma, p, q, fall, some, rank)


def _step(here: Position, direction: _Direction, downhill: Term, remembered: Term) -> Term:
    """Return -H g; down the gradient if rounding made H indefinite, or no curvature is known."""
    g, gamma, rank = here.gradient, direction.gamma, direction.rank
    factors = (-direction.q).op("Gather", rank)
    factors = factors.op("Concat", gamma * direction.p.op("Gather", rank), axis=0)
    factors = factors.where(downhill, 0.0) * here.pace
    newton = (factors.shaped(1, -1) @ remembered).op("Reshape", g.op("Shape"))
    return newton - gamma.where(downhill, _steepest(here)) * here.pace * g


def _steepest(here: Position) -> Term:
    """Return the factor of the gradient in a step down it: Polyak's, total / |g|².

    It is half the way to a minimum of zero, if the loss is a square. Its length is bounded, for
    where the minimum is far from zero it would be far too long.
    """
    gg = here.gradient.op("ReduceSumSquare", keepdims=0).at_least(TINY)
    size = here.gradient.op("Shape").as_number().op("ReduceProd", keepdims=0)
    longest = FIRST * (size / gg).op("Sqrt")
    return (here.total.op("Abs") / gg).at_most(longest)


def _shortening(step: Term, ring: _Ring, products: _Products) -> Term:
    """Return the factor by which a step is no longer than `GROWTH` times the last one.

    A few pairs say little of the curvature elsewhere.
    """
    length = step.op("ReduceL2", keepdims=0).at_least(TINY)
    longest = GROWTH * products.ss.op("Sqrt")
    known = ring.arrives & (products.ss > 0.0)
    return (longest / length).at_most(1.0).where(known, 1.0)


def _sum(value: Term) -> Term:
    return value.op("ReduceSum", keepdims=0)


def _range(size: Term) -> Term:
    """Return 0, 1, ... size - 1."""
    zero, one = (whole_numbers(size.graph, number) for number in (0, 1))
    return zero.op("Range", size.shaped(), one)


def _lines(rows: Term, image: Term) -> Term:
    """Return where each line of pixels goes if images become rows of a larger tensor.

    An index stands for a line, not for a whole image: on a GPU one thread copies what one index
    stands for.
    """
    _, channels, height, _ = image.op("Shape").rows(4)
    row = rows.shaped(-1, 1, 1, 1)
    channel, line = _range(channels).shaped(1, -1, 1, 1), _range(height).shaped(1, 1, -1, 1)
    none = (row - row) + (channel - channel) + (line - line)
    return (row + none).op("Concat", channel + none, line + none, axis=-1)


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
