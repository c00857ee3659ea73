"""bfloat16 on a CPU: OpenVINO beside our float32 and PyTorch's autocast.

``python benchmarks/bf16.py --model FOLDER``; README.md says what the columns mean.
"""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from agreement import Difference, difference
from case import Case, Size, load_result, prepare
from contestants import TORCH_BFLOAT16
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
from startup import EXAMPLES, PaintingOption, PhotoOption, check_pictures
from step import RepeatsOption
from turns import Times, repeats_at, time_in_turns

from stylize.runtime import Model
from stylize.runtime.engine.choice import find_provider
from stylize.runtime.method.options import Options
from stylize.runtime.method.scene import Scene
from stylize.runtime.providers.hardware import bfloat16_units

OPENVINO = "openvino_bfloat16"
NAMES = ("ours", OPENVINO, *TORCH_BFLOAT16)

IterationsOption = Annotated[
    int,
    typer.Option(
        min=0,
        metavar="N",
        help="Iterations of whole pictures, whose losses are compared; 0 makes none.",
    ),
]


@dataclass(frozen=True)
class Endings:
    """The losses of two pictures, both evaluated in float32.

    Attributes
    ----------
    float32, bfloat16 : float
        The loss of the best image of a run in that precision.
    """

    float32: float
    bfloat16: float

    @property
    def ratio(self) -> float:
        """Above 1, bfloat16 ends higher."""
        return self.bfloat16 / self.float32


@dataclass(frozen=True)
class Row(Times):
    """What was measured at one size, and what follows.

    Attributes
    ----------
    off : dict of str to Difference
        How far the loss and the gradient of each in bfloat16 are from ours in float32.
    endings : Endings or None
        Where whole pictures were asked for.
    """

    off: dict[str, Difference]
    endings: Endings | None

    @property
    def ratios(self) -> dict[str, float]:
        """Times over OpenVINO's: of ours in float32, and of the faster of PyTorch's layouts."""
        torch = min(map(self.median, TORCH_BFLOAT16))
        openvino = self.median(OPENVINO)
        return {
            "float32_over_openvino": self.median("ours") / openvino,
            "torch_over_openvino": torch / openvino,
        }

    def complaints(self) -> Iterator[str]:
        """Yield a line for each contestant that is further off than rounding to bfloat16 is."""
        for name, off in self.off.items():
            if complaint := off.complaint("bfloat16"):
                yield f"{name}: {complaint}"

    def cells(self) -> list[str]:
        """Return the row of the table."""
        times = self.cells_of(NAMES)
        ratios = [f"{ratio:.3f}" for ratio in self.ratios.values()]
        compared = (self.off[OPENVINO], self.off[TORCH_BFLOAT16[0]])
        off = [f"{off.loss:.1e}, {off.gradient:.1e}" for off in compared]
        ending = f"{self.endings.ratio:.4f}" if self.endings else "-"
        return [size_name(self.size), *times, *ratios, *off, ending]

    def entry(self) -> dict[str, Any]:
        """Return the row of the JSON file."""
        return {
            **self.entry_of(NAMES),
            **self.ratios,
            "off": {name: vars(off) for name, off in self.off.items()},
            "final_losses": vars(self.endings) if self.endings else None,
            "seconds": self.seconds,
        }


def main(
    model: ModelOption,
    sizes: SizesOption = "256x192,512x384,1024x768",
    repeats: RepeatsOption = 10,
    iterations: IterationsOption = 0,
    photo: PhotoOption = EXAMPLES / "photo.jpg",
    painting: PaintingOption = EXAMPLES / "painting.jpg",
    json_file: JsonOption = None,
) -> None:
    """Time a step in bfloat16 by OpenVINO and by PyTorch, and ours in float32, in turns."""
    require("torch", "safetensors")
    check_output(json_file)
    check_pictures(photo, painting)
    wanted = parse_sizes(sizes)
    models = {
        "float32": Model.open(model, "cpu"),
        "bfloat16": Model.open(model, find_provider("openvino", "bfloat16")),
    }
    if units := bfloat16_units():
        typer.echo(f"This CPU multiplies in bfloat16 with {units[0]}.")
    else:
        typer.echo("This CPU does not multiply in bfloat16: OpenVINO and PyTorch emulate it.")
    rows = []
    for size in wanted:
        seconds, off = measure(models["float32"], size, repeats)
        options = Options(size=size, iterations=max(1, iterations))
        made = endings(models, photo, painting, options) if iterations else None
        rows.append(Row(size, seconds, off, made))
    columns = ("size", "ours float32", "OpenVINO", "torch contiguous", "torch channels_last")
    ratios = ("float32 / OpenVINO", "best torch / OpenVINO", "OpenVINO off", "torch off")
    show((*columns, *ratios, "final loss / float32's"), [row.cells() for row in rows])
    for row in rows:
        for complaint in row.complaints():
            typer.echo(f"{size_name(row.size)}: {complaint}")
    write_json(json_file, [row.entry() for row in rows], iterations=iterations)


def measure(
    model: Model, size: Size, repeats: int
) -> tuple[dict[str, list[float]], dict[str, Difference]]:
    """Time all contestants at one size, one step of each in turn, and compare what they compute."""
    count = repeats_at(size, repeats)
    typer.echo(f"{size_name(size)}: {count} rounds", err=True)
    off: dict[str, Difference] = {}
    with tempfile.TemporaryDirectory() as folder:
        case = prepare(model, size, Path(folder))
        seconds = time_in_turns(case, NAMES, size, count, lambda: off.update(_off(case)))
    return seconds, off


def _off(case: Case) -> dict[str, Difference]:
    ours = load_result(case.result("ours"))
    return {name: difference(load_result(case.result(name)), ours) for name in NAMES[1:]}


def endings(models: Mapping[str, Model], photo: Path, painting: Path, options: Options) -> Endings:
    """Make a picture in each precision, from the photo, and evaluate both in float32."""
    pixels = {}
    for precision, model in models.items():
        typer.echo(f"{options.iterations} iterations in {precision}", err=True)
        for iterate in Scene(model, photo, painting).render(options):
            pixels[precision] = iterate.best
    # A margin is no part of the pictures.
    objective = Scene(models["float32"], photo, painting).objective(replace(options, margin=0))
    return Endings(**{name: objective(found.pixels).total for name, found in pixels.items()})


app = command_of(main)

if __name__ == "__main__":
    app()
