"""Adam as a graph: a step downhill from an image, given the loss and its gradient there."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx

from stylize.export.calculus.graph import Dimensions, Graph
from stylize.export.calculus.terms import IMAGE, NUMBER, Term, inputs
from stylize.export.method.safeguard import become, safeguard

BETA1, EPSILON = 0.9, 1e-8
"""The decay of Adam's first running mean, and what keeps pixels without a gradient where they
are."""

GIVEN: dict[str, Dimensions] = {"learning_rate": NUMBER, "beta2": NUMBER}
"""What is given again at each step: its size, and the decay of the second running mean."""


def adam_model(dtype: npt.DTypeLike = np.float32) -> onnx.ModelProto:
    """Adam (Kingma and Ba 2015, algorithm 1), in the notation of the paper."""
    graph = Graph(dtype)
    state = inputs(graph, {**GIVEN, "t": NUMBER, "m": IMAGE, "v": IMAGE})
    here = safeguard(graph)
    found = step(here.image, here.gradient, state, here.start.pace, here.start.restart)
    become(graph, {"image": here.bounds.hold(found.image), "m": found.m, "v": found.v}, IMAGE)
    become(graph, {"t": found.t}, NUMBER)
    return graph.model("adam")


@dataclass(frozen=True)
class Step:
    """The next image, and what is to be remembered."""

    image: Term
    m: Term
    v: Term
    t: Term


def step(image: Term, g: Term, state: Mapping[str, Term], pace: Term, restart: Term) -> Step:
    """Make a step from an image, given the gradient g there; after a restart the first one."""
    kept = (~restart).as_number()
    t = kept * state["t"] + 1
    m = (BETA1 * kept) * state["m"] + (1 - BETA1) * g
    beta1, beta2 = t.lift(BETA1), state["beta2"]
    v = (beta2 * kept) * state["v"] + (1 - beta2) * (g * g)
    scale = (v / (1 - beta2.op("Pow", t))).op("Sqrt") + EPSILON
    length = pace * state["learning_rate"] / (1 - beta1.op("Pow", t))
    return Step(image - length * m / scale, m, v, t)
