"""The paper's figures: which pictures they are made of, and how those are arranged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from stylize.models.errors import OptionError
from stylize.models.layers import STYLE_LAYERS
from stylize.runtime.method.options import Options
from stylize.runtime.method.paintings import Painting

MAX_RATIO = 1e20
"""The largest ratio; its inverse is the least. Beyond, float32 has no room for the losses."""
RATIOS = (1e-5, 1e-4, 1e-3, 1e-2)
"""alpha / beta in the columns of Figure 3."""


@dataclass(frozen=True)
class Cell:
    """A picture to be made.

    Attributes
    ----------
    name : str
        The name of its file, without the ending.
    photo : Path or None
        The photo that it is made of.
    paintings : tuple of Painting
        The paintings that it is made of.
    options : Options
        Its settings.
    """

    name: str
    photo: Path | None
    paintings: tuple[Painting[Path], ...]
    options: Options


@dataclass(frozen=True)
class Figure:
    """Pictures in rows and columns.

    Attributes
    ----------
    rows : sequence of sequences of Cell, Path or None
        A path is a picture shown as it is; None leaves the place empty.
    columns, sides : sequence of str
        Labels above the columns and to the left of the rows.
    """

    rows: Sequence[Sequence[Cell | Path | None]]
    columns: Sequence[str]
    sides: Sequence[str]

    @property
    def cells(self) -> Iterator[Cell]:
        """All pictures to be made."""
        return (place for row in self.rows for place in row if isinstance(place, Cell))


def figure_1(photo: Path, painting: Path, options: Options) -> Figure:
    """Return reconstructions from each layer: of the painting's style, and of the photo's content.

    The upper row matches the style on a growing subset of the layers, the lower the content on one
    layer at a time.
    """
    alone = (Painting(painting),)
    style = replace(options, content_weight=0.0, style_weight=1.0)
    content = replace(options, content_weight=1.0, style_weight=0.0)
    return Figure(
        rows=(
            [
                Cell(f"style-{layer}", None, alone, replace(style, style_layers=up_to(layer)))
                for layer in STYLE_LAYERS
            ],
            [
                Cell(f"content-{layer}", photo, (), replace(content, content_layers=(layer,)))
                for layer in STYLE_LAYERS
            ],
        ),
        columns=STYLE_LAYERS,
        sides=("style up to", "content at"),
    )


def figure_2(photo: Path, paintings: Sequence[Path], options: Options) -> Figure:
    """Return the photo in the manner of each painting, below the paintings.

    Raises
    ------
    OptionError
        Two paintings have files of one name.
    """
    names = [painting.stem for painting in paintings]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise OptionError(f"Two paintings are called '{twice}'. Rename one: files are named so.")
    return Figure(
        rows=(
            [photo, *paintings],
            [None, *(Cell(each.stem, photo, (Painting(each),), options) for each in paintings)],
        ),
        columns=(photo.stem, *names),
        sides=(),
    )


def figure_3(
    photo: Path,
    paintings: Sequence[Painting[Path]],
    options: Options,
    layers: Sequence[str] = STYLE_LAYERS,
    ratios: Sequence[float] = RATIOS,
) -> Figure:
    """Return a grid: growing subsets of the style layers against the ratio alpha / beta.

    Parameters
    ----------
    photo : Path
        The photo that all pictures are made of.
    paintings : sequence of Painting
        Their paintings.
    options : Options
        Settings; their style layers and weights are not used.
    layers : sequence of str
        One row for each: the style is matched on all style layers up to this one.
    ratios : sequence of float
        One column for each alpha / beta.

    Raises
    ------
    OptionError
        A layer is none of the paper's style layers, or a ratio is not in 1e-20...1e20.
    """

    def cell(layer: str, ratio: float) -> Cell:
        weighted = replace(options, content_weight=1.0, style_weight=1 / ratio)
        weighted = replace(weighted, style_layers=up_to(layer))
        return Cell(f"{layer}_{scientific(ratio)}", photo, tuple(paintings), weighted)

    layers, ratios = list(dict.fromkeys(layers)), list(dict.fromkeys(ratios))
    for ratio in ratios:
        if not 1 / MAX_RATIO <= ratio <= MAX_RATIO:
            raise OptionError(
                f"The ratio α/β is {ratio:g}; it must be from {1 / MAX_RATIO:g} to {MAX_RATIO:g}."
            )
    return Figure(
        rows=[[cell(layer, ratio) for ratio in ratios] for layer in layers],
        # In Latin letters: the font of the sheets has no Greek ones.
        columns=[f"alpha/beta = {scientific(ratio)}" for ratio in ratios],
        sides=[f"up to {layer}" for layer in layers],
    )


def scientific(number: float) -> str:
    """Return a number exactly, written as 1e-5 is."""
    return f"{Decimal(repr(number)).normalize():e}"


def up_to(layer: str) -> tuple[str, ...]:
    """Return the paper's style layers from the first to `layer`.

    Raises
    ------
    OptionError
        It is none of them.
    """
    if layer not in STYLE_LAYERS:
        known = ", ".join(STYLE_LAYERS)
        raise OptionError(f"'{layer}' is none of the paper's style layers: {known}.")
    return STYLE_LAYERS[: STYLE_LAYERS.index(layer) + 1]
