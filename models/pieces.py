"""What goes into the graphs for pieces of a picture, and what comes out of them.

They are the optimisers and the total variation, and do not depend on the network.
"""

from collections.abc import Mapping

from stylize.models.interface import IMAGE, NUMBER, Interface, Shape, Shapes

RUN: Shape = ("elements",)
"""A run of an image's numbers."""
HISTORY: Shape = ("rows", "elements")
"""What L-BFGS remembers of such a run."""
PRODUCTS: Shape = ("rows", 3)
FACTORS: Shape = ("rows",)

JUDGED = ("best_total", "best_iteration", "iteration", "pace", "restarts")
REMEMBERED_NUMBERS: Shapes = {
    "sy": ("places", "places"),
    "yy": ("places", "places"),
    "counts": ("places",),
    "free": NUMBER,
}
BOUNDS: Shapes = {"least": NUMBER, "most": NUMBER}


def _next(shapes: Shapes) -> Shapes:
    """Return the outputs that go in again, then without the prefix."""
    return {f"next_{name}": shape for name, shape in shapes.items()}


def _numbers(*names: str) -> Shapes:
    return dict.fromkeys(names, NUMBER)


PIECES: Mapping[str, Interface] = {
    "slope": Interface({"gradient": RUN}, _numbers("slope")),
    "judge": Interface(
        _numbers("total", "slope", *JUDGED),
        {
            **_numbers("better", "restarted", "failed", "arrives", "total_here", "pace_now"),
            **_next(_numbers(*JUDGED)),
        },
    ),
    "coordinates": Interface({"gradient": IMAGE}, {"by_coordinates": IMAGE}),
    "lbfgs.products": Interface(
        {
            **dict.fromkeys(("gradient", "last_gradient", "step"), RUN),
            "history": HISTORY,
            **_numbers("free", "arrives", "shortening"),
        },
        {"next_history": HISTORY, "products": PRODUCTS, "gg": NUMBER},
    ),
    "lbfgs.decide": Interface(
        {
            "products": PRODUCTS,
            **_numbers("gg", "size", "total_here", "pace_now", "restarted", "arrives"),
            **REMEMBERED_NUMBERS,
        },
        {
            "factors": FACTORS,
            **_numbers("gradient_factor", "longest"),
            **_next(REMEMBERED_NUMBERS),
        },
    ),
    "lbfgs.step": Interface(
        {"gradient": RUN, "history": HISTORY, "factors": FACTORS, "gradient_factor": NUMBER},
        {"step": RUN, "square": NUMBER},
    ),
    "lbfgs.shorten": Interface(_numbers("square", "longest"), _numbers("shortening")),
    "lbfgs.move": Interface(
        {"image": IMAGE, "step": IMAGE, "shortening": NUMBER, **BOUNDS}, {"next_image": IMAGE}
    ),
    "adam.move": Interface(
        {
            **dict.fromkeys(("image", "gradient", "m", "v"), RUN),
            **_numbers("learning_rate", "beta2", "t", "pace_now", "restarted"),
            **BOUNDS,
        },
        _next({"image": RUN, "m": RUN, "v": RUN, "t": NUMBER}),
    ),
    "variation.strip": Interface(
        {"image": IMAGE, "other_gradient": IMAGE, "own": ("height",), "tv_weight": NUMBER},
        {"variation": NUMBER, "gradient": IMAGE},
    ),
}
"""The interfaces by name, as ``README.md`` says beside this file."""


def before_format_6(piece: Interface) -> Interface:
    """Return what a piece was when beta2 was always 0.999."""
    inputs = {name: shape for name, shape in piece.inputs.items() if name != "beta2"}
    return Interface(inputs, piece.outputs)
