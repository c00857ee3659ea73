"""How low and how soon: losses of our pictures and of PyTorch's L-BFGS, and what a judge says.

``python benchmarks/quality.py steps|whole|scales PHOTO PAINTING``; README.md says what the columns
mean.
"""

import tempfile
from collections.abc import Iterator, Sequence
from itertools import product
from math import nan
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from contest import Contest
from curves import Curve, curve_of
from PIL import Image
from plot import draw
from report import JsonOption, check_output, command_of, require, show, write_json
from standings import MARKS, Scales, Steps, Whole
from startup import EXAMPLES, check_pictures
from whole_run import TracedRun

from stylize.models.errors import OptionError
from stylize.runtime import Model
from stylize.runtime.judging.judge import Judge
from stylize.runtime.plans.preset import find_preset

EXAMPLE = [EXAMPLES / "photo.jpg", EXAMPLES / "painting.jpg"]
PRESETS = ["stylize", "johnson", "gatys-code"]
STARTS = ["photo", "noise"]
QUICK_SIZE, QUICK_EVALUATIONS = 256, 100
JUDGED = ("style", "colours", "structure")

Pictures = Annotated[
    list[Path], typer.Argument(metavar="PHOTO PAINTING...", show_default="those in examples/")
]
ModelOption = Annotated[
    str | None,
    typer.Option("--model", metavar="FOLDER", help="A model, in place of that of the preset."),
]
PresetsOption = Annotated[list[str], typer.Option("--preset", metavar="NAME", help="Repeat it.")]
StartsOption = Annotated[list[str], typer.Option("--start", help="photo or noise; repeat it.")]
SizeOption = Annotated[int, typer.Option("--size", min=32, help="Long side of all pictures.")]
ProviderOption = Annotated[str, typer.Option("--provider", help="Where ours is computed.")]


def steps(
    pictures: Pictures = EXAMPLE,
    model: ModelOption = None,
    presets: PresetsOption = PRESETS,
    starts: StartsOption = STARTS,
    size: SizeOption = 192,
    json_file: JsonOption = None,
) -> None:
    """Compare the first evaluations with PyTorch's, in one size."""
    check_output(json_file)
    rows = []
    for contest in contests(pictures, model, presets, starts, size):
        ours = contest.single_scale(max(MARKS))
        torch = contest.reference(max(MARKS)).curve.losses
        rows.append(Steps(str(contest), ours, list(torch)))
        typer.echo("  ".join(rows[-1].cells()), err=True)
    show(("", *(f"ours / torch after {mark}" for mark in MARKS)), [*map(Steps.cells, rows)])
    for mark in MARKS:
        found = [row.ratio(mark) for row in rows]
        typer.echo(f"after {mark}: median {median(found):.3f}, worst {max(found):.3f}")
    write_json(json_file, [row.entry() for row in rows])


def whole(
    pictures: Pictures = EXAMPLE,
    model: ModelOption = None,
    presets: PresetsOption = PRESETS[:1],
    starts: StartsOption = STARTS[:1],
    size: SizeOption = 512,
    evaluations: Annotated[int, typer.Option("--evaluations", min=2, help="PyTorch's.")] = 500,
    iterations: Annotated[
        int | None, typer.Option("--iterations", min=1, help="Ours, in place of the preset's.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="At 256 px, 100 evaluations of both.")
    ] = False,
    provider: ProviderOption = "cpu",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A folder that gains the pictures.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE.svg", help="Draw losses over time.")
    ] = None,
    json_file: JsonOption = None,
) -> None:
    """Compare whole pictures with PyTorch's: time, loss, and what a judge says."""
    for path in (json_file, plot, output):
        check_output(path)
    if quick:
        size, evaluations, iterations = QUICK_SIZE, QUICK_EVALUATIONS, QUICK_EVALUATIONS
    rows = []
    for contest in contests(pictures, model, presets, starts, size):
        # Ours first: what is wrong shows sooner.
        ours, torch = contest.ours(provider, iterations), contest.reference(evaluations)
        results = [contest.picture(made) for made in (ours, torch)]
        rows.append(Whole(str(contest), ours.curve, torch.curve, judged(contest, results)))
        typer.echo("  ".join(rows[-1].cells()), err=True)
        if output:
            keep(contest, results, output)
    columns = ("", "L*", "torch", "ours", "torch / ours", "last loss / L*")
    show((*columns, *(f"{name}, torch's" for name in JUDGED)), [row.cells() for row in rows])
    if plot:
        plot.write_text(draw([row.panel() for row in rows]), encoding="utf-8")
    write_json(json_file, [row.entry() for row in rows], provider=provider)


