"""What the benchmarks take and give: sizes, requirements; a table, a JSON file, the machine."""

import json
import os
import platform
import re
import runpy
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from case import Size

from stylize.cli.parsing import Command, Commands
from stylize.installation import install_command, release
from stylize.models.errors import ExtraError, OptionError
from stylize.runtime.pictures.limits import MIN_SIDE
from stylize.runtime.providers.hardware import CPU_INFO, usable_cpus
from stylize.runtime.providers.session import import_onnxruntime

ModelOption = Annotated[
    str, typer.Option("--model", metavar="FOLDER", help="A model folder, or the name of a model.")
]
SizesOption = Annotated[
    str, typer.Option("--sizes", metavar="WxH,...", help="Width and height of the images.")
]
JsonOption = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write the numbers there too.", dir_okay=False),
]


def command_of(*functions: Callable[..., None]) -> typer.Typer:
    """Return a function as a command, or several as its subcommands; errors are one line each."""
    app = typer.Typer(cls=Commands, add_completion=False, pretty_exceptions_enable=False)
    for function in functions:
        app.command(cls=Command)(function)
    return app


def require(*packages: str) -> None:
    """Check that optional packages are installed.

    Raises
    ------
    ExtraError
        One is not.
    """
    for package in packages:
        if find_spec(package) is None:
            extra = "torch" if package == "torch" else "export"
            raise ExtraError(
                f"This benchmark needs {package}, which is not installed. "
                f"Install the extra: {install_command(extra)}"
            )


def parse_sizes(text: str) -> list[Size]:
    """Return (width, height) of each size in ``256x192,512x384``.

    Raises
    ------
    OptionError
        One is malformed or too small.
    """
    return [_parse_size(part.strip()) for part in text.split(",")]


def check_output(path: Path | None) -> None:
    """Raise OptionError if a file cannot be written there: before the work, not after it."""
    if path and not os.access(path.absolute().parent, os.W_OK):
        raise OptionError(f"'{path}' cannot be written: there is no such folder to write to.")


def size_name(size: Size) -> str:
    """Return ``512x384``."""
    return f"{size[0]}x{size[1]}"


def machine() -> str:
    """Return the processor, how many CPUs this process may use, and the machine's memory."""
    return f"{_processor()}, {usable_cpus()} usable CPUs, {_memory()} of memory"


def versions() -> dict[str, str | None]:
    """Return the releases that are compared; None for torch where there is none."""
    return {
        "python": platform.python_version(),
        "stylize": release(),
        "onnxruntime": import_onnxruntime().__version__,
        "torch": _torch_version(),
    }


def show(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print the machine, the versions, and an aligned table."""
    typer.echo(machine())
    typer.echo(", ".join(f"{name} {number}" for name, number in versions().items() if number))
    lines = [columns, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(columns))]
    for line in lines:
        cells = zip(line, widths, strict=True)
        typer.echo("  ".join(cell.rjust(width) for cell, width in cells))


def write_json(path: Path | None, rows: Sequence[Mapping[str, Any]], **others: Any) -> None:
    """Write machine, versions and rows, and whatever else; all of the file or nothing.

    Raises
    ------
    OptionError
        The file cannot be written.
    """
    if path is None:
        return
    content = {"machine": machine(), "versions": versions(), "rows": rows, **others}
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            new = Path(folder, path.name)
            new.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
            new.replace(path)
    except OSError as error:
        raise OptionError(f"'{path}' cannot be written: {error.strerror}.") from error


def _parse_size(text: str) -> Size:
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if not match:
        raise OptionError(f"The size is '{text}'; write width and height, as 512x384.")
    width, height = int(match[1]), int(match[2])
    if min(width, height) < MIN_SIDE:
        raise OptionError(f"The size is {text}; a side has at least {MIN_SIDE} pixels.")
    return width, height


def _torch_version() -> str | None:
    """Return torch's release with its build (``+cpu``), which its metadata lacks, unimported."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    return str(runpy.run_path(str(Path(spec.origin).with_name("version.py")))["__version__"])


def _processor() -> str:
    """Return the model's name where Linux tells it, else what the platform does."""
    text = CPU_INFO.read_text() if CPU_INFO.exists() else ""
    match = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return match[1] if match else platform.processor() or platform.machine()


def _memory() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not everywhere
        return "an unknown amount"
    return f"{size / 2**30:.1f} GiB"
