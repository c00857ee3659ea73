"""One picture on several workers of this machine: time, memory, what they tell each other.

``python benchmarks/cluster.py --model FOLDER``; README.md says what the columns mean. From what was
measured follows what many machines would take.
"""

import time
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, log2, prod
from statistics import median
from typing import Annotated

import numpy as np
import typer
from case import Size
from report import (
    JsonOption,
    ModelOption,
    SizesOption,
    check_output,
    command_of,
    parse_sizes,
    require,
    show,
    size_name,
    write_json,
)

from stylize.models.folder import ModelFolder
from stylize.models.layers import LayerSet, paper_layer_sets
from stylize.runtime import Model
from stylize.runtime.checks.footprint import taken_by_process
from stylize.runtime.checks.pace import products
from stylize.runtime.cluster.connection import Cluster
from stylize.runtime.cluster.picture import ClusterPicture
from stylize.runtime.engine.choice import find_provider
from stylize.runtime.method.streamed import Picture
from stylize.runtime.streaming.picture import StreamedPicture
from stylize.runtime.streaming.plan import Case
from stylize.runtime.streaming.shares import largest_share, shares

TILE = (128, 256)
HISTORY = 10
COLUMNS = ("size", "workers", "s/step", "of ideal", "MB/step", "peak of one")
MACHINES = (2, 4, 8, 16, 32, 48, 64, 100)
NETWORKS = {"1 Gbit/s": 125e6, "10 Gbit/s": 1.25e9}
"""Bytes a second."""
LATENCY = 1e-3
"""Seconds of a message between two workers of Dask, without its numbers."""
EXCHANGES, TREES = 11, 7
"""How often a step with L-BFGS tells neighbours, and all."""


@dataclass(frozen=True)
class Row:
    """What some workers took at one size.

    Attributes
    ----------
    size : tuple of int
        Width and height.
    workers : int
        How many there were, with one thread each.
    seconds : float
        The median of the steps.
    sent : float
        Bytes that the one who sends most sends at a step.
    peak : int
        Resident bytes of the largest process.
    """

    size: Size
    workers: int
    seconds: float
    sent: float
    peak: int


def main(
    model: ModelOption,
    sizes: SizesOption = "2048x1536",
    workers: Annotated[str, typer.Option(metavar="N,...", help="How many workers.")] = "1,2",
    provider: Annotated[str, typer.Option(metavar="NAME", help="Where they compute.")] = "cpu",
    steps: Annotated[int, typer.Option(help="Steps after the first.", min=1)] = 3,
    modelled: Annotated[
        str, typer.Option(metavar="WxH,...", help="Sizes to be reckoned for many machines.")
    ] = "8192x6144",
    json_file: JsonOption = None,
) -> None:
    """Measure steps on one worker and on several, of one thread each."""
    require("distributed")
    check_output(json_file)
    opened = Model.open(model, find_provider(provider, threads=1))
    layers = opened.folder.gradient_graph(paper_layer_sets()[0]).layers
    counts = [int(count) for count in workers.split(",")]
    rows: list[Row] = []
    for size in parse_sizes(sizes):
        mine = [measure(opened, layers, size, count, steps) for count in counts]
        rows += mine
        cells = [
            [
                *(size_name(size), str(row.workers), f"{row.seconds:.3g}"),
                f"{mine[0].workers * mine[0].seconds / row.workers / row.seconds:.2f}",
                *(f"{row.sent / 1e6:.1f}", f"{row.peak / 1e9:.2f} GB"),
            ]
            for row in mine
        ]
        show(COLUMNS, cells)
        if counts[0] == 1 and len(counts) > 1:
            for large in parse_sizes(modelled):
                show(*table_of(opened.folder, layers, mine[0], mine[1], large))
    write_json(json_file, [vars(row) for row in rows])


def measure(model: Model, layers: LayerSet, size: Size, count: int, steps: int) -> Row:
    """Return what a number of workers take."""
    width, height = size
    rows = largest_share(height, count)
    case = Case(model.folder, layers, (rows, width), "lbfgs", HISTORY)
    plan = replace(case.streamed(TILE, case.of_a_tile(TILE)), workers=count)
    given = model.folder, layers, (height, width), plan, model.provider, None
    if count == 1:
        seconds = timed(StreamedPicture(*given), layers, steps)
        return Row(size, count, seconds, 0, taken_by_process("VmHWM") or 0)
    cluster = Cluster(str(count))
    try:
        picture = ClusterPicture(cluster, *given)
        seconds = timed(picture, layers, steps)
        before = picture.bytes_sent()
        picture.descent(np.zeros(picture.shape, np.float32), (0.0, 1.0), 0.0).step()
        sent = max(np.subtract(picture.bytes_sent(), before))
        peaks = cluster.on_each(taken_by_process, "VmHWM")
        return Row(size, count, seconds, sent, max(peaks))
    finally:
        cluster.close()


def timed(picture: Picture, layers: LayerSet, steps: int) -> float:
    """Return the median seconds of some steps, after one that is not counted."""
    photo, painting, image = np.random.default_rng(0).random((3, *picture.shape), np.float32)
    picture.look_at(photo)
    weights = {
        "content_weights": np.full(len(layers.content), 1e-3, np.float32),
        "style_weights": np.ones(len(layers.style), np.float32),
    }
    picture.put({**weights, **picture.style_targets(painting)}, 0.0)
    search = picture.descent(image, (-np.inf, np.inf), 0.0)
    search.step()
    times = [time.perf_counter()]
    for _ in range(steps):
        search.step()
        times.append(time.perf_counter())
    return median(after - before for before, after in pairwise(times))


def table_of(
    folder: ModelFolder, layers: LayerSet, alone: Row, shared: Row, size: Size
) -> tuple[tuple[str, ...], list[list[str]]]:
    """Return what follows for many machines like this one, with one thread each.

    The arithmetic is that of the largest share's tiles. Whoever is not at the picture's border
    sends rows to two neighbours, and all send sums up a tree and down it.
    """
    channels = [folder.manifest.layer(name).channels for name in layers.style]
    sums = 8 * sum(count**2 for count in channels)
    edge = (shared.sent - sums) * size[0] / shared.size[0]

    def seconds(machines: int, bandwidth: float) -> float:
        rows = largest_share(size[1], machines)
        work = [
            products(folder, layers, each, TILE) for each in ((rows, size[0]), alone.size[::-1])
        ]
        hops = ceil(log2(machines))
        told = 2 * edge + 4 * hops * sums
        waits = EXCHANGES + 2 * hops * TREES
        return alone.seconds * work[0] / work[1] + told / bandwidth + waits * LATENCY

    one = alone.seconds * prod(size) / prod(alone.size)
    rows = []
    for machines in (each for each in MACHINES if len(shares(size[1], each)) == each):
        times = [seconds(machines, bandwidth) for bandwidth in NETWORKS.values()]
        rows.append(
            [
                *(size_name(size), str(machines)),
                *(f"{each:.3g} s ({one / machines / each:.2f})" for each in times),
            ]
        )
    return ("size", "machines", *NETWORKS), rows


if __name__ == "__main__":
    command_of(main)()
