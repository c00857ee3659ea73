"""The optimisers as graphs: a step downhill from an image, given the loss and its gradient there.

They depend on no network. What they remember goes in as inputs and comes out as outputs, so that it
stays wherever a provider keeps its memory, and they decide without control flow, so that a
provider may record a step once and replay it. `models/README.md` documents inputs and outputs.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx

from stylize.export.graph import Dimensions, Graph
from stylize.export.terms import IMAGE, NUMBER, Term, inputs, whole_numbers

HISTORY: Dimensions = ("rows", 3, "height", "width")
PLACES: Dimensions = ("places",)
SQUARE: Dimensions = ("places", "places")

EXPLOSION = 10.0
"""A loss so many times the lowest one is no overshoot that the next steps would mend."""
SLOWING, RECOVERY = 0.5, 1.2
"""What an explosion multiplies the length of the steps by, and then each step, up to 1 again."""
MAX_RESTARTS = 10
"""In a row, without a better image: then the length of the steps is not to blame."""

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
"""Adam's decay of the running means, and what keeps pixels without a gradient where they are."""

MIN_COSINE = 1e-10
"""Between s and y; a pair with less would make the approximate Hessian indefinite."""
TINY = float(np.finfo(np.float32).tiny)
DOUBLINGS = 7
"""How often the inverse of a triangular matrix is extended to twice its size: up to 2⁷ places."""


@dataclass(frozen=True)
class Position:
    """Where a step begins: here, or after an explosion at the best image so far."""

    image: Term
    gradient: Term
    pace: Term
    """What the usual length of a step is to be multiplied by."""
    known: Term
    """Whether there was a good image before this one."""
    restart: Term
    """Whether the loss exploded: what was remembered of the way here is to be forgotten."""


def adam_model(dtype: npt.DTypeLike = np.float32) -> onnx.ModelProto:
    """Adam (Kingma and Ba 2015, algorithm 1), in the notation of the paper."""
    graph = Graph(dtype)
    state = inputs(graph, {"learning_rate": NUMBER, "t": NUMBER, "m": IMAGE, "v": IMAGE})
    here = _safeguard(graph)
    kept = (~here.restart).as_number()
    g = here.gradient
    t = kept * state["t"] + 1
    m = (BETA1 * kept) * state["m"] + (1 - BETA1) * g
    v = (BETA2 * kept) * state["v"] + (1 - BETA2) * (g * g)
    beta1, beta2 = t.lift(BETA1), t.lift(BETA2)
    scale = (v / (1 - beta2.op("Pow", t))).op("Sqrt") + EPSILON
    length = here.pace * state["learning_rate"] / (1 - beta1.op("Pow", t))
    image = here.image - length * m / scale
    _become(graph, {"image": image, "m": m, "v": v}, IMAGE)
    _become(graph, {"t": t}, NUMBER)
    return graph.model("adam")


