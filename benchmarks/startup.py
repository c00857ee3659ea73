"""Time from a command to its first effect: the version printed, the first iteration finished.

``python benchmarks/startup.py --model FOLDER``; README.md says what the rows mean.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import IO, Annotated

import typer
from report import JsonOption, ModelOption, check_output, command_of, show, write_json

from stylize.models.catalog import find_model
from stylize.models.errors import OptionError, StylizeError

EXAMPLES = Path(__file__).parents[1] / "examples"
ITERATIONS = 10
"""More than one: the process is stopped after the first."""
POLL = 0.002
"""Seconds between two looks at the trace."""

PhotoOption = Annotated[
    Path,
    typer.Option(metavar="FILE", help="The picture to render.", show_default="examples/photo.jpg"),
]
PaintingOption = Annotated[
    Path,
    typer.Option(
        metavar="FILE",
        help="The picture in whose manner it is rendered.",
        show_default="examples/painting.jpg",
    ),
]
SizeOption = Annotated[
    str, typer.Option(metavar="PIXELS|WxH", help="Size of the picture that 'stylize run' makes.")
]
RepeatsOption = Annotated[int, typer.Option(min=1, metavar="N", help="Processes of each.")]


def main(
    model: ModelOption,
    photo: PhotoOption = EXAMPLES / "photo.jpg",
    painting: PaintingOption = EXAMPLES / "painting.jpg",
    size: SizeOption = "512",
    repeats: RepeatsOption = 5,
    json_file: JsonOption = None,
) -> None:
    """Time fresh processes of 'stylize --version' and of 'stylize run'."""
    check_output(json_file)
    check_pictures(photo, painting)
    program = find_program()
    run = [program, "run", str(photo), str(painting), "--size", size, "--provider", "cpu"]
    run += ["--model", str(find_model(model)), "--iterations", str(ITERATIONS)]
    # The very first process of each finds cold disk caches.
    seconds = {
        "version": [until_end([program, "--version"]) for _ in range(1 + repeats)][1:],
        "first iteration": [until_first_iteration(run) for _ in range(1 + repeats)][1:],
    }
    show(
        ("from start to", "median", "fastest", "slowest"),
        [
            [what, *(f"{value:.3f} s" for value in (median(times), min(times), max(times)))]
            for what, times in seconds.items()
        ],
    )
    rows = [
        {"what": what, "median_s": median(times), "seconds": times}
        for what, times in seconds.items()
    ]
    write_json(json_file, rows, size=size)


def check_pictures(*pictures: Path) -> None:
    """Raise OptionError if a file is not there."""
    for picture in pictures:
        if not picture.is_file():
            raise OptionError(f"There is no picture '{picture}'. Check the path.")


def find_program() -> str:
    """Return the ``stylize`` command of this Python's environment.

    Raises
    ------
    StylizeError
        There is none.
    """
    folder = Path(sys.executable).parent
    program = shutil.which("stylize", path=folder)
    if program is None:
        raise StylizeError(f"There is no 'stylize' command in '{folder}'. Install stylize-onnx.")
    return program


def until_end(command: Sequence[str]) -> float:
    """Return the seconds that a process takes.

    Raises
    ------
    StylizeError
        It failed.
    """
    start = time.perf_counter()
    process = subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
    if process.returncode:
        raise StylizeError(f"'{' '.join(command)}' ended with code {process.returncode}.")
    return time.perf_counter() - start


def until_first_iteration(run: Sequence[str]) -> float:
    """Return the seconds until ``stylize run`` has traced an iteration, and stop it there.

    Raises
    ------
    StylizeError
        It ended before.
    """
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as errors:
        trace, output = Path(folder, "trace.jsonl"), Path(folder, "out.png")
        command = [*run, "-o", str(output), "--trace", str(trace), "--quiet"]
        start = time.perf_counter()
        with subprocess.Popen(command, stderr=errors) as process:
            try:
                while not (trace.exists() and trace.stat().st_size):
                    if process.poll() is not None:
                        raise StylizeError(_failure(errors))
                    time.sleep(POLL)
                return time.perf_counter() - start
            finally:
                process.kill()


def _failure(errors: IO[bytes]) -> str:
    errors.seek(0)
    message = " ".join(errors.read().decode(errors="replace").split())
    return f"'stylize run' ended before its first iteration. {message}"


app = command_of(main)

if __name__ == "__main__":
    app()
