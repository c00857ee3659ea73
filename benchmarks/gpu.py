"""Everything that is to be measured on an NVIDIA GPU: checked first, then timed, in one command.

``python benchmarks/gpu.py --model FOLDER``; README.md says what the columns mean.
"""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from case import (
    CONTENT_WEIGHTS,
    STYLE_WEIGHTS,
    Case,
    Size,
    mirrored,
    prepare,
    step_flop,
    store_result,
)
from contestants import Contestant, plan
from findings import COLUMNS, Findings
from measuring import measure
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
from whole_run import WholeRun, time_run

from stylize.models.errors import ProviderError
from stylize.runtime import Model
from stylize.runtime.engine.choice import find_provider
from stylize.runtime.providers.nvidia import find_driver

LARGE_PIXELS = 1024 * 1024
"""Above so many pixels only what is essential is measured."""
PROCESS_LIMIT = 240.0
"""Seconds, after which a process is taken to hang."""
NO_COMPILE = "none"

ProviderOption = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="Which provider; cpu and openvino are for trying this script."
    ),
]
CheckSizeOption = Annotated[
    str, typer.Option(metavar="WxH", help="Size of the image at which all are compared.")
]
SecondsOption = Annotated[
    float, typer.Option(min=0.0, metavar="S", help="Seconds for which each task is repeated.")
]
CompileOption = Annotated[
    str, typer.Option(metavar="MODE", help=f"Mode of torch.compile; '{NO_COMPILE}' leaves it out.")
]
IterationsOption = Annotated[
    int, typer.Option(min=1, metavar="N", help="Iterations of the pictures of 'stylize run'.")
]
RunSizeOption = Annotated[
    str, typer.Option(metavar="PIXELS|WxH", help="Size of the pictures of 'stylize run'.")
]


def main(
    model: ModelOption,
    provider: ProviderOption = "cuda",
    sizes: SizesOption = "512x512,1024x1024,2048x2048",
    check_size: CheckSizeOption = "256x256",
    seconds: SecondsOption = 0.5,
    compile_mode: CompileOption = "reduce-overhead",
    iterations: IterationsOption = 500,
    run_size: RunSizeOption = "512",
    photo: PhotoOption = EXAMPLES / "photo.jpg",
    painting: PaintingOption = EXAMPLES / "painting.jpg",
    json_file: JsonOption = None,
) -> None:
    """Check and time stylize, PyTorch and the convolutions alone on a GPU, in each precision."""
    require("onnx", "safetensors")
    check_output(json_file)
    check_pictures(photo, painting)
    wanted, (check,) = parse_sizes(sizes), parse_sizes(check_size)
    find_provider(provider)  # or say why not, before the work
    opened = Model.open(model, "cpu")
    contestants = plan(provider, None if compile_mode == NO_COMPILE else compile_mode)

    found = measure_all(opened, contestants, check, wanted, seconds)
    arguments = [str(photo), str(painting), "--model", str(opened.folder.path)]
    arguments += ["--size", run_size, "--iterations", str(iterations)]
    for contestant in working(found):
        typer.echo(f"stylize run: {contestant}, {contestant.precision}", err=True)
        found.runs[contestant] = time_run(contestant, arguments, PROCESS_LIMIT)

    typer.echo(device_name(provider))
    show(COLUMNS, found.cells())
    goals = list(found.goals())
    for line in (*found.lines(), *goals):
        typer.echo(line)
    runs = [
        {"contestant": str(contestant), "precision": contestant.precision, **outcome(run)}
        for contestant, run in found.runs.items()
    ]
    more = {"device": device_name(provider), "matrix_flop_s": found.matrix, "goals": goals}
    write_json(json_file, found.entries(), runs=runs, **more)


def measure_all(
    model: Model, contestants: list[Contestant], check: Size, sizes: list[Size], seconds: float
) -> Findings:
    """Let each contestant be checked, then timed at each size; one process after another."""
    with ExitStack() as stack:

        def case_of(size: Size) -> Case:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            return prepare(model, size, Path(folder))

        compared = case_of(check)
        write_references(model, compared)
        cases = {size: case_of(size) for size in sizes}
        found = Findings({size: step_flop(case) for size, case in cases.items()})
        for contestant in contestants:
            typer.echo(f"{contestant}, {contestant.precision}", err=True)
            if contestant.kind == "matrix":
                add_rate(found, contestant, compared, seconds)
            else:
                add_times(found, contestant, compared, cases, seconds)
    return found


def write_references(model: Model, case: Case) -> None:
    """Write the CPU's losses and gradients in float32, that all others are compared with."""
    image, targets = case.load()
    _, _, height, width = image.shape
    objective = model.objective((height, width), targets, CONTENT_WEIGHTS, STYLE_WEIGHTS)
    for path, pixels in zip(case.references, (image, mirrored(image)), strict=True):
        evaluation = objective(pixels)
        store_result(path, (evaluation.total, evaluation.gradient))


def add_rate(found: Findings, product: Contestant, case: Case, seconds: float) -> None:
    """Find out the rate of a large matrix product."""
    _, measured = measure(product, case, [case], seconds, PROCESS_LIMIT)
    if measured.failure:
        typer.echo(f"  {measured.failure}", err=True)
    else:
        flop = 2 * product.matrix_side**3
        found.matrix[product.precision] = flop / measured.seconds["evaluation"]


def add_times(
    found: Findings, contestant: Contestant, check: Case, cases: dict[Size, Case], seconds: float
) -> None:
    """Check a contestant and time it, at large sizes only if that is essential."""
    chosen = {
        size: case
        for size, case in cases.items()
        if contestant.essential or size[0] * size[1] <= LARGE_PIXELS
    }
    results = measure(contestant, check, [*chosen.values()], seconds, PROCESS_LIMIT)
    found.checked[contestant] = next(results)
    for size, measured in zip(chosen, results, strict=True):
        found.measured[size, contestant] = measured
        typer.echo(f"  {size_name(size)}: {measured}", err=True)


def working(found: Findings) -> list[Contestant]:
    """Return those of ours that computed at any size."""
    done = (contestant for (_, contestant), times in found.measured.items() if times.seconds)
    return [contestant for contestant in dict.fromkeys(done) if contestant.kind == "ours"]


def outcome(run: WholeRun | str) -> dict[str, float | str]:
    """Return a picture's times, or why there is none, for the JSON file."""
    return {"failure": run} if isinstance(run, str) else vars(run)


def device_name(provider: str) -> str:
    """Return the provider, and where that is NVIDIA's the GPU and its driver."""
    try:
        driver = find_driver()
    except ProviderError:
        return provider
    gpus = ", ".join(f"{gpu.name}, {gpu.memory / 2**30:.0f} GiB" for gpu in driver.gpus)
    return f"{provider}: {gpus}; driver {driver.release}"


app = command_of(main)

if __name__ == "__main__":
    app()