def lbfgs_model(dtype: npt.DTypeLike = np.float32) -> onnx.ModelProto:
    """L-BFGS without a line search, stepping as torch does, without recursions over images.

    The two-loop recursion (Nocedal and Wright 2006, algorithm 7.4) walks over all images that it
    remembers, twice, one after another. What it finds is a combination of them whose factors follow
    from their inner products alone (Byrd, Nocedal and Schnabel 1994, theorem 2.2): with the steps
    s and the changes of the gradient y as columns of S and Y, R the upper triangle of SᵀY and D its
    diagonal,

        H g = γ g + S q - γ Y p,    p = R⁻¹ Sᵀg,    q = R⁻ᵀ (D p + γ YᵀY p - γ Yᵀg).

    So two products of matrices read all images: one for the new inner products, one for the
    direction. The rows of ``history`` are those of Sᵀ, then those of Yᵀ, each a ring with one place
    free: the next pair goes there, and counts if its curvature is of use.
    """
    graph = Graph(dtype)
    state = inputs(graph, {"step": IMAGE, "last_gradient": IMAGE, "history": HISTORY})
    state |= inputs(graph, {"sy": SQUARE, "yy": SQUARE, "counts": PLACES})
    state |= inputs(graph, {"free": NUMBER, "reach": NUMBER})
    here = _safeguard(graph)

    size = state["counts"].op("Shape")
    places = _range(size)
    free = state["free"].as_whole_number().shaped(1)
    at_free = places.op("Equal", free)

    # Zeros stand for a pair that there is not: what is not finite must never enter the ring.
    g = here.gradient
    remember = here.known & ~here.restart
    pair = state["step"].op("Concat", g - state["last_gradient"], axis=0).where(remember, 0.0)
    rows = free.op("Concat", free + size, axis=0)
    history = state["history"]
    history = history.op("ScatterND", _lines(rows, g), pair, name="next_history")
    remembered = history.shaped(0, -1)

    # Inner products of s, y and g with all that is remembered; s and y are that by now, too.
    new = pair.op("Concat", g, axis=0).shaped(3, -1)
    products = remembered.op("Gemm", new, transB=1)
    (s_s, y_s), (s_y, y_y), (s_g, y_g) = (
        column.shaped(2, -1).rows(2) for column in products.op("Transpose", perm=[1, 0]).rows(3)
    )
    ss, sy, yy = (vector.op("Gather", free) for vector in (s_s, s_y, y_y))
    gg = g.op("ReduceSumSquare", keepdims=0)
    row, column = at_free.shaped(-1, 1), at_free.shaped(1, -1)
    s_y = y_s.shaped(1, -1).where(row, s_y.shaped(-1, 1).where(column, state["sy"]))
    y_y = y_y.shaped(1, -1).where(row, y_y.shaped(-1, 1).where(column, state["yy"]))
    _become(graph, {"sy": s_y, "yy": y_y}, SQUARE)

    # The new pair counts if it is of use; then the oldest gives up its place to the next.
    useful = remember & (sy > MIN_COSINE * (ss.op("Sqrt") * yy.op("Sqrt")))
    counts = (state["counts"] > 0.5) & ~here.restart
    counts = (counts & ~at_free) | (at_free & useful)
    free = _turned(free + whole_numbers(graph, [1]), size).where(useful, free)
    counts = counts & ~places.op("Equal", free)

    # H g, from the oldest pair to the newest; others count nothing.
    order, rank = _turned(places + free, size), _turned(places - free + size, size)
    counting = counts.op("Gather", order)
    both = counting.shaped(-1, 1) & counting.shaped(1, -1)
    s_y, y_y = (
        square.op("Gather", order, axis=0).op("Gather", order, axis=1).where(both, 0.0)
        for square in (s_y, y_y)
    )
    sg, yg = (vector.op("Gather", order).where(counting, 0.0) for vector in (s_g, y_g))
    d = s_y.where(_compare("Equal", places), 0.0)
    d = d.op("ReduceSum", whole_numbers(graph, [1]), keepdims=0)
    upper = s_y.where(~_compare("Greater", places), 0.0)
    inverse = _inverse(upper, d + (~counting).as_number(), places)
    some = counting.as_number().op("ReduceMax", keepdims=0) > 0.5
    gamma = (d.row(-1) / y_y.row(-1).row(-1)).where(some, 1.0)
    p = inverse @ sg
    q = (d * p + gamma * (y_y @ p - yg)) @ inverse
    fall = gamma * gg + _sum(q * sg) - gamma * _sum(p * yg)

    # Rounding may make H indefinite; then, and while nothing is known, go down the gradient: by at
    # most 1 in the L1 norm at first, as torch, and doubling, since no curvature limits the step.
    # (torch goes on by the whole gradient, which at the losses' usual magnitude ends in NaN.)
    downhill = some & (fall > 0.0)
    anew = here.restart | (some & ~downhill)
    reach = state["reach"].lift(1).where(anew, state["reach"])
    slope = g.op("ReduceL1", keepdims=0)
    steepest = (reach / slope.op("Max", TINY)).op("Min", 1.0)
    factors = (-q).op("Gather", rank).op("Concat", gamma * p.op("Gather", rank), axis=0)
    factors = factors.where(downhill, 0.0) * here.pace
    newton = (factors.shaped(1, -1) @ remembered).op("Reshape", g.op("Shape"))
    step = newton - gamma.where(downhill, steepest) * here.pace * g

    image = here.image + step
    _become(graph, {"image": image, "step": step, "last_gradient": here.gradient}, IMAGE)
    _become(graph, {"history": history}, HISTORY)
    _become(graph, {"counts": (counts & downhill).as_number()}, PLACES)
    _become(graph, {"free": free.as_number().shaped()}, NUMBER)
    _become(graph, {"reach": reach.where(downhill, 2 * reach)}, NUMBER)
    return graph.model("lbfgs")


