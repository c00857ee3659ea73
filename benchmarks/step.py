"""Time of one step, all losses and the image's gradient, beside PyTorch and the convolutions alone.

``python benchmarks/step.py --model FOLDER``; README.md says what the columns mean.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from agreement import difference
from case import Case, Size, load_result, prepare
from contestants import TORCH
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
from turns import Times, repeats_at, time_in_turns

from stylize.models.errors import VerificationError
from stylize.runtime import Model

NAMES = ("ours", *TORCH, "floor")

RepeatsOption = Annotated[
    int, typer.Option(min=1, metavar="N", help="Steps of each at sizes up to 512x384.")
]


@dataclass(frozen=True)
class Row(Times):
    """What was measured at one size, and what follows."""

    @property
    def torch_over_ours(self) -> float:
        """The faster of PyTorch's layouts."""
        return min(map(self.median, TORCH)) / self.median("ours")

    @property
    def ours_over_floor(self) -> float:
        """The whole step over its convolutions, done directly."""
        return self.median("ours") / self.median("floor")

    def cells(self) -> list[str]:
        """Return the row of the table."""
        times = self.cells_of(NAMES)
        ratios = [f"{ratio:.3f}" for ratio in (self.torch_over_ours, self.ours_over_floor)]
        return [size_name(self.size), *times, *ratios]

    def entry(self) -> dict[str, Any]:
        """Return the row of the JSON file."""
        return {
            **self.entry_of(NAMES),
            "torch_over_ours": self.torch_over_ours,
            "ours_over_floor": self.ours_over_floor,
            "seconds": self.seconds,
        }


def main(
    model: ModelOption,
    sizes: SizesOption = "256x192,512x384,1024x768,2048x1536",
    repeats: RepeatsOption = 10,
    json_file: JsonOption = None,
) -> None:
    """Time a step of stylize, of PyTorch and of the convolutions alone, in turns."""
    require("torch", "onnx", "safetensors")
    check_output(json_file)
    wanted = parse_sizes(sizes)
    opened = Model.open(model, "cpu")
    rows = [measure(opened, size, repeats) for size in wanted]
    columns = ("size", "ours", "torch contiguous", "torch channels_last", "floor")
    show((*columns, "best torch / ours", "ours / floor"), [row.cells() for row in rows])
    write_json(json_file, [row.entry() for row in rows])


def measure(model: Model, size: Size, repeats: int) -> Row:
    """Time all contestants at one size, one step of each in turn.

    Raises
    ------
    VerificationError
        They do not compute the same.
    """
    count = repeats_at(size, repeats)
    typer.echo(f"{size_name(size)}: {count} rounds", err=True)
    with tempfile.TemporaryDirectory() as folder:
        case = prepare(model, size, Path(folder))
        return Row(size, time_in_turns(case, NAMES, size, count, lambda: _check(case)))


def _check(case: Case) -> None:
    ours = load_result(case.result("ours"))
    for name in TORCH:
        complaint = difference(load_result(case.result(name)), ours).complaint("float32")
        if complaint:
            raise VerificationError(
                f"{name} computes something else than ours: {complaint}. "
                "Check the model: stylize models"
            )


app = command_of(main)

if __name__ == "__main__":
    app()
