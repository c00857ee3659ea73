"""The paintings that a command names: files and folders, weights, the layers that see them."""

import os
from collections.abc import Sequence
from pathlib import Path

from stylize.models.amounts import counted
from stylize.models.errors import ImageError, OptionError
from stylize.runtime.batches.pairs import pictures_in
from stylize.runtime.method.paintings import Painting

MOST = 200
"""More paintings in a folder are rather a mistake: one waits minutes for the mean of them all."""


def named_paintings(
    files: Sequence[Path], blend: str | None = None, named: Sequence[str] | None = None
) -> tuple[Painting[Path], ...]:
    """Return paintings with their shares of the style.

    Parameters
    ----------
    files : sequence of Path
        Pictures; or folders, of which each is one style, the mean of all pictures in it.
    blend : str, optional
        A weight for each of `files`, as ``3,1,1``; without it, all have the same.
    named : sequence of str, optional
        Paintings for some layers only, as ``conv1_1,conv2_1=A.jpg``.

    Raises
    ------
    ImageError
        A folder has no pictures, or too many.
    OptionError
        The weights are not possible or not as many, or a layer is named twice.
    """
    weights = parse_blend(blend, len(files)) if blend is not None else [1.0] * len(files)
    found = []
    for file, weight in zip(files, weights, strict=True):
        found += style_of(file, weight)
    seen: set[str] = set()
    for text in named or ():
        layers, file = parse_named(text)
        if twice := seen & {*layers} or {each for each in layers if layers.count(each) > 1}:
            raise OptionError(
                f"--painting-for names {min(twice)} twice. One painting, or one folder of them, is "
                "seen by a layer."
            )
        seen.update(layers)
        found += style_of(file, 1.0, layers)
    return tuple(found)


def parse_blend(text: str, count: int) -> list[float]:
    """Return the weight of each painting.

    Raises
    ------
    OptionError
        That is no list of so many numbers, one is negative, or all are 0.
    """
    try:
        weights = [float(each) for each in text.split(",")]
    except ValueError as error:
        raise OptionError(
            f"--blend is '{text}'; write a number for each painting: 3,1,1."
        ) from error
    if len(weights) != count:
        raise OptionError(
            f"--blend has {counted(len(weights), 'number')} for {counted(count, 'painting')}. "
            "Give one for each PAINTING, in their order."
        )
    if not any(Painting(None, weight).weight for weight in weights):  # which checks each
        raise OptionError(f"--blend is '{text}', which leaves nothing: one must be more than 0.")
    return weights


def parse_named(text: str) -> tuple[tuple[str, ...], Path]:
    """Return layers, and the painting that they see: ``conv1_1,conv2_1=A.jpg``.

    Raises
    ------
    OptionError
        Something is missing.
    """
    layers, _, file = text.partition("=")
    names = tuple(each.strip() for each in layers.split(","))
    if not all(names) or not file:
        raise OptionError(
            f"--painting-for is '{text}'; write layers and their painting: conv1_1,conv2_1=A.jpg."
        )
    return names, Path(file)


def title(paintings: Sequence[Path]) -> list[str]:
    """Return what files are called after that are made of paintings: at most a few names."""
    stems = [each.stem for each in paintings]
    return stems if len(stems) <= 4 else [*stems[:3], f"and-{len(stems) - 3}-more"]


def style_of(file: Path, weight: float = 1.0, layers: tuple[str, ...] = ()) -> list[Painting[Path]]:
    """Return the paintings of one style: a file, or all in a folder.

    Raises
    ------
    ImageError
        The folder has no pictures, or too many.
    """
    files = _mean_of(file) if os.path.isdir(file) else [file]
    return [Painting(each, weight / len(files), layers) for each in files]


def _mean_of(folder: Path) -> list[Path]:
    found = pictures_in(folder)
    if len(found) > MOST:
        raise ImageError(
            f"The folder '{folder}' has {len(found)} pictures; a style is of {MOST} at most. Name "
            "one with fewer."
        )
    return found
