"""A step with regions beside one without.

``python benchmarks/regions.py --model FOLDER``; README.md says what the columns mean.
"""

import time
from collections.abc import Sequence
from statistics import median
from typing import Annotated

import numpy as np
import typer
from case import Size
from PIL import Image
from report import (
    JsonOption,
    ModelOption,
    SizesOption,
    check_output,
    command_of,
    parse_sizes,
    show,
    size_name,
    write_json,
)

from stylize.runtime import Mask, Model, Options, Region, Scene
from stylize.runtime.method.iteration import Search

COUNTS = (0, 1, 2, 4)
"""Regions; 0 is a picture without."""

ProviderOption = Annotated[
    str, typer.Option("--provider", metavar="NAME", help="The provider that computes.")
]
RepeatsOption = Annotated[int, typer.Option(min=3, metavar="N", help="Steps of each.")]


def main(
    model: ModelOption,
    sizes: SizesOption = "512x384,1024x768",
    provider: ProviderOption = "cpu",
    repeats: RepeatsOption = 15,
    json: JsonOption = None,
) -> None:
    """Time steps of the default settings with 1, 2 and 4 regions, in turns with one without."""
    check_output(json)
    opened = Model.open(model, provider)
    rows = {size: _times(opened, size, repeats) for size in parse_sizes(sizes)}
    columns = ["size", *(f"{count} regions" for count in COUNTS)]
    columns += [f"{count} / 0" for count in COUNTS[1:]]
    show(columns, [_cells(size, times) for size, times in rows.items()])
    entries = [{"size": size_name(size), "seconds": times} for size, times in rows.items()]
    write_json(json, entries, provider=provider)


def _times(model: Model, size: Size, repeats: int) -> list[list[float]]:
    """Return the seconds of steps for each count, which take turns."""
    searches = [_search(model, size, count) for count in COUNTS]
    found: list[list[float]] = [[] for _ in searches]
    for search in searches:
        search.step()  # it allocates
    for _ in range(repeats):
        for search, seconds in zip(searches, found, strict=True):
            begun = time.perf_counter()
            search.step()
            seconds.append(time.perf_counter() - begun)
    return found


def _search(model: Model, size: Size, count: int) -> Search:
    """Return the optimiser of a picture, cut into so many columns."""
    photo, painting = (_noise(size, seed) for seed in range(2))
    regions = [Region(_column(size, number, count), painting) for number in range(count)]
    scene = Scene(Model(model.folder, model.provider), photo, None if count else painting, regions)
    options = Options(size=size, scales=1, margin=0, colors="painting")
    return scene.search(options, scene.plan(options))


def _column(size: Size, number: int, count: int) -> Mask[Image.Image]:
    width, height = size
    levels = np.zeros((height, width), np.uint8)
    levels[:, width * number // count : width * (number + 1) // count] = 255
    return Mask(Image.fromarray(levels))


def _noise(size: Size, seed: int) -> Image.Image:
    width, height = size
    levels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(levels)


def _cells(size: Size, times: Sequence[Sequence[float]]) -> list[str]:
    """Return medians, and those of the ratios of each turn."""
    plain, *others = (np.array(each) for each in times)
    ratios = (float(np.median(each / plain)) for each in others)
    medians = (median(each) for each in times)
    return [size_name(size), *(f"{m:.4g} s" for m in medians), *(f"{r:.3f}" for r in ratios)]


app = command_of(main)

if __name__ == "__main__":
    app()
