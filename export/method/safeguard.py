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


STATE = ("best_total", "best_iteration", "iteration", "pace", "restarts")
"""The numbers that all optimisers remember."""


@dataclass(frozen=True)
class Bounds:
    """What pixels are held between, which may be infinite.

    Steps are clipped, and no set of pixels at their bounds is kept apart as in Bertsekas (1982):
    L-BFGS remembers the steps that it asked for.
    """

    least: Term
    most: Term

    def hold(self, image: Term) -> Term:
        """Return an image with its pixels held between the bounds.

        By Relu, which is exact for 0 and 1: CUDA takes the bounds of a Clip from the CPU's memory
        only, and the CPU takes twenty times as long for a Where.
        """
        above, below = (image - self.most).op("Relu"), (self.least - image).op("Relu")
        return image - above + below


@dataclass(frozen=True)
class Start:
    """How a step begins: here, or after an explosion at the best image so far."""

    total: Term
    """The loss there."""
    pace: Term
    """The factor of the usual length of a step."""
    restart: Term
    """Whether the loss exploded: what was remembered of the way here is to be forgotten."""
    arrives: Term
    """Whether a step led here from a good image, so that the way here tells of the curvature."""


@dataclass(frozen=True)
class Position:
    """The place where a step begins."""

    image: Term
    gradient: Term
    start: Start
    bounds: Bounds


@dataclass(frozen=True)
class Judgement:
    """What is thought of an image, by its loss and the slope there."""

    better: Term
    """Whether it is the best so far."""
    failed: Term
    """Whether it is of no use to go on."""
    start: Start
    state: Mapping[str, Term]
    """What `STATE` becomes."""


def safeguard(graph: Graph) -> Position:
    """Keep the best image; after an explosion go back to it, and on by smaller steps.

    Declares ``image``, ``gradient``, ``total`` and the bounds of pixels, and the state that all
    optimisers share.
    """
    given = inputs(graph, {"image": IMAGE, "gradient": IMAGE, "total": NUMBER})
    bounds = Bounds(**inputs(graph, {"least": NUMBER, "most": NUMBER}))
    best = inputs(graph, {"best_image": IMAGE, "best_gradient": IMAGE})
    state = inputs(graph, dict.fromkeys(STATE, NUMBER))
    judgement = judge(given["total"], slope(given["gradient"]), state)
    better, restart = judgement.better, judgement.start.restart
    image = given["image"].where(better, best["best_image"], name="next_best_image")
    gradient = given["gradient"].where(better, best["best_gradient"], name="next_best_gradient")

    tell(graph, {"restarted": restart, "failed": judgement.failed})
    become(graph, {"best_image": image, "best_gradient": gradient}, IMAGE)
    become(graph, judgement.state, NUMBER)
    return Position(
        image=image.where(restart, given["image"]),
        gradient=gradient.where(restart, given["gradient"]),
        start=judgement.start,
        bounds=bounds,
    )


def slope(gradient: Term) -> Term:
    """Return a number that is finite if every element of a gradient is."""
    return gradient.op("ReduceL1", keepdims=0)


def judge(total: Term, slope: Term, state: Mapping[str, Term]) -> Judgement:
    """Judge an image by its loss and the slope there, given the numbers that are remembered."""
    best, iteration = state["best_total"], state["iteration"] + 1
    finite = (total.op("Abs") < np.inf) & (slope < np.inf)  # false of NaN, too
    better = finite & (total < best)
    known = best < np.inf
    exploded = known & ((total > EXPLOSION * best) | ~finite)
    restart = exploded & ((state["restarts"] < MAX_RESTARTS) | ~finite)
    pace = (state["pace"] * SLOWING).where(restart, state["pace"])
    restarts = (state["restarts"] + restart.as_number()).where(~better, 0.0)
    return Judgement(
        better=better,
        failed=~finite & (~known | ~(state["restarts"] < MAX_RESTARTS)),
        start=Start(best.where(restart, total), pace, restart, arrives=known & ~restart),
        state={
            "best_total": total.where(better, best),
            "best_iteration": iteration.where(better, state["best_iteration"]),
            "iteration": iteration,
            "restarts": restarts,
            "pace": (pace * RECOVERY).at_most(1.0),
        },
    )


def tell(graph: Graph, flags: Mapping[str, Term]) -> None:
    """Declare conditions as outputs, 1 where they hold and 0 elsewhere."""
    for name, flag in flags.items():
        graph.output(name, flag.as_number().name, NUMBER)


def become(graph: Graph, values: Mapping[str, Term], shape: Dimensions) -> None:
    """Declare the next values of a state as outputs."""
    for name, value in values.items():
        graph.output(f"next_{name}", value.name, shape)
