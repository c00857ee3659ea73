"""``stylize batch``: many photos in the manner of many paintings."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from stylize.cli.edge import FAILURE
from stylize.cli.making.batch import make_batch
from stylize.cli.making.batch_worker import Batch
from stylize.cli.making.keeping import parse_interval
from stylize.cli.making.opening import model_of
from stylize.cli.making.remarks import check_given
from stylize.cli.options.arguments import Json, PresetName, Quiet
from stylize.cli.options.grouping import Choose, Given
from stylize.models.errors import OptionError
from stylize.models.settings import require
from stylize.runtime.batches.pairs import (
    Pair,
    every_pair,
    find_pictures,
    in_order,
    parse_shard,
    part_of,
    read_pairs,
)
from stylize.runtime.engine.machine import Machine
from stylize.runtime.method.options import ITERATION, PICTURES, Options
from stylize.runtime.pictures.file_options import FileOptions
from stylize.runtime.plans.preset import find_preset

MOST_JOBS = 256
BATCH = "Batch"
"""The heading of the options of this command alone."""

Photos = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="PHOTO",
        help="The pictures to render: files, folders, or patterns in quotes, as 'trip/*.jpg'.",
        show_default=False,
    ),
]
PaintingsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--paintings",
        metavar="PAINTING",
        help="The pictures whose style is taken, each by itself: a file, a folder, or a pattern in "
        "quotes. Repeat for more.",
        show_default=False,
        rich_help_panel=PICTURES,
    ),
]
PairsOption = Annotated[
    Path | None,
    typer.Option(
        "--pairs",
        metavar="FILE.csv",
        help="A list instead of every photo with every painting: photo.jpg,painting.jpg a line.",
        show_default=False,
        rich_help_panel=PICTURES,
    ),
]
FolderOption = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        metavar="FOLDER",
        help="Where to write PHOTO-PAINTING.png for each pair, and the record batch.jsonl.",
        show_default=False,
        rich_help_panel=PICTURES,
    ),
]
BatchCheckpoint = Annotated[
    str | None,
    typer.Option(
        "--checkpoint",
        metavar="N|10m|off",
        help="Write how far a picture is into a file beside it, every N iterations, or as often as "
        "a time says: 90s, 10m, 2h; also when a signal ends it. The same command goes on from "
        "there. Default: every 10 minutes. With --cluster, none is written.",
        show_default=False,
        rich_help_panel=ITERATION,
    ),
]
JobsOption = Annotated[
    int,
    typer.Option(
        "--jobs",
        metavar="N",
        help="Processes that make pictures at a time. They share the CPUs and the memory that is "
        "free; --threads and --memory are those of each. Default: 1.",
        show_default=False,
        rich_help_panel=BATCH,
    ),
]
ShardOption = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="I/N",
        help="Make only the I-th of N parts, as a scheduler's job that is one of N: 1/8 to 8/8.",
        show_default=False,
        rich_help_panel=BATCH,
    ),
]


def batch(
    photos: Photos = None,
    *,
    paintings: PaintingsOption = None,
    pairs: PairsOption = None,
    output: FolderOption,
    preset: PresetName = "stylize",
    given: Annotated[Given, Choose(Options)],
    checkpoint: BatchCheckpoint = None,
    jobs: JobsOption = 1,
    shard: ShardOption = None,
    form: Annotated[Given, Choose(FileOptions, without=("quality",))],
    json: Json = False,
    machine: Machine,
    quiet: Quiet = False,
) -> None:
    """Render many photos, each in the manner of each painting.

    A picture that is there already with the same settings is kept, and one that
    takes long leaves a checkpoint, so the same command goes on after Ctrl-C. A
    file that cannot be used does not stop the others: it is listed at the end,
    and the exit code is 1. Several such commands may write to the same folder,
    also from several machines: none makes what another is making.
    """
    require(1 <= jobs <= MOST_JOBS, "number of processes", jobs, f"from 1 to {MOST_JOBS}")
    settings = find_preset(preset)
    check_given(given)
    interval = parse_interval(checkpoint)
    options = replace(settings.options, **given)
    found = in_order(_pairs(photos or (), paintings or (), pairs, output))
    if shard:
        found = part_of(found, *parse_shard(shard))
    machine = replace(machine, model=machine.model or model_of(preset, settings))
    files = FileOptions(**form)
    if files.profile_file:
        from stylize.runtime.pictures.profiles import choose_space

        choose_space(files, None)  # which is refused before the work
    made = Batch(found, output, options, machine, files, interval)
    if not make_batch(made, jobs, quiet, json):
        raise typer.Exit(FAILURE)


def _pairs(
    photos: Sequence[Path], paintings: Sequence[Path], listed: Path | None, output: Path
) -> list[Pair]:
    if listed:
        if photos or paintings:
            raise OptionError("--pairs names all pictures. Leave PHOTO and --paintings out.")
        return read_pairs(listed)
    if not (photos and paintings):
        raise OptionError(
            "Name photos and paintings: stylize batch PHOTO... --paintings PAINTING -o FOLDER; or "
            "a list of both with --pairs. 'stylize batch --help' tells more."
        )
    return every_pair(find_pictures(photos, output), find_pictures(paintings, output))
