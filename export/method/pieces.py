"""The optimisers and the total variation for pieces of a picture.

A picture of any size does not fit into the memory of one graph. So whoever runs these graphs holds
images, gradients and what an optimiser remembers in arrays of its own, and gives a piece at a time.
Some graphs take any run of pixels, since they look at each pixel by itself or add all up. Some look
at neighbours, and take strips of rows that overlap. Others take only numbers, which were added up
over all pieces. `models/README.md` tells in which order they run.

The formulas are those of the graphs that take a whole image.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx

from stylize.export.calculus.graph import Dimensions, Graph
from stylize.export.calculus.terms import IMAGE, NUMBER, Term, inputs, whole_numbers
from stylize.export.method import adam, coordinates, lbfgs, safeguard, variation
from stylize.export.method.inverse_hessian import PLACES, SQUARE, Ring, decide
from stylize.export.method.safeguard import Bounds, become

RUN: Dimensions = ("elements",)
"""A run of an image's numbers."""
HISTORY: Dimensions = ("rows", "elements")
PRODUCTS: Dimensions = ("rows", 3)


def slope_model(dtype: npt.DTypeLike = np.float32) -> onnx.ModelProto:
    """Return what tells whether all of a run is finite."""
    graph = Graph(dtype)
    (gradient,) = _inputs(graph, RUN, "gradient")
    graph.output("slope", safeguard.slope(gradient).name, NUMBER)
    return graph.model("slope")


def judge_model(dtype: npt.DTypeLike = np.float32) -> onnx.ModelProto:
    """Judge an image: whether it is the best so far, and where and how the next step begins."""
    graph = Graph(dtype)
    total, slope = _inputs(graph, NUMBER, "total", "slope")
    found = safeguard.judge(total, slope, inputs(graph, dict.fromkeys(safeguard.STATE, NUMBER)))
    start = found.start
    safeguard.tell(graph, {"better": found.better, "restarted": start.restart})
    safeguard.tell(graph, {"failed": found.failed, "arrives": start.arrives})
    graph.output("total_here", start.total.name, NUMBER)
    graph.output("pace_now", start.pace.name, NUMBER)
    become(graph, found.state, NUMBER)
    return graph.model("judge")


def coordinates_model(dtype: npt.DTypeLike = np.float32) -> onnx.ModelProto:
    """Turn a strip of the gradient by the image into that by the coordinates."""
    graph = Graph(dtype)
    (gradient,) = _inputs(graph, IMAGE, "gradient")
    graph.output("by_coordinates", coordinates.by_coordinates(gradient).name, IMAGE)
    return graph.model("coordinates")


def lbfgs_products_model(dtype: npt.DTypeLike = np.float32) -> onnx.ModelProto:
    """Put a run of the new pair into the history; add up inner products over the run."""
    graph = Graph(dtype)
    g, last, step = (
        value.shaped(1, -1) for value in _inputs(graph, RUN, "gradient", "last_gradient", "step")
    )
    (history,) = _inputs(graph, HISTORY, "history")
    free, arrives, shortening = _inputs(graph, NUMBER, "free", "arrives", "shortening")
    ring = Ring.of(history.op("Shape", end=1).op("Div", whole_numbers(graph, [2])), free)
    pair = lbfgs.new_pair(shortening * step, g - last, arrives > 0.5)
    history = history.op("ScatterND", ring.rows.shaped(-1, 1), pair, name="next_history")
    become(graph, {"history": history}, HISTORY)
    graph.output("products", lbfgs.inner_products(history, pair, g).name, PRODUCTS)
    graph.output("gg", lbfgs.sum_of_squares(g).name, NUMBER)
    return graph.model("lbfgs_products")


def lbfgs_decide_model(dtype: npt.DTypeLike = np.float32) -> onnx.ModelProto:
    """Map inner products to a step, as factors of the history's rows and of the gradient."""
    graph = Graph(dtype)
    (products,) = _inputs(graph, PRODUCTS, "products")
    gg, size, free = _inputs(graph, NUMBER, "gg", "size", "free")
    state = inputs(graph, {"sy": SQUARE, "yy": SQUARE, "counts": PLACES})
    total, pace, restart, arrives = _inputs(
        graph, NUMBER, "total_here", "pace_now", "restarted", "arrives"
    )
    start = safeguard.Start(total, pace, restart > 0.5, arrives > 0.5)
    ring = Ring.of(state["counts"].op("Shape"), free)
    decision = decide(state, start, ring, products, gg, size)
    graph.output("factors", decision.factors.name, ("rows",))
    graph.output("gradient_factor", decision.gradient_factor.name, NUMBER)
    graph.output("longest", decision.longest.name, NUMBER)
    decision.become(graph)
    return graph.model("lbfgs_decide")


