"""Which layers a loss looks at: the sets that the paper uses, and how one set covers another."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeVar, get_args

from stylize.models.errors import OptionError

PoolingKind = Literal["average", "max"]
"""How a network pools; the paper says that average gives the better pictures."""

Statistics = Literal["gram", "gram+moments", "bures"]
"""What a loss of style compares.

``gram``: Gram matrices, as Gatys et al. do; ``gram+moments``: means and standard deviations, too,
as Galerne et al. (2024) do; ``bures``: means and covariances, by the distance of normal
distributions.
"""

VGG19_LAYERS = tuple(
    f"conv{block}_{layer}"
    for block, layers in enumerate((2, 2, 4, 4, 4), 1)
    for layer in range(1, layers + 1)
)
"""The convolutions of VGG-19, under the names of the paper."""

CONTENT_LAYERS = ("conv4_2",)
"""The content layer of the paper's Figures 2 and 3."""

STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
"""The style layers of the paper's Figure 2; Figures 1 and 3 use the first one, two, ... five."""


@dataclass(frozen=True)
class LayerSet:
    """The layers of a content and of a style loss; either may be empty, and none counts twice.

    The loss of style compares `statistics` of the layers: of the whole picture, or, `guided`, of
    parts of it.
    """

    content: tuple[str, ...] = ()
    style: tuple[str, ...] = ()
    statistics: Statistics = "gram"
    guided: bool = False

    def __post_init__(self) -> None:
        # The way for a frozen dataclass to tidy what it is given.
        object.__setattr__(self, "content", tuple(dict.fromkeys(self.content)))
        object.__setattr__(self, "style", tuple(dict.fromkeys(self.style)))
        if not self.style:
            object.__setattr__(self, "statistics", "gram")
            object.__setattr__(self, "guided", False)

    def __bool__(self) -> bool:
        return bool(self.content or self.style)

    def __str__(self) -> str:
        parts = (("content", self.content), ("style", self.style))
        text = ", ".join(f"{kind} {' '.join(layers)}" for kind, layers in parts if layers)
        kinds = [self.statistics] * (self.statistics != "gram") + ["by regions"] * self.guided
        return f"{text} ({', '.join(kinds)})" if kinds else text

    def covers(self, other: "LayerSet") -> bool:
        """Tell whether every layer of `other` is here, for the same kind of loss."""
        kinds = [(each.statistics, each.guided) for each in (self, other)]
        alike = kinds[0] == kinds[1] or not (other.style or self.guided)
        layers = set(other.content) <= set(self.content) and set(other.style) <= set(self.style)
        return alike and layers


class Named(Protocol):
    """Anything with a layer's name."""

    @property
    def name(self) -> str:
        """The paper's name of the layer."""
        ...


L = TypeVar("L", bound=Named)


def find_layer(layers: Sequence[L], name: str, owner: str) -> L:
    """Return the layer called `name`.

    Raises
    ------
    OptionError
        `owner` has no such layer.
    """
    for layer in layers:
        if layer.name == name:
            return layer
    known = ", ".join(layer.name for layer in layers)
    raise OptionError(f"{owner} has no layer '{name}'. Its layers: {known}.")


def paper_layer_sets() -> list[LayerSet]:
    """Return every layer set that the paper's figures use, that of Figure 2 first."""
    subsets = [STYLE_LAYERS[:count] for count in range(len(STYLE_LAYERS), 0, -1)]
    stylised = [LayerSet(CONTENT_LAYERS, subset) for subset in subsets]
    content = [LayerSet(content=(layer,)) for layer in (*STYLE_LAYERS, *CONTENT_LAYERS)]
    style = [LayerSet(style=subset) for subset in subsets]
    return stylised + content + style


def richer_layer_sets() -> list[LayerSet]:
    """Return the layer sets for which a model compares other statistics than the paper's, too.

    They are those of Figure 2 and of our own settings. Graphs for these do for fewer layers, too.
    """
    others = get_args(Statistics)[1:]
    return [replace(each, statistics=other) for other in others for each in _usual_layer_sets()]


def guided_layer_sets() -> list[LayerSet]:
    """Return the layer sets for which a model compares parts of a picture, without tiles."""
    return [replace(layers, guided=True) for layers in _usual_layer_sets()]


def _usual_layer_sets() -> list[LayerSet]:
    return [LayerSet(CONTENT_LAYERS, STYLE_LAYERS[:count]) for count in (5, 4)]
