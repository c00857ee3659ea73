"""What is said of the parts of a photo: which takes which style, and where that is not much."""

from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from stylize.runtime.method.options import Options
from stylize.runtime.method.paintings import Painting
from stylize.runtime.method.regions import Mask, Region

if TYPE_CHECKING:
    from stylize.runtime.method.parts import Part

Size = tuple[int, int]

LOOKED_AT = 512
"""Pixels of the long side in which masks are looked at."""
TINY = 0.001
"""A part of the photo that is smaller has hardly room for a style."""
OVERLAPPING = 0.01
"""Part of the photo in which masks may overlap without a word."""
FEW = 64
"""Pixels of a side: a part of a painting that has less than their square shows little of it."""
MOST = 3
"""Paintings of one part that are named."""


def of_regions(
    photo: Path,
    paintings: Sequence[Painting[Path]],
    regions: Sequence[Region[Path]],
    options: Options,
    result: Size,
) -> Iterator[str]:
    """Yield which part of the photo takes which style, and a sentence where that is not much.

    Parameters
    ----------
    photo : Path
        The photo.
    paintings : sequence of Painting
        The paintings whose style the rest takes.
    regions : sequence of Region
        The parts.
    options : Options
        All settings.
    result : tuple of int
        Width and height of what is made.
    """
    from stylize.runtime.method.parts import coverage, open_parts
    from stylize.runtime.pictures.reading import open_picture

    if not options.layers.style:
        yield "The regions do nothing: the style weight is 0."
        return
    picture = open_picture(photo)
    parts = open_parts(regions, picture)
    found = coverage(parts, picture, _reduced(result), isinstance(options.size, tuple))
    for region, part, share in zip(regions, parts, found.shares, strict=True):
        mask, style = _called(region.photo_mask), _style(region)
        yield f"Style in {mask}, {_percent(share)} of the photo: {style}"
        if share < TINY:
            yield f"{mask} covers {share * prod(result):.2g} pixels: hardly room for a style."
        yield from _of_paintings(part, options, result)
    if found.overlap > OVERLAPPING:
        yield f"Masks overlap in {_percent(found.overlap)} of the photo: their styles mix there."
    if paintings and found.rest < TINY:
        yield "PAINTING does nothing: the masks cover all of the photo."
    elif found.rest >= TINY:
        style = _names(paintings) if paintings else _UNPAINTED[bool(options.layers.content)]
        yield f"Style elsewhere, {_percent(found.rest)} of the photo: {style}"


_UNPAINTED = {
    True: "none, it follows the photo",
    False: "none, it stays as it starts, since the content weight is 0",
}
"""What becomes of what no mask covers, by whether there is a loss of content."""


def _of_paintings(part: "Part", options: Options, result: Size) -> Iterator[str]:
    """Yield a sentence for each painting of which a mask leaves little."""
    stencil = part.painting_stencil
    if not stencil:
        return
    measure = max if options.side == "long" else min
    for each in part.paintings:
        painting = each.picture.cropped(options.crop_painting)
        scale = (options.painting_size or measure(result)) / measure(painting.size)
        size = round(painting.size[0] * scale), round(painting.size[1] * scale)
        few = _reduced(size)
        pixels = float(stencil.over(painting, few).mean()) * prod(size)
        if pixels < FEW**2:
            yield (
                f"{stencil.name} leaves {pixels:.0f} pixels of {painting.name}: little of its "
                "style. Mark more of it, or use a larger --painting-size."
            )


def _reduced(size: Size) -> Size:
    """Return a width and height of the same proportions in which masks are looked at."""
    scale = min(1.0, LOOKED_AT / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _called(mask: Mask[Path]) -> str:
    """Return a mask as it is called in one word."""
    return str(Mask(mask.picture.name, mask.colour))


def _style(region: Region[Path]) -> str:
    within = f" within {_called(region.painting_mask)}" if region.painting_mask else ""
    return _names(region.paintings) + within


def _names(paintings: Sequence[Painting[Path]]) -> str:
    names = [each.picture.name for each in paintings]
    return ", ".join(names if len(names) <= MOST else [*names[:MOST], f"{len(names) - MOST} more"])


def _percent(share: float) -> str:
    """Return a share in percent, so exactly that it is not 0."""
    return f"{share:.0%}" if share >= 0.01 else f"{100 * share:.2g}%"