def lbfgs_step_model(dtype: npt.DTypeLike = np.float32) -> onnx.ModelProto:
    """Combine a run of the history and of the gradient to that of the step."""
    graph = Graph(dtype)
    (g,) = _inputs(graph, RUN, "gradient")
    (history,) = _inputs(graph, HISTORY, "history")
    (factors,) = _inputs(graph, ("rows",), "factors")
    (gradient_factor,) = _inputs(graph, NUMBER, "gradient_factor")
    step = lbfgs.combination(factors, gradient_factor, history, g)
    graph.output("step", step.name, RUN)
    graph.output("square", lbfgs.sum_of_squares(step).name, NUMBER)
    return graph.model("lbfgs_step")


def lbfgs_shorten_model(dtype: npt.DTypeLike = np.float32) -> onnx.ModelProto:
    """Map the square of a step's length to the factor that makes it no longer than it may be."""
    graph = Graph(dtype)
    square, longest = _inputs(graph, NUMBER, "square", "longest")
    graph.output("shortening", lbfgs.shortening(square.op("Sqrt"), longest).name, NUMBER)
    return graph.model("lbfgs_shorten")


def lbfgs_move_model(dtype: npt.DTypeLike = np.float32) -> onnx.ModelProto:
    """Move a strip of the image by a step in coordinates."""
    graph = Graph(dtype)
    image, step = _inputs(graph, IMAGE, "image", "step")
    shortening, least, most = _inputs(graph, NUMBER, "shortening", "least", "most")
    moved = image + coordinates.image_of(step * shortening)
    become(graph, {"image": Bounds(least, most).hold(moved)}, IMAGE)
    return graph.model("lbfgs_move")


def adam_move_model(dtype: npt.DTypeLike = np.float32) -> onnx.ModelProto:
    """Move a run of the image as Adam does."""
    graph = Graph(dtype)
    image, g = _inputs(graph, RUN, "image", "gradient")
    state = inputs(graph, {**adam.GIVEN, "t": NUMBER, "m": RUN, "v": RUN})
    pace, restarted, least, most = _inputs(graph, NUMBER, "pace_now", "restarted", "least", "most")
    found = adam.step(image, g, state, pace, restarted > 0.5)
    moved = Bounds(least, most).hold(found.image)
    become(graph, {"image": moved, "m": found.m, "v": found.v}, RUN)
    become(graph, {"t": found.t}, NUMBER)
    return graph.model("adam_move")


def variation_strip_model(dtype: npt.DTypeLike = np.float32) -> onnx.ModelProto:
    """Return the total variation of a strip's own rows, and add its gradient to another.

    The last row of a strip has no neighbour below. It is the picture's last one, which does not
    count in the whole picture either, or is not the strip's own.
    """
    graph = Graph(dtype)
    image, other_gradient = _inputs(graph, IMAGE, "image", "other_gradient")
    (own,) = _inputs(graph, ("height",), "own")
    (weight,) = _inputs(graph, NUMBER, "tv_weight")
    neighbours = variation.Neighbours.of(image)
    own = own.op("Slice", *(whole_numbers(graph, [number]) for number in (0, -1))).shaped(-1, 1)
    total = variation.total_variation(neighbours.squares * own)
    graph.output("variation", total.name, NUMBER)
    graph.output("gradient", (other_gradient + neighbours.gradient(weight)).name, IMAGE)
    return graph.model("variation_strip")


@dataclass(frozen=True)
class Piece:
    """A graph for pieces, and the rows beyond its own that a strip needs on either side."""

    model: Callable[..., onnx.ModelProto]
    halo: int = 0


PIECES = {
    "slope": Piece(slope_model),
    "judge": Piece(judge_model),
    "coordinates": Piece(coordinates_model, coordinates.HALO),
    "lbfgs.products": Piece(lbfgs_products_model),
    "lbfgs.decide": Piece(lbfgs_decide_model),
    "lbfgs.step": Piece(lbfgs_step_model),
    "lbfgs.shorten": Piece(lbfgs_shorten_model),
    "lbfgs.move": Piece(lbfgs_move_model, coordinates.HALO),
    "adam.move": Piece(adam_move_model),
    "variation.strip": Piece(variation_strip_model, halo=1),
}
"""The graphs for pieces by name."""


def _inputs(graph: Graph, shape: Dimensions, *names: str) -> list[Term]:
    return list(inputs(graph, dict.fromkeys(names, shape)).values())
