"""The parts of the photo that a command names, each with the painting whose style it takes."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from stylize.cli.making.paintings import style_of
from stylize.models.errors import OptionError
from stylize.runtime.method.paintings import Painting
from stylize.runtime.method.regions import Mask, Region

COLON = re.compile(r"(?<!^[A-Za-z])(?<!:[A-Za-z]):|:(?![\\/])")
"""What may stand between a painting and its mask: a colon, but not that of a drive."""

Split = tuple[str, str, str | None]
"""A mask of the photo, a painting, and maybe a mask of that."""


def named_regions(texts: Sequence[str] | None) -> tuple[Region[Path], ...]:
    """Return the regions that are named, each as `parse_region` takes it.

    Raises
    ------
    ImageError
        A folder of paintings has no pictures, or too many.
    OptionError
        Something is missing.
    """
    return tuple(map(parse_region, texts or ()))


def parse_region(text: str) -> Region[Path]:
    """Return a region that is written as ``sky.png=starry.jpg`` or ``sky.png=starry.jpg:top.png``.

    A mask may be one colour of a file: ``map.png#red``. Names may have ``=``, ``:`` and ``#`` in
    them: what is there decides.

    Raises
    ------
    ImageError
        The painting is a folder that has no pictures, or too many.
    OptionError
        Something is missing.
    """
    splits = list(_splits(text))
    if not splits:
        raise OptionError(
            f"--region is '{text}'; write a mask of the photo and a painting: sky.png=starry.jpg. "
            "A mask of the painting may follow: sky.png=starry.jpg:top.png."
        )
    mask, painting, painting_mask = max(splits, key=_found)
    over_painting = _mask(painting_mask) if painting_mask else None
    return Region(_mask(mask), style_of(Path(painting)), over_painting)


def check_named(
    command: str, paintings: Sequence[Painting[Path]], regions: Sequence[Region[Path]]
) -> None:
    """Raise OptionError if a command names no style at all."""
    if not (paintings or regions):
        raise OptionError(
            "Missing argument 'PAINTING', or a --region with a painting of its own. The order is: "
            f"stylize {command} PHOTO [PAINTING...]. 'stylize {command} --help' tells more."
        )


def in_regions(regions: Sequence[Region[Path]]) -> list[Painting[Path]]:
    """Return the paintings of regions, each file once."""
    return list({each.picture: each for one in regions for each in one.paintings}.values())


def _splits(text: str) -> Iterator[Split]:
    """Yield what a text may mean, the likeliest first."""
    for equals in re.finditer("=", text):
        mask, rest = text[: equals.start()], text[equals.end() :]
        if not (mask and rest):
            continue
        for colon in reversed(list(COLON.finditer(rest))):
            painting, painting_mask = rest[: colon.start()], rest[colon.end() :]
            if painting and painting_mask:
                yield mask, painting, painting_mask
        yield mask, rest, None


def _found(split: Split) -> tuple[bool, int]:
    """Tell whether all files are there, and how many."""
    mask, painting, painting_mask = split
    masks = [_mask(each).picture for each in (mask, painting_mask) if each]
    there = [os.path.exists(path) for path in (*masks, Path(painting))]
    return all(there), sum(there)


def _mask(text: str) -> Mask[Path]:
    """Return a mask, which may be one colour of a file."""
    file, _, colour = text.rpartition("#")
    return Mask(Path(file), colour) if file and not os.path.exists(text) else Mask(Path(text))
