"""What all optimisers share: the best image is kept, and after an explosion the search goes back.

Optimisers depend on no network. What they remember goes in as inputs and comes out as outputs, so
that it stays wherever a provider keeps its memory. They decide without control flow, so that a
provider may record a step once and replay it. `models/README.md` documents inputs and outputs.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stylize.export.calculus.graph import Dimensions, Graph
from stylize.export.calculus.terms import IMAGE, NUMBER, Term, inputs

EXPLOSION = 10.0
"""A loss so many times the lowest one is no overshoot that the next steps would mend."""

SLOWING, RECOVERY = 0.5, 1.2
"""The factor of the steps' length at an explosion, and then at each step, up to 1 again."""

MAX_RESTARTS = 10
"""After so many in a row without a better image, the length of the steps is not to blame."""


@dataclass(frozen=True)
class Position:
    """The place where a step begins: here, or after an explosion at the best image so far."""

    image: Term
    gradient: Term
    total: Term
    """The loss there."""
    pace: Term
    """The factor of the usual length of a step."""
    known: Term
    """Whether there was a good image before this one."""
    restart: Term
    """Whether the loss exploded: what was remembered of the way here is to be forgotten."""
    least: Term
    most: Term
    """What pixels are held between. Steps are clipped, and no set of pixels at their bounds is kept
    apart as in Bertsekas (1982): L-BFGS remembers the steps that it asked for."""

    def bounded(self, image: Term) -> Term:
        """Return an image with its pixels held between the bounds, which may be infinite.

        By Relu, which is exact for 0 and 1: CUDA takes the bounds of a Clip from the CPU's memory
        only, and the CPU takes twenty times as long for a Where.
        """
        above, below = (image - self.most).op("Relu"), (self.least - image).op("Relu")
        return image - above + below


def safeguard(graph: Graph) -> Position:
    """Keep the best image; after an explosion go back to it, and on by smaller steps.

    Declares ``image``, ``gradient``, ``total`` and the bounds of pixels, and the state that all
    optimisers share.
    """
    given = inputs(graph, {"image": IMAGE, "gradient": IMAGE, "total": NUMBER})
    bounds = inputs(graph, {"least": NUMBER, "most": NUMBER})
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
    become(graph, {"best_image": image, "best_gradient": gradient}, IMAGE)
    become(graph, {"best_total": total.where(better, best)}, NUMBER)
    become(graph, {"best_iteration": iteration.where(better, state["best_iteration"])}, NUMBER)
    become(graph, {"iteration": iteration, "restarts": restarts}, NUMBER)
    become(graph, {"pace": (pace * RECOVERY).at_most(1.0)}, NUMBER)
    return Position(
        image=image.where(restart, given["image"]),
        gradient=gradient.where(restart, given["gradient"]),
        total=best.where(restart, total),
        pace=pace,
        known=known,
        restart=restart,
        **bounds,
    )


def become(graph: Graph, values: Mapping[str, Term], shape: Dimensions) -> None:
    """Declare the next values of a state as outputs."""
    for name, value in values.items():
        graph.output(f"next_{name}", value.name, shape)
