"""Adam as a graph: a step downhill from an image, given the loss and its gradient there."""

import numpy as np
import numpy.typing as npt
import onnx

from stylize.export.calculus.graph import Graph
from stylize.export.calculus.terms import IMAGE, NUMBER, inputs
from stylize.export.method.safeguard import become, safeguard

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
"""Adam's decay of the running means, and what keeps pixels without a gradient where they are."""


def adam_model(dtype: npt.DTypeLike = np.float32) -> onnx.ModelProto:
    """Adam (Kingma and Ba 2015, algorithm 1), in the notation of the paper."""
    graph = Graph(dtype)
    state = inputs(graph, {"learning_rate": NUMBER, "t": NUMBER, "m": IMAGE, "v": IMAGE})
    here = safeguard(graph)
    kept = (~here.restart).as_number()
    g = here.gradient
    t = kept * state["t"] + 1
    m = (BETA1 * kept) * state["m"] + (1 - BETA1) * g
    v = (BETA2 * kept) * state["v"] + (1 - BETA2) * (g * g)
    beta1, beta2 = t.lift(BETA1), t.lift(BETA2)
    scale = (v / (1 - beta2.op("Pow", t))).op("Sqrt") + EPSILON
    length = here.pace * state["learning_rate"] / (1 - beta1.op("Pow", t))
    image = here.bounded(here.image - length * m / scale)
    become(graph, {"image": image, "m": m, "v": v}, IMAGE)
    become(graph, {"t": t}, NUMBER)
    return graph.model("adam")
