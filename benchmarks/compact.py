"""How much of VGG-19's style transfer the embedded model recovers, judged by VGG-19's own loss.

``python benchmarks/compact.py --model vgg19 -o FOLDER``; README.md says what the columns mean.
"""

import math
import statistics
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer
from report import JsonOption, ModelOption, check_output, command_of, require, show, write_json

from stylize.models.catalog import EMBEDDED_MODEL
from stylize.models.errors import OptionError
from stylize.runtime import Model, Options, Scene, scale_to
from stylize.runtime.method.options import AS_PUBLISHED
from stylize.runtime.pictures.arrays import to_image
from stylize.runtime.pictures.contact_sheet import Sheet, draw_sheet, save_sheet

Array = npt.NDArray[np.float32]

PICTURES = Path("..", "shared", "data", "images")
PAIRS = (
    ("tuebingen_neckarfront.jpg", "starry_night.jpg"),
    ("astronaut.png", "the_scream.jpg"),
    ("chelsea.png", "shipwreck.jpg"),
    ("coffee.png", "kandinsky_composition_vii.jpg"),
    ("rocket.jpg", "starry_night.jpg"),
    ("tuebingen_neckarfront.jpg", "shipwreck.jpg"),
)
"""None of these has been seen in training."""
CONTENDERS = ("vgg19", "compact", "untrained")
THUMBNAIL = 192
"""Pixels of the long side of a picture on the sheet."""


@dataclass(frozen=True)
class Result:
    """What one network made of a pair: VGG-19's loss of it, and the seconds of a step."""

    loss: float
    seconds: float


@dataclass(frozen=True)
class Row:
    """One pair: VGG-19's loss of the photo and of each network's picture."""

    photo: str
    painting: str
    start: float
    results: dict[str, Result]

    def recovered(self, contender: str) -> float:
        """Return the share of VGG-19's descent: 1 is as good as VGG-19 itself.

        That is (log L(x0) - log L(xc)) / (log L(x0) - log L(xv)).
        """
        gained = math.log(self.start / self.results[contender].loss)
        return gained / math.log(self.start / self.results["vgg19"].loss)

    def faster(self, contender: str) -> float:
        """Return how many steps it takes in the time of one of VGG-19's."""
        return self.results["vgg19"].seconds / self.results[contender].seconds

    def cells(self) -> list[str]:
        """Return the row of the table."""
        losses = [f"{self.results[name].loss:.3g}" for name in CONTENDERS]
        shares = [f"{self.recovered(name):.2f}" for name in CONTENDERS[1:]]
        speed = f"{self.faster('compact'):.1f}"
        names = [Path(name).stem for name in (self.photo, self.painting)]
        return [*names, f"{self.start:.3g}", *losses, *shares, speed]


COLUMNS = (
    *("photo", "painting", "L photo"),
    *(f"L {name}" for name in CONTENDERS),
    *("compact recovers", "untrained recovers", "compact is faster"),
)


@dataclass(frozen=True)
class Contest:
    """The networks, how they optimise, and where the pictures are kept.

    Attributes
    ----------
    models : dict of str to Model
        By contender.
    judge : Model
        VGG-19 on the CPU in float32.
    options : Options
        The same for all.
    folder : Path
        Gains every result. Those of VGG-19, which take longest, are not made again.
    """

    models: dict[str, Model]
    judge: Model
    options: Options
    folder: Path

    def row(self, photo: Path, painting: Path) -> tuple[Row, list[Array]]:
        """Let all make their picture of a pair; return what VGG-19 says of them, and them."""
        judged = Scene(self.judge, photo, painting)
        loss = judged.objective(self.options)
        results, pictures = {}, []
        for name, model in self.models.items():
            picture, seconds = self._picture(name, model, photo, painting)
            results[name] = Result(loss(picture).total, seconds)
            pictures.append(picture)
        start = loss(judged.start(self.options)).total
        return Row(photo.name, painting.name, start, results), pictures

    def _picture(self, name: str, model: Model, photo: Path, painting: Path) -> tuple[Array, float]:
        kept = self.folder / f"{photo.stem}.{painting.stem}.{self._made_by(name, model)}.npz"
        if name == "vgg19" and kept.exists():
            with np.load(kept) as arrays:
                return arrays["pixels"], float(arrays["seconds"])
        times = []
        for iterate in Scene(model, photo, painting).render(self.options):
            times.append(iterate.seconds)
            best = iterate.best
        # The first step also waits for memory.
        seconds = float(statistics.median(np.diff(times)))
        np.savez(kept, pixels=best.pixels, seconds=seconds)
        return best.pixels, seconds

    def _made_by(self, name: str, model: Model) -> str:
        """Return all that a result depends on but the pictures, short."""
        options, weights = self.options, model.folder.manifest.weights
        how = f"{options.size}px.{options.iterations}.{model.provider.name}"
        return f"{name}-{weights.sha256[:8]}.{how}"


def main(
    model: ModelOption = "vgg19",
    pictures: Annotated[Path, typer.Option(help="Where the pictures are.")] = PICTURES,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Gains all results and the sheet.")
    ] = Path("compact-results"),
    provider: Annotated[str, typer.Option(help="Where pictures are made; the CPU judges.")] = "cpu",
    size: Annotated[int, typer.Option(min=32, help="Pixels of the long side.")] = 384,
    iterations: Annotated[int, typer.Option(min=2)] = 300,
    pairs: Annotated[int, typer.Option(min=1, max=len(PAIRS))] = len(PAIRS),
    json: JsonOption = None,
) -> None:
    """Compare the embedded model and an untrained one with VGG-19 on held-out pairs."""
    require("onnx", "safetensors")
    import untrained  # late: it needs these

    check_output(json)
    missing = [name for pair in PAIRS[:pairs] for name in pair if not (pictures / name).exists()]
    if missing:
        raise OptionError(f"'{pictures}' has no {missing[0]}. Name another folder: --pictures.")
    output.mkdir(parents=True, exist_ok=True)
    options = replace(AS_PUBLISHED, size=size, iterations=iterations, init="photo")
    rows, sheet = [], []
    with tempfile.TemporaryDirectory() as folder:
        untrained.write(Path(folder, "untrained"))
        names = {"vgg19": model, "compact": EMBEDDED_MODEL, "untrained": f"{folder}/untrained"}
        models = {name: Model.open(place, provider) for name, place in names.items()}
        contest = Contest(models, Model.open(model, "cpu"), options, output)
        for photo, painting in PAIRS[:pairs]:
            row, results = contest.row(pictures / photo, pictures / painting)
            typer.echo("  ".join(row.cells()), err=True)
            rows.append(row)
            sheet.append([scale_to(to_image(pixels), THUMBNAIL) for pixels in results])
    sides = [" + ".join(Path(name).stem for name in pair) for pair in PAIRS[:pairs]]
    save_sheet(draw_sheet(Sheet(sheet, CONTENDERS, sides)), output / "sheet.jpg")
    median = {
        name: statistics.median(row.recovered(name) for row in rows) for name in CONTENDERS[1:]
    }
    last = ["median"] + [""] * 5 + [f"{value:.2f}" for value in median.values()]
    last += [f"{statistics.median(row.faster('compact') for row in rows):.1f}"]
    show(COLUMNS, [*(row.cells() for row in rows), last])
    write_json(json, [asdict(row) for row in rows], median=median)


app = command_of(main)

if __name__ == "__main__":
    app()
