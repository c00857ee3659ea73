"""Memory and time of steps by the size of the picture: whole, by tiles, and PyTorch's.

``python benchmarks/large.py --model FOLDER``; README.md says what the columns mean. Linux only.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from math import prod
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import large_steps
import typer
from large_steps import Job, scene_of
from report import (
    JsonOption,
    ModelOption,
    SizesOption,
    check_output,
    command_of,
    machine,
    parse_sizes,
    require,
    show,
    size_name,
    versions,
)

from stylize.models.errors import OptionError, StylizeError
from stylize.runtime import Model
from stylize.runtime.checks.footprint import STATUS
from stylize.runtime.checks.pace import Pace
from stylize.runtime.engine.choice import find_provider
from stylize.runtime.engine.machine import parse_bytes
from stylize.runtime.streaming.plan import Budget, Case, Plan

CONTESTANTS = ("whole", "tiles", "torch")
TAIL = 200
"""Characters of what a process said before it ended."""

COLUMNS = (
    *("size", "contestant", "tile", "history", "peak", "plan", "B/px"),
    *("s/step", "plan", "us/px"),
)


@dataclass(frozen=True)
class Row:
    """What a contestant took at one size.

    Attributes
    ----------
    job : Job
        What it did.
    contestant : str
        One of `CONTESTANTS`.
    plan : Plan or None
        Ours; none of PyTorch.
    expected : float or None
        The seconds that `stylize plan` expects of a step.
    found : dict
        What `large_steps.do` returned, or the failure.
    """

    job: Job
    contestant: str
    plan: Plan | None
    expected: float | None
    found: dict[str, Any]

    @property
    def seconds(self) -> float | None:
        """The median seconds of a step."""
        return median(self.found["seconds"]) if "seconds" in self.found else None

    def entry(self) -> dict[str, Any]:
        """Return the line of the JSON file."""
        job = {name: each for name, each in asdict(self.job).items() if name != "plan"}
        numbers: dict[str, Any] = {}
        if self.seconds is not None:
            pixels = prod(self.job.size)
            numbers = {
                "seconds_a_step": self.seconds,
                "seconds_a_pixel": self.seconds / pixels,
                "bytes_a_pixel": self.found["peak_bytes"] / pixels,
            }
        return {
            **job,
            "size": size_name(self.job.size),
            "contestant": self.contestant,
            "plan": self.plan and asdict(self.plan),
            "expected_seconds": self.expected,
            **self.found,
            **numbers,
        }

    def cells(self) -> list[str]:
        """Return the row of the table."""
        history = str(self.plan.history if self.plan else self.job.history)
        tile = f"{self.plan.tile[1]}x{self.plan.tile[0]}" if self.plan and self.plan.tile else "-"
        if self.plan and self.plan.optimizer == "adam":
            history = "Adam"
        head = [size_name(self.job.size), self.contestant, tile, history]
        if self.seconds is None:
            return [*head, *["-"] * 6]
        pixels, peak = prod(self.job.size), self.found["peak_bytes"]
        return [
            *head,
            f"{peak / 1e9:.2f} GB",
            f"{self.plan.memory / 1e9:.2f} GB" if self.plan else "-",
            f"{peak / pixels:.0f}",
            f"{self.seconds:.3g}",
            f"{self.expected:.3g}" if self.expected else "-",
            f"{1e6 * self.seconds / pixels:.2f}",
        ]


def main(
    model: ModelOption,
    sizes: SizesOption = "1024x768,2048x1536,4096x3072,8192x6144,16384x12288",
    contestants: Annotated[
        str, typer.Option(metavar="NAME,...", help="Some of whole, tiles, torch.")
    ] = "whole,tiles,torch",
    provider: Annotated[str, typer.Option(metavar="NAME", help="Where ours computes.")] = "cpu",
    memory: Annotated[
        str | None, typer.Option(metavar="BYTES", help="What tiles may take, as 4GB.")
    ] = None,
    scratch: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="For what tiles leave on disk.")
    ] = None,
    optimizer: Annotated[str, typer.Option(metavar="lbfgs|adam")] = "lbfgs",
    history: Annotated[int, typer.Option(help="Steps that L-BFGS remembers.", min=1)] = 10,
    steps: Annotated[int, typer.Option(help="Steps after the first.", min=1)] = 3,
    photo: Annotated[Path | None, typer.Option(metavar="FILE", help="Enlarged.")] = None,
    painting: Annotated[Path | None, typer.Option(metavar="FILE", help="Enlarged.")] = None,
    painting_size: Annotated[
        int | None, typer.Option(metavar="PIXELS", help="Of the painting's long side.", min=32)
    ] = None,
    json_file: JsonOption = None,
) -> None:
    """Measure memory and time of steps by size; each case in a fresh process."""
    if not STATUS.exists():
        raise StylizeError(f"Memory is read from {STATUS}, which only Linux has.")
    names = _chosen(contestants, optimizer)
    if "torch" in names:
        require("torch", "safetensors")
    check_output(json_file)
    budget = Budget(parse_bytes(memory) if memory else None, scratch)
    opened = Model.open(model, find_provider(provider), budget)
    job = Job(
        **{"model": str(opened.folder.path), "provider": provider, "size": (0, 0)},
        **{"optimizer": optimizer, "history": history, "steps": steps},
        **{"photo": _path(photo), "painting": _path(painting), "scratch": _path(scratch)},
        painting_size=painting_size,
    )
    rows = []
    with_file = [json_file] if json_file else []
    for file in with_file:
        _append(file, {"machine": machine(), "versions": versions()}, "w")
    for size in parse_sizes(sizes):
        for row in measure(opened, replace(job, size=size), names):
            rows.append(row)
            for file in with_file:  # at once: what comes next may take hours
                _append(file, row.entry())
    show(COLUMNS, [row.cells() for row in rows])
    for row in rows:
        if failure := row.found.get("failure"):
            typer.echo(f"{size_name(row.job.size)}, {row.contestant}: {failure}")


def measure(model: Model, job: Job, names: list[str]) -> Iterator[Row]:
    """Yield what each contestant takes at a size."""
    for name in names:
        typer.echo(f"{size_name(job.size)} {name}", err=True)
        try:
            plan = None if name == "torch" else plan_of(model, job, whole=name == "whole")
            mine = replace(job, plan=asdict(plan) if plan else None)
            expected = Pace(model, job.options).seconds(plan, job.size[::-1]) if plan else None
            yield Row(mine, name, plan, expected, fresh(mine))
        except StylizeError as error:
            yield Row(job, name, None, None, {"failure": str(error)})


def plan_of(model: Model, job: Job, whole: bool) -> Plan:
    """Return how ours computes a picture: whole; or by tiles, within what these may take."""
    options, size = job.options, job.size[::-1]
    layers = model.folder.gradient_graph(options.layers).layers
    on_device = model.provider.memory != "cpu"
    case = Case(model.folder, layers, size, job.optimizer, job.history, on_device)
    if whole:
        return case.whole
    plan = scene_of(job, model).plan(options)
    return (
        plan if plan.tile else case.streamed(case.tile_sizes[0], case.of_a_tile(case.tile_sizes[0]))
    )


def fresh(job: Job) -> dict[str, Any]:
    """Do a job in a fresh process.

    Raises
    ------
    StylizeError
        It failed: memory ran out, for example.
    """
    command = [sys.executable, large_steps.__file__, job.encode()]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["Perhaps memory ran out."]
        raise StylizeError(f"ended with code {done.returncode}: {said[-1][:TAIL]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _chosen(contestants: str, optimizer: str) -> list[str]:
    names = [name.strip() for name in contestants.split(",")]
    if unknown := set(names) - set(CONTESTANTS):
        raise OptionError(f"There is no {unknown.pop()}. Choose some of {', '.join(CONTESTANTS)}.")
    if optimizer not in ("lbfgs", "adam"):
        raise OptionError(f"There is no optimizer '{optimizer}'. Choose lbfgs or adam.")
    if optimizer == "adam" and "torch" in names:
        raise OptionError("PyTorch's optimizer is L-BFGS here. Choose --contestants whole,tiles.")
    return names


def _path(path: Path | None) -> str | None:
    return str(path) if path else None


def _append(path: Path, entry: dict[str, Any], mode: str = "a") -> None:
    with path.open(mode, encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


app = command_of(main)

if __name__ == "__main__":
    app()
