"""Time of one step, all losses and the image's gradient, beside PyTorch and the convolutions alone.

``python benchmarks/step.py --model FOLDER``; README.md says what the columns mean.
"""

import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import typer
from case import Case, Size, prepare
from contestants import CONTESTANTS, TORCH
from report import (
    JsonOption,
    ModelOption,
    SizesOption,
    check_output,
    parse_sizes,
    require,
    show,
    size_name,
    write_json,
)
from workers import Worker, running

from stylize.cli.edge import reporting
from stylize.models.errors import VerificationError
from stylize.runtime import Model

LOSS_TOLERANCE, GRADIENT_TOLERANCE = 1e-3, 1e-2
"""Relative (L2) differences below which two contestants compute the same; in float32 a ReLU at its
kink flips now and then."""

PAUSE = 0.05
"""Seconds before each step, for the threads of the step before to stop waiting in loops."""

FULL_REPEATS_PIXELS = 512 * 384
"""Larger images are repeated less often, in proportion."""
FEWEST_REPEATS = 3

KEPT_PIXELS = 1_000_000
"""Of larger images all contestants together may not fit in memory: each turn is a fresh process."""

Turns = Generator[tuple[str, Worker], None, None]

RepeatsOption = Annotated[
    int, typer.Option(min=1, metavar="N", help="Steps of each at sizes up to 512x384.")
]


@dataclass(frozen=True)
class Row:
    """What was measured at one size.

    Attributes
    ----------
    size : tuple of int
        Width and height.
    seconds : dict of str to list of float
        Of each step of each contestant.
    """

    size: Size
    seconds: dict[str, list[float]]

    def median(self, contestant: str) -> float:
        """Return a contestant's median in seconds."""
        return median(self.seconds[contestant])

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
        times = [f"{self.median(name):.4g} s" for name in CONTESTANTS]
        ratios = [f"{ratio:.3f}" for ratio in (self.torch_over_ours, self.ours_over_floor)]
        return [size_name(self.size), *times, *ratios]

    def entry(self) -> dict[str, Any]:
        """Return the row of the JSON file."""
        return {
            "size": size_name(self.size),
            **{f"{name}_s": self.median(name) for name in CONTESTANTS},
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
    from floor import write_floor  # late: main can say that onnx is missing

    count = repeats_at(size, repeats)
    typer.echo(f"{size_name(size)}: {count} rounds", err=True)
    seconds: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    with tempfile.TemporaryDirectory() as folder:
        case = prepare(model, size, Path(folder))
        write_floor(case)
        turns = kept_turns if size[0] * size[1] <= KEPT_PIXELS else fresh_turns
        with closing(turns(case, count)) as workers:
            for turn, (name, worker) in enumerate(workers, start=1):
                time.sleep(PAUSE)
                seconds[name].append(worker.ask("step"))
                if turn == len(CONTESTANTS):
                    check_agreement(case)
    return Row(size, seconds)


def repeats_at(size: Size, repeats: int) -> int:
    """Return how often to measure images of a size."""
    share = min(1.0, FULL_REPEATS_PIXELS / (size[0] * size[1]))
    return max(min(repeats, FEWEST_REPEATS), round(share * repeats))


def kept_turns(case: Case, rounds: int) -> Turns:
    """Yield each contestant's warm worker in turn, the same ones in each round."""
    with ExitStack() as stack:
        workers = {name: stack.enter_context(running(name, case)) for name in CONTESTANTS}
        for worker in workers.values():
            worker.ask("warm_up")
        for _ in range(rounds):
            yield from workers.items()


def fresh_turns(case: Case, rounds: int) -> Turns:
    """Yield each contestant's warm worker in turn, each time a new one and no other beside it."""
    for _ in range(rounds):
        for name in CONTESTANTS:
            with running(name, case) as worker:
                worker.ask("warm_up")
                yield name, worker


def check_agreement(case: Case) -> None:
    """Compare PyTorch's loss and gradient with ours, so that the same thing is timed.

    Raises
    ------
    VerificationError
        They differ by more than rounding.
    """
    total, gradient = _result(case, "ours")
    for name in TORCH:
        other_total, other_gradient = _result(case, name)
        loss = abs(total - other_total) / abs(other_total)
        distance = np.linalg.norm(gradient - other_gradient) / np.linalg.norm(other_gradient)
        if not (loss < LOSS_TOLERANCE and distance < GRADIENT_TOLERANCE):
            raise VerificationError(
                f"{name} computes something else than ours: the relative difference of the loss "
                f"is {loss:.1e} (at most {LOSS_TOLERANCE:.0e}), of the gradient {distance:.1e} (at "
                f"most {GRADIENT_TOLERANCE:.0e}). Check the model: stylize models"
            )


def _result(case: Case, contestant: str) -> tuple[float, Any]:
    with np.load(case.result(contestant)) as arrays:
        return float(arrays["total"]), arrays["gradient"].astype(np.float64)


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(reporting(main))

if __name__ == "__main__":
    app()
