"""A batch against as many single runs: how much faster one command is than many.

``python benchmarks/batch.py --model FOLDER``; README.md says what the rows mean.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image
from report import JsonOption, ModelOption, check_output, command_of, show, write_json
from startup import EXAMPLES, find_program

from stylize.models.catalog import find_model
from stylize.models.errors import StylizeError

SHAPES = ((640, 480), (480, 640))
"""Half of the photos are wide, half are high."""
SHIFT = 11
"""Pixels between one photo's place in the example and the next one's."""

PhotosOption = Annotated[int, typer.Option(min=1, metavar="N", help="Photos.")]
PaintingsOption = Annotated[int, typer.Option(min=1, metavar="N", help="Paintings.")]
SizeOption = Annotated[int, typer.Option(metavar="PIXELS", help="Long side of the pictures.")]
IterationsOption = Annotated[int, typer.Option(min=1, metavar="N", help="Those of each picture.")]
JobsOption = Annotated[
    str, typer.Option(metavar="N,...", help="Batches of so many processes each.")
]
SinglesOption = Annotated[
    int,
    typer.Option(min=0, metavar="N", help="Single runs that stand for all. Default: 0, all."),
]


@dataclass(frozen=True)
class Took:
    """What a way to make the pictures took.

    Attributes
    ----------
    way : str
        The command.
    seconds : float
        By the clock.
    cpu : float
        Of the CPUs, which tells how much work it was, whatever else the machine did.
    """

    way: str
    seconds: float
    cpu: float


def main(
    model: ModelOption,
    photos: PhotosOption = 20,
    paintings: PaintingsOption = 3,
    size: SizeOption = 256,
    iterations: IterationsOption = 300,
    jobs: JobsOption = "1,2",
    singles: SinglesOption = 0,
    json_file: JsonOption = None,
) -> None:
    """Make the same pictures by 'stylize batch' and by 'stylize run'."""
    check_output(json_file)
    options = ["--size", str(size), "--iterations", str(iterations), "--provider", "cpu"]
    options += ["--model", str(find_model(model)), "--quiet"]
    counts = [int(count) for count in jobs.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        took = list(_measured(Path(folder), (photos, paintings), counts, singles, options))
    single = took[0]
    show(
        ("way", "seconds", "times as fast", "CPU seconds", "times less"),
        [
            [
                *(each.way, f"{each.seconds:.1f}", f"{single.seconds / each.seconds:.2f}"),
                *(f"{each.cpu:.1f}", f"{single.cpu / each.cpu:.2f}"),
            ]
            for each in took
        ],
    )
    rows = [{"way": each.way, "seconds": each.seconds, "cpu_s": each.cpu} for each in took]
    write_json(json_file, rows, size=size, iterations=iterations, pairs=photos * paintings)


def _measured(
    folder: Path,
    counts: tuple[int, int],
    jobs: Sequence[int],
    singles: int,
    options: Sequence[str],
) -> Iterator[Took]:
    photos, paintings = _written(folder, *counts)
    program = find_program()
    pairs = list(product(photos, paintings))
    chosen = pairs[:: max(1, len(pairs) // singles)][:singles] if singles else pairs
    spent: list[tuple[float, float]] = []
    for photo, painting in chosen:
        output = folder / "single.png"
        output.unlink(missing_ok=True)
        pictures = str(photo), str(painting)
        spent.append(_timed([program, "run", *pictures, "-o", str(output), *options]))
    sample = f", by {len(chosen)} of them" if len(chosen) < len(pairs) else ""
    seconds, cpu = (sum(each) / len(chosen) * len(pairs) for each in zip(*spent, strict=True))
    yield Took(f"{len(pairs)} single runs{sample}", seconds, cpu)
    for count in jobs:
        results = folder / f"results-{count}"
        command = [program, "batch", *map(str, photos), "-o", str(results), "--jobs", str(count)]
        command += [word for each in paintings for word in ("--paintings", str(each))]
        seconds, cpu = _timed([*command, *options])
        if len(list(results.glob("*.png"))) != len(pairs):
            raise StylizeError("The batch has not made every picture.")
        yield Took(f"batch --jobs {count}", seconds, cpu)


def _written(folder: Path, photos: int, paintings: int) -> tuple[list[Path], list[Path]]:
    """Write pictures, each a different part of an example."""
    made = []
    for name, count in (("photo", photos), ("painting", paintings)):
        with Image.open(EXAMPLES / f"{name}.jpg") as example:
            whole = example.convert("RGB").resize((1024, 1024))
        files = [folder / f"{name}-{number}.jpg" for number in range(count)]
        for number, file in enumerate(files):
            (width, height), corner = SHAPES[number % len(SHAPES)], SHIFT * number
            whole.crop((corner, corner, corner + width, corner + height)).save(file, quality=95)
        made.append(files)
    return made[0], made[1]


def _timed(command: Sequence[str]) -> tuple[float, float]:
    """Return the seconds that a process takes, by the clock and of the CPUs.

    Raises
    ------
    StylizeError
        It failed.
    """
    begun, before = time.perf_counter(), os.times()
    done = subprocess.run(command, check=False, capture_output=True)
    if done.returncode:
        raise StylizeError(f"It failed: {done.stderr.decode(errors='replace')}")
    after = os.times()
    cpu = sum(now - then for now, then in zip(after[2:4], before[2:4], strict=True))
    return time.perf_counter() - begun, cpu


app = command_of(main)

if __name__ == "__main__":
    app()