def scales(
    pictures: Pictures = EXAMPLE,
    model: ModelOption = None,
    presets: PresetsOption = PRESETS[:1],
    starts: StartsOption = STARTS[:1],
    size: SizeOption = 1024,
    iterations: Annotated[
        int, typer.Option("--iterations", min=1, help="Of the single scale.")
    ] = 250,
    provider: ProviderOption = "cpu",
    json_file: JsonOption = None,
) -> None:
    """Compare coarse to fine with a single scale: the time to the same loss."""
    check_output(json_file)
    rows = []
    for contest in contests(pictures, model, presets, starts, size):
        single = ("--scales", "1", "--iterations", str(iterations))
        runs = [contest.run("--provider", provider, *given) for given in (single, ())]
        rows.append(Scales(str(contest), *map(last_scale, runs)))
        typer.echo("  ".join(rows[-1].cells()), err=True)
    columns = ("", "loss", "single scale", "coarse to fine", "single / coarse to fine")
    show(columns, [row.cells() for row in rows])
    write_json(json_file, [row.entry() for row in rows], provider=provider)


def contests(
    pictures: Sequence[Path],
    model: str | None,
    presets: Sequence[str],
    starts: Sequence[str],
    size: int,
) -> Iterator[Contest]:
    """Yield a contest for each pair, preset and start, in a folder that is there as long.

    Raises
    ------
    OptionError
        There is a picture too many, or there is no such picture, preset or start.
    """
    require("torch", "safetensors")
    if len(pictures) % 2:
        raise OptionError(f"There are {len(pictures)} pictures. Give a painting for each photo.")
    check_pictures(*pictures)
    if unknown := set(starts) - set(STARTS):
        raise OptionError(f"The start is '{min(unknown)}'; it can be {' or '.join(STARTS)}.")
    known = {name: find_preset(name) for name in presets}
    places = {name: model or preset.model or "vgg19" for name, preset in known.items()}
    models = {place: Model.open(place, "cpu") for place in set(places.values())}
    pairs = zip(pictures[::2], pictures[1::2], strict=True)
    for pair, preset, start in product(pairs, presets, starts):
        with tempfile.TemporaryDirectory() as folder:
            yield Contest(models[places[preset]], pair, preset, start, size, Path(folder))


def judged(contest: Contest, results: Sequence[Image.Image]) -> dict[str, tuple[float, ...]]:
    """Return what the judge of ``stylize judge`` says of ours and of PyTorch's, by measure."""
    judge = Judge(contest.model, *contest.pictures, size=contest.size)
    judgements = [judge.judge(result) for result in results]
    return {name: tuple(getattr(found, name) for found in judgements) for name in JUDGED}


def keep(contest: Contest, results: Sequence[Image.Image], folder: Path) -> None:
    """Save the picture of each, under names that tell of what they are."""
    folder.mkdir(exist_ok=True)
    photo, painting = (path.stem for path in contest.pair)
    for result, maker in zip(results, ("ours", "torch"), strict=True):
        name = f"{photo}.{painting}.{contest.size}.{contest.preset}.{contest.start}.{maker}.png"
        result.save(folder / name)


def last_scale(run: TracedRun) -> Curve:
    """Return the losses in the picture's own size, with the time of the whole process."""
    width, height = (run.trace[-1][side] for side in ("width", "height"))
    lines = [line for line in run.trace if (line["width"], line["height"]) == (width, height)]
    seconds = [line["seconds"] for line in lines]
    losses = [nan if line["total"] is None else line["total"] for line in lines]
    return curve_of(run.total, seconds, losses)


app = command_of(steps, whole, scales)

if __name__ == "__main__":
    app()
