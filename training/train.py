"""Distil the compact network from VGG-19; README.md says how, on what and how long.

``python training/train.py --weights vgg19.safetensors --pictures FOLDER --output RUN``
"""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Annotated, Any

import typer

try:
    from torch.optim import Muon  # noqa: F401  since torch 2.9
except ImportError:
    raise SystemExit("Training needs torch 2.9 or later: pip install '.[cpu,train]'") from None

import torch
from distiller import Distiller, Settings
from networks import TEACHER, keep_memory
from pictures import Pictures
from safetensors.numpy import save_file

from stylize.cli.parsing import Command
from stylize.export.network.architecture import vgg19
from stylize.export.sources.loading import load_weights
from stylize.models.preprocessing import CAFFE

CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"
WEIGHTS = "compact.safetensors"


def main(
    weights: Annotated[
        str,
        typer.Option(help="VGG-19's weights in Caffe's convention, a .safetensors or .pth file."),
    ],
    pictures: Annotated[
        list[Path],
        typer.Option(help="A folder of pictures, searched to the bottom; repeat the option."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A folder for the run. One with a run goes on.")
    ],
    steps: Annotated[int, typer.Option(min=1)] = Settings.steps,
    side: Annotated[
        int, typer.Option(min=32, help="Side of the details, in pixels.")
    ] = Settings.side,
    seed: Annotated[int, typer.Option(help="Seed of all that is random.")] = Settings.seed,
) -> None:
    """Train the compact network; Ctrl-C keeps what there is, and the same command goes on.

    The folder gains a log, a checkpoint, and in the end the weights of the embedded model.
    """
    keep_memory()
    settings = replace(Settings(), steps=steps, side=side, seed=seed)
    collections = [Pictures.of_folder(folder) for folder in pictures]
    found = load_weights(weights, vgg19(), CAFFE.name)
    teacher = {name: torch.from_numpy(found.arrays[name].copy()) for name in TEACHER.parameters}
    distiller = Distiller(settings, teacher, collections)
    output.mkdir(parents=True, exist_ok=True)
    if (output / CHECKPOINT).exists():
        distiller.restore(torch.load(output / CHECKPOINT, weights_only=True))
        typer.echo(f"'{output}' has a run: going on from step {distiller.step}.")
    with _stop_asked_for() as asked:
        _run(distiller, output, asked)
    _save(distiller, output)
    if asked.is_set():
        raise KeyboardInterrupt
    save_file(distiller.finished(), output / WEIGHTS)
    typer.echo(
        f"Wrote '{output / WEIGHTS}'. To make a model of it: "
        f"python -m stylize.export.writing.compact {output / WEIGHTS} models/compact"
    )


@contextmanager
def _stop_asked_for() -> Iterator[Event]:
    """Let Ctrl-C wait for the end of a step: half of one could not be gone on from."""
    asked = Event()
    before = signal.signal(signal.SIGINT, lambda *_: asked.set())
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def _run(distiller: Distiller, output: Path, stop: Event) -> None:
    settings = distiller.settings
    begun, first = time.monotonic(), distiller.step
    while distiller.step < settings.steps and not stop.is_set():
        loss = distiller.advance()
        if distiller.step % settings.log_every == 0 or distiller.step == settings.steps:
            pace = (time.monotonic() - begun) / (distiller.step - first)
            left = pace * (settings.steps - distiller.step) / 60
            _report(distiller, {"step": distiller.step, "loss": loss, "pace": pace}, output, left)
        if distiller.step % settings.save_every == 0:
            _save(distiller, output)


def _report(distiller: Distiller, row: dict[str, Any], output: Path, minutes_left: float) -> None:
    errors = distiller.validate()
    with (output / LOG).open("a", encoding="utf-8") as log:
        print(json.dumps({**row, **errors}), file=log)
    held_out = errors["held out"]
    shares = "  ".join(f"{layer} {share:.1%}" for layer, share in held_out["grams"].items())
    typer.echo(
        f"step {row['step']} of {distiller.settings.steps}, {row['pace']:.2f} s each, "
        f"{minutes_left:.0f} min left; Gram matrices missed: {shares}"
    )


def _save(distiller: Distiller, output: Path) -> None:
    """Replace the checkpoint as a whole."""
    part = output / f"{CHECKPOINT}.part"
    torch.save(distiller.state(), part)
    part.replace(output / CHECKPOINT)


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command(cls=Command)(main)

if __name__ == "__main__":
    app()