def _safeguard(graph: Graph) -> Position:
    """Keep the best image; after an explosion go back to it, and on by smaller steps.

    Declares ``image``, ``gradient`` and ``total``, and the state that all optimisers share.
    """
    given = inputs(graph, {"image": IMAGE, "gradient": IMAGE, "total": NUMBER})
    state = inputs(graph, {"best_image": IMAGE, "best_gradient": IMAGE})
    names = ("best_total", "best_iteration", "iteration", "pace", "restarts")
    state |= inputs(graph, dict.fromkeys(names, NUMBER))
    total, best = given["total"], state["best_total"]
    slope = given["gradient"].op("ReduceL1", keepdims=0)
    iteration = state["iteration"] + 1

    finite = (total.op("Abs") < np.inf) & (slope < np.inf)  # false of NaN, too
    better = finite & (total < best)
    known = best < np.inf
    exploded = known & ((total > EXPLOSION * best) | ~finite)
    restart = exploded & ((state["restarts"] < MAX_RESTARTS) | ~finite)
    image = given["image"].where(better, state["best_image"], name="next_best_image")
    gradient = given["gradient"].where(better, state["best_gradient"], name="next_best_gradient")
    pace = (state["pace"] * SLOWING).where(restart, state["pace"])
    restarts = (state["restarts"] + restart.as_number()).where(~better, 0.0)

    failed = ~finite & (~known | ~(state["restarts"] < MAX_RESTARTS))
    graph.output("restarted", restart.as_number().name, NUMBER)
    graph.output("failed", failed.as_number().name, NUMBER)
    _become(graph, {"best_image": image, "best_gradient": gradient}, IMAGE)
    _become(graph, {"best_total": total.where(better, best)}, NUMBER)
    _become(graph, {"best_iteration": iteration.where(better, state["best_iteration"])}, NUMBER)
    _become(graph, {"iteration": iteration, "restarts": restarts}, NUMBER)
    _become(graph, {"pace": (pace * RECOVERY).op("Min", 1.0)}, NUMBER)
    return Position(
        image=image.where(restart, given["image"]),
        gradient=gradient.where(restart, given["gradient"]),
        pace=pace,
        known=known,
        restart=restart,
    )


def _become(graph: Graph, values: Mapping[str, Term], shape: Dimensions) -> None:
    """Declare the values that a state has next."""
    for name, value in values.items():
        graph.output(f"next_{name}", value.name, shape)


def _sum(value: Term) -> Term:
    return value.op("ReduceSum", keepdims=0)


def _range(size: Term) -> Term:
    """Return 0, 1, ... size - 1."""
    zero, one = (whole_numbers(size.graph, number) for number in (0, 1))
    return zero.op("Range", size.shaped(), one)


def _lines(rows: Term, image: Term) -> Term:
    """Return where each line of pixels goes, of images that are to be the rows of a larger tensor.

    By lines, not by whole images: on a GPU one thread copies what one index stands for.
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
