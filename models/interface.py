"""What goes into each kind of graph and comes out of it, as ``README.md`` says beside this file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from stylize.models.layers import LayerSet, PoolingKind

Shape = tuple[int | str, ...]
"""A dimension given by a name depends on the image's size, or on how much is remembered."""
Shapes = Mapping[str, Shape]
"""Shapes by the names of inputs or outputs."""
Channels = Mapping[str, int]
"""Channels by the names of a network's layers."""

IMAGE: Shape = (1, 3, "height", "width")
NUMBER: Shape = ()

STRIP: Shape = ("height", "width")
ABOVE: Shape = ("above_height", "above_width")
"""Height and width of a tile, and of the map above it."""

REGIONS = "regions"
"""How many parts of the picture have losses of style of their own."""

GUIDANCE = "guidance."
"""What the names of weights of positions begin with; a layer's follows."""

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


def targets(layers: LayerSet, channels: Channels, moments: bool) -> Interface:
    """Return the interface of a graph of targets, which may hold means."""
    return Interface({"image": IMAGE}, _targets(layers, channels, moments))


def gradient(layers: LayerSet, channels: Channels, moments: bool) -> Interface:
    """Return the interface of a graph of losses and their gradient."""
    kinds = {"content": layers.content, "style": layers.style}
    counts: dict[str, Shape] = {kind: (len(names),) for kind, names in kinds.items() if names}
    given = _targets(layers, channels, moments)
    if layers.guided:
        counts["style"] = (REGIONS, len(layers.style))
        given = {
            name: (REGIONS, *shape) if name.startswith("style_target.") else shape
            for name, shape in given.items()
        }
        given |= {
            f"{GUIDANCE}{name}": (REGIONS, f"{name}_height", f"{name}_width")
            for name in layers.style
        }
    weights = {f"{kind}_weights": count for kind, count in counts.items()}
    losses = {f"{kind}_losses": count for kind, count in counts.items()}
    return Interface(
        {"image": IMAGE, **given, **weights}, {**losses, "total": NUMBER, "gradient": IMAGE}
    )


MASKS = ("positive.", "first.")
"""What the names of values begin with that are true or false; all others are float32."""


@dataclass(frozen=True)
class BlockLayers:
    """The layers of a block of the network.

    Attributes
    ----------
    convolutions : tuple of str
        Its convolutions, from below.
    pooling : str or None
        The pooling that ends it; None for a last block that has none.
    kind : {"average", "max"}
        What that pooling does.
    below : int
        Channels of the map below.
    """

    convolutions: tuple[str, ...]
    pooling: str | None
    kind: PoolingKind
    below: int


ROOT = Interface(
    inputs={"style_target": ("channels", "channels")},
    outputs={"rooted_target": ("channels", "channels")},
)


def block(
    layers: LayerSet,
    block: BlockLayers,
    top: bool,
    channels: Channels,
    moments: bool,
    guided: bool,
) -> tuple[Interface, Interface]:
    """Return the interfaces of a block's graphs, forwards and back.

    Parameters
    ----------
    layers : LayerSet
        Its layers that have a loss.
    block : BlockLayers
        All its layers.
    top : bool
        Whether no layer above it has a loss.
    channels : mapping of str to int
        Channels of every layer.
    moments : bool
        Whether responses themselves are added up, beside their products.
    guided : bool
        Whether what is added up is of several regions, each with its weights.
    """
    pooling = block.pooling

    def size(name: str) -> Shape:
        return ABOVE if name == pooling else STRIP

    def response(name: str) -> Shape:
        return (1, channels[name], *size(name))

    def own(names: Sequence[str]) -> Shapes:
        return {"own_above" if name == pooling else "own": size(name) for name in names}

    def above(name: str) -> Shapes:
        return {name: response(pooling)} if pooling and not top else {}

    def weights() -> Shapes:
        """Return what tells how much positions count in losses of style."""
        if not guided:
            return own(layers.style)
        return {f"{GUIDANCE}{name}": (REGIONS, *size(name)) for name in layers.style}

    sums = _sums(layers, channels, moments)
    if guided:
        sums = {name: (REGIONS, *shape) for name, shape in sums.items()}
    differences = {f"difference.{name}": response(name) for name in layers.content}
    handed_over = differences | {name: response(of) for name, of in _masks(layers, block, top)}
    below: Shapes = {"below": (1, block.below, *STRIP)}
    forwards = Interface(
        {
            **below,
            **own(layers.content),
            **weights(),
            **{f"content_target.{name}": response(name) for name in layers.content},
        },
        {
            **sums,
            **{f"content_loss.{name}": NUMBER for name in layers.content},
            **handed_over,
            **above("above"),
        },
    )
    backwards = Interface(
        {
            **(below if layers.style else {}),
            **weights(),
            **_gradients(sums),
            **{f"content_weight.{name}": NUMBER for name in layers.content},
            **handed_over,
            **above("above_gradient"),
        },
        {"below_gradient": below["below"]},
    )
    return forwards, backwards


