"""L-BFGS as a graph: a step downhill from an image, given the loss and its gradient there.

It steps without a line search, as torch does, in coordinates z of the image. What it remembers are
steps s and changes of the gradient y. The rows of ``history`` are those of Sᵀ, then those of Yᵀ.
Each is a ring with one place free, where the next pair goes. Two products of matrices read all of
it: one for the new inner products, one for the step. `inverse_hessian` decides what lies between.
"""

import numpy as np
import numpy.typing as npt
import onnx

from stylize.export.calculus.graph import Dimensions, Graph
from stylize.export.calculus.terms import IMAGE, NUMBER, Term, inputs
from stylize.export.method.coordinates import by_coordinates, image_of
from stylize.export.method.inverse_hessian import PLACES, SQUARE, Ring, decide, numbered
from stylize.export.method.safeguard import become, safeguard

HISTORY: Dimensions = ("rows", 3, "height", "width")


def lbfgs_model(dtype: npt.DTypeLike = np.float32) -> onnx.ModelProto:
    """L-BFGS (Nocedal and Wright 2006, section 7.2), without a line search."""
    graph = Graph(dtype)
    state = inputs(graph, {"step": IMAGE, "last_gradient": IMAGE, "history": HISTORY})
    state |= inputs(graph, {"sy": SQUARE, "yy": SQUARE, "counts": PLACES})
    state |= inputs(graph, {"free": NUMBER})
    here = safeguard(graph)
    g = by_coordinates(here.gradient)

    ring = Ring.of(state["counts"].op("Shape"), state["free"])
    pair = new_pair(state["step"], g - state["last_gradient"], here.start.arrives)
    history = state["history"].op("ScatterND", _lines(ring.rows, g), pair, name="next_history")
    remembered = history.shaped(0, -1)
    products = inner_products(remembered, pair, g)
    gg, size = sum_of_squares(g), g.op("Shape").as_number().op("ReduceProd", keepdims=0)
    decision = decide(state, here.start, ring, products, gg, size)
    step = combination(decision.factors, decision.gradient_factor, remembered, g)
    step = step * shortening(step.op("ReduceL2", keepdims=0), decision.longest)

    image = here.bounds.hold(here.image + image_of(step))
    become(graph, {"image": image, "step": step, "last_gradient": g}, IMAGE)
    become(graph, {"history": history}, HISTORY)
    decision.become(graph)
    return graph.model("lbfgs")


def new_pair(s: Term, y: Term, arrives: Term) -> Term:
    """Return s and y one after the other along the first axis, or zeros for a missing pair.

    What is not finite must never enter the ring.
    """
    return s.op("Concat", y, axis=0).where(arrives, 0.0)


def inner_products(remembered: Term, pair: Term, g: Term) -> Term:
    """Return inner products of all that is remembered with s, y and g, shape (rows, 3)."""
    return remembered.op("Gemm", pair.op("Concat", g, axis=0).shaped(3, -1), transB=1)


def sum_of_squares(value: Term) -> Term:
    """Return the inner product of a value with itself."""
    return value.op("ReduceSumSquare", keepdims=0)


def combination(factors: Term, gradient_factor: Term, remembered: Term, g: Term) -> Term:
    """Return the step that a decision stands for, in the gradient's shape."""
    newton = (factors.shaped(1, -1) @ remembered).op("Reshape", g.op("Shape"))
    return newton - gradient_factor * g


def shortening(length: Term, longest: Term) -> Term:
    """Return the factor by which a step of some length becomes no longer than it may be.

    A few pairs say little of the curvature elsewhere.
    """
    return (longest / length).where(longest < length, 1.0)


def _lines(rows: Term, image: Term) -> Term:
    """Return where each line of pixels goes if images become rows of a larger tensor.

    An index stands for a line, not for a whole image: on a GPU one thread copies what one index
    stands for.
    """
    _, channels, height, _ = image.op("Shape").rows(4)
    row = rows.shaped(-1, 1, 1, 1)
    channel, line = numbered(channels).shaped(1, -1, 1, 1), numbered(height).shaped(1, 1, -1, 1)
    none = (row - row) + (channel - channel) + (line - line)
    return (row + none).op("Concat", channel + none, line + none, axis=-1)
