"""Peak memory of the process that performs the steps, ours and PyTorch's.

``python benchmarks/memory.py --model FOLDER``; README.md says what the columns mean. Linux only.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import typer
from case import Size, prepare
from contestants import CONTESTANTS, TORCH
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
from workers import Worker, running

from stylize.models.errors import StylizeError
from stylize.models.layers import CONTENT_LAYERS, STYLE_LAYERS, LayerSet
from stylize.runtime import Model
from stylize.runtime.checks.footprint import CLEAR_REFS, STATUS
from stylize.runtime.engine.memory import memory_need

STEPS = 3
"""The first steps of both allocate; a third one needs no more."""


@dataclass(frozen=True)
class Usage:
    """Memory of a contestant's process in bytes.

    Attributes
    ----------
    loaded : float
        Resident before the first step.
    peak : float
        The most that was resident during the steps; since its start, if not `exact`.
    exact : bool
        Whether the peak could be reset before the steps.
    """

    loaded: float
    peak: float
    exact: bool


@dataclass(frozen=True)
class Row:
    """What was measured at one size, and what `stylize.runtime.engine.memory` expects of ours."""

    size: Size
    usage: dict[str, Usage]
    formula: int

    @property
    def torch(self) -> str:
        """The layout of PyTorch that needs less."""
        return min(TORCH, key=lambda name: self.usage[name].peak)

    @property
    def torch_over_ours(self) -> float:
        """Its peak over ours."""
        return self.usage[self.torch].peak / self.usage["ours"].peak

    def cells(self) -> list[str]:
        """Return the row of the table."""
        usages = (self.usage["ours"], self.usage[self.torch])
        megabytes = [f"{n / 1e6:.0f} MB" for usage in usages for n in (usage.loaded, usage.peak)]
        layout = self.torch.removeprefix("torch_")
        expected = f"{self.formula / 1e6:.0f} MB"
        ratio = f"{self.torch_over_ours:.3f}"
        return [size_name(self.size), expected, *megabytes, layout, ratio]

    def entry(self) -> dict[str, Any]:
        """Return the row of the JSON file, in bytes."""
        return {
            "size": size_name(self.size),
            **{f"{name}_loaded_bytes": int(usage.loaded) for name, usage in self.usage.items()},
            **{f"{name}_peak_bytes": int(usage.peak) for name, usage in self.usage.items()},
            "formula_bytes": self.formula,
            "torch_layout": self.torch,
            "torch_over_ours": self.torch_over_ours,
            "peak_was_reset": all(usage.exact for usage in self.usage.values()),
        }


def main(
    model: ModelOption,
    sizes: SizesOption = "256x192,512x384,1024x768,2048x1536",
    json_file: JsonOption = None,
) -> None:
    """Measure the peak memory of three steps of stylize and of PyTorch."""
    if not (STATUS.exists() and CLEAR_REFS.exists()):
        raise StylizeError(f"Memory is read from {STATUS}, which only Linux has.")
    require("torch", "safetensors")
    check_output(json_file)
    wanted = parse_sizes(sizes)
    opened = Model.open(model, "cpu")
    rows = [measure(opened, size) for size in wanted]
    columns = ("size", "formula", "ours, loaded", "ours, peak", "torch, loaded", "torch, peak")
    show((*columns, "torch layout", "torch / ours"), [row.cells() for row in rows])
    slope = bytes_per_pixel(rows)
    if slope is not None:
        typer.echo(f"ours: {slope:.0f} bytes more for each pixel of the image")
    if not all(usage.exact for row in rows for usage in row.usage.values()):
        typer.echo(f"{CLEAR_REFS} cannot be written: peaks are those since the process began.")
    write_json(json_file, [row.entry() for row in rows], ours_bytes_per_pixel=slope)


def measure(model: Model, size: Size) -> Row:
    """Measure ours and both layouts of PyTorch, one after the other."""
    typer.echo(size_name(size), err=True)
    names = ("ours", *TORCH)
    with tempfile.TemporaryDirectory() as folder:
        case = prepare(model, size, Path(folder))
        usage = {}
        for name in names:
            with running(CONTESTANTS[name]) as worker:
                worker.load(case)
                usage[name] = usage_of(worker)
    layers = LayerSet(CONTENT_LAYERS, STYLE_LAYERS)
    return Row(size, usage, memory_need(model.folder, layers).bytes(size))


def usage_of(worker: Worker) -> Usage:
    """Let a contestant load, then make its steps."""
    loaded = worker.ask("resident")
    exact = worker.ask("reset")
    for _ in range(STEPS):
        worker.ask("step")
    return Usage(loaded, worker.ask("peak"), exact)


def bytes_per_pixel(rows: Sequence[Row]) -> float | None:
    """Return the slope of our peaks over the number of pixels; None of a single size."""
    pixels = [row.size[0] * row.size[1] for row in rows]
    if len(set(pixels)) < 2:
        return None
    return float(np.polyfit(pixels, [row.usage["ours"].peak for row in rows], 1)[0])


app = command_of(main)

if __name__ == "__main__":
    app()