def _masks(layers: LayerSet, block: BlockLayers, top: bool) -> Iterator[tuple[str, str]]:
    """Yield each mask that is handed over, and the layer of whose response it is."""
    names = [*block.convolutions, *([block.pooling] if block.pooling else [])]
    used = _count(names, layers.content + layers.style) if top else len(names)
    again = _count(names, layers.style)
    for name in names[again:used]:
        if name != block.pooling:
            yield f"positive.{name}", name
    if block.pooling in names[again:used] and block.kind == "max":
        yield f"first.{names[-2]}", names[-2]


def _count(names: Sequence[str], used: Sequence[str]) -> int:
    """Return how many names there are up to the last one that is used."""
    return max((count for count, name in enumerate(names, start=1) if name in used), default=0)


def sums(layers: LayerSet, channels: Channels, moments: bool) -> Interface:
    """Return the interface of the graph from sums over all tiles to losses and gradients."""
    content: dict[str, Shape] = {}
    if layers.content:
        content = dict.fromkeys(("content_weights", "content_losses"), (len(layers.content),))
    added, targets = _sums(layers, channels, moments), _style_targets(layers, channels, moments)
    style: dict[str, Shape] = {**added, **targets}
    style |= {f"positions.{name}": NUMBER for name in layers.style}
    losses: dict[str, Shape] = {}
    if layers.style:
        style |= {"style_weights": (len(layers.style),)}
        losses = {"style_losses": (len(layers.style),)}
    found = {name.replace("style_target.", "style."): shape for name, shape in targets.items()}
    outputs = {**losses, **found, **_gradients(added), "total": NUMBER}
    return Interface(content | style, outputs)


def _sums(layers: LayerSet, channels: Channels, moments: bool) -> dict[str, Shape]:
    """Return what is added up over positions."""
    found: dict[str, Shape] = {f"gram.{name}": _gram(name, channels) for name in layers.style}
    if moments:
        found |= {f"sum.{name}": (channels[name], 1) for name in layers.style}
    return found


def _gradients(sums: Shapes) -> dict[str, Shape]:
    """Return the gradients by what is added up."""
    return {name.replace(".", "_gradient.", 1): shape for name, shape in sums.items()}


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
    given |= dict.fromkeys(("learning_rate", "beta2", "least", "most"), NUMBER)
    if not state.items() <= found.inputs.items() <= (state | given).items():
        return "what goes in is not what came out before"
    names = {size for shape in found.inputs.values() for size in shape if isinstance(size, str)}
    if not names <= set(REMEMBERED):
        return f"its shapes have the unknown dimension {min(names - set(REMEMBERED))}"
    return None


def _targets(layers: LayerSet, channels: Channels, moments: bool) -> Shapes:
    content = {f"content_target.{name}": _response(name, channels) for name in layers.content}
    return content | _style_targets(layers, channels, moments)


def _style_targets(layers: LayerSet, channels: Channels, moments: bool) -> dict[str, Shape]:
    """Return Gram matrices, or those with a channel more that is 1 everywhere."""
    sides = {name: channels[name] + moments for name in layers.style}
    return {f"style_target.{name}": (side, side) for name, side in sides.items()}


def _response(layer: str, channels: Channels) -> Shape:
    return (1, channels[layer], f"{layer}_height", f"{layer}_width")


def _gram(layer: str, channels: Channels) -> Shape:
    return (channels[layer], channels[layer])
