"""What goes into each kind of graph and comes out of it, as ``README.md`` says beside this file."""

from collections.abc import Mapping
from dataclasses import dataclass

from stylize.models.layers import LayerSet

Shape = tuple[int | str, ...]
"""A dimension given by a name depends on the image's size, or on how much is remembered."""
Shapes = Mapping[str, Shape]
"""Shapes by the names of inputs or outputs."""
Channels = Mapping[str, int]
"""Channels by the names of a network's layers."""

IMAGE: Shape = (1, 3, "height", "width")
NUMBER: Shape = ()

REMEMBERED = ("height", "width", "places", "rows")
"""Dimensions that what an optimiser remembers may have."""


@dataclass(frozen=True)
class Interface:
    """The shapes of a graph's inputs and outputs by name."""

    inputs: Shapes
    outputs: Shapes


VARIATION = Interface(
    inputs={"image": IMAGE, "other_total": NUMBER, "other_gradient": IMAGE, "tv_weight": NUMBER},
    outputs={"total": NUMBER, "gradient": IMAGE, "variation": NUMBER},
)

OPTIMIZER = Interface(
    inputs={"image": IMAGE, "total": NUMBER, "gradient": IMAGE},
    outputs={
        "next_image": IMAGE,
        "next_best_image": IMAGE,
        "next_best_total": NUMBER,
        "next_best_iteration": NUMBER,
        "restarted": NUMBER,
        "failed": NUMBER,
    },
)
"""What every optimiser has; the rest of its state is its own."""


def features(channels: Channels) -> Interface:
    """Return the interface of the graph of all responses and Gram matrices."""
    every = tuple(channels)
    outputs = {name: _response(name, channels) for name in every}
    grams = {f"gram.{name}": _gram(name, channels) for name in every}
    return Interface({"image": IMAGE}, outputs | grams)


def targets(layers: LayerSet, channels: Channels) -> Interface:
    """Return the interface of a graph of targets."""
    return Interface({"image": IMAGE}, _targets(layers, channels))


def gradient(layers: LayerSet, channels: Channels) -> Interface:
    """Return the interface of a graph of losses and their gradient."""
    kinds = {"content": layers.content, "style": layers.style}
    counts: dict[str, Shape] = {kind: (len(names),) for kind, names in kinds.items() if names}
    weights = {f"{kind}_weights": count for kind, count in counts.items()}
    losses = {f"{kind}_losses": count for kind, count in counts.items()}
    return Interface(
        {"image": IMAGE, **_targets(layers, channels), **weights},
        {**losses, "total": NUMBER, "gradient": IMAGE},
    )


def optimizer_fault(found: Interface) -> str | None:
    """Say what keeps a graph from being an optimiser's; None if it is one."""
    missing = OPTIMIZER.inputs.items() - found.inputs.items()
    missing |= OPTIMIZER.outputs.items() - found.outputs.items()
    if missing:
        return f"it lacks {min(name for name, _ in missing)}"
    state = {
        name.removeprefix("next_"): shape
        for name, shape in found.outputs.items()
        if name.startswith("next_")
    }
    given = {"total": NUMBER, "gradient": IMAGE}
    given |= dict.fromkeys(("learning_rate", "least", "most"), NUMBER)
    if not state.items() <= found.inputs.items() <= (state | given).items():
        return "what goes in is not what came out before"
    names = {size for shape in found.inputs.values() for size in shape if isinstance(size, str)}
    if not names <= set(REMEMBERED):
        return f"its shapes have the unknown dimension {min(names - set(REMEMBERED))}"
    return None


def _targets(layers: LayerSet, channels: Channels) -> Shapes:
    content = {f"content_target.{name}": _response(name, channels) for name in layers.content}
    style = {f"style_target.{name}": _gram(name, channels) for name in layers.style}
    return content | style


def _response(layer: str, channels: Channels) -> Shape:
    return (1, channels[layer], f"{layer}_height", f"{layer}_width")


def _gram(layer: str, channels: Channels) -> Shape:
    return (channels[layer], channels[layer])
