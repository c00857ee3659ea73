"""``stylize export vgg19``: weights in, a checked model folder out."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stylize.cli.making.paths import check_folder
from stylize.cli.options.arguments import Json
from stylize.cli.showing.download import showing_download
from stylize.cli.showing.export_report import announce_replacement, contents, verify
from stylize.cli.terminal import answer, note
from stylize.export.options import ExportOptions
from stylize.installation import install_command, missing_to_export
from stylize.models.catalog import PREFERRED_MODEL, user_folder
from stylize.models.errors import ExtraError, ModelError
from stylize.shell import quoted

if TYPE_CHECKING:
    from stylize.export.writing.verify import Check
    from stylize.models.manifest import Manifest

Folder = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FOLDER",
        help="Where to write the model; its last part is the model's name. Default: vgg19, or "
        "vgg19-max, in the user's data folder.",
        show_default=False,
    ),
]


def export_vgg19(*, output: Folder = None, options: ExportOptions, json: Json = False) -> None:
    """Export VGG-19, with its gradient, to ONNX, and check it.

    The folder runs wherever stylize runs, without torch or onnx.

    It holds graphs for all layer sets of the paper.
    """
    _require_extra()
    from stylize.export.network.architecture import vgg19
    from stylize.export.sources.loading import SOURCES, load_weights
    from stylize.export.writing.write import check_replaceable, in_order, write_folder

    pooling = options.pooling
    name = PREFERRED_MODEL if pooling == "average" else f"{PREFERRED_MODEL}-{pooling}"
    folder = (output or _users(name)).absolute()
    check_replaceable(folder)
    if options.weights not in SOURCES:
        check_folder(folder, [Path(options.weights)])
    network = vgg19(pooling)
    layers = in_order(network, options.layers)
    say = note if json else answer
    with showing_download() as on_progress:
        loaded = load_weights(options.weights, network, options.preprocessing, on_progress)
    network = replace(network, preprocessing=loaded.preprocessing)
    say(f"Weights: {loaded.source}; {network.preprocessing.name} preprocessing.")
    if loaded.remark:
        say(loaded.remark)
    announce_replacement(folder, say)

    def inspect(made: Path, manifest: "Manifest") -> None:
        say(f"Made {contents(made, manifest)}.")
        checks.extend(verify(made, network, manifest, say))

    checks: list[Check] = []
    write_folder(folder, network, loaded, half=options.half, layers=layers, check=inspect)
    if json:
        from stylize.cli.showing.reporting import report_export

        report_export(folder, checks)
        return
    answer(f"Wrote {folder}. Use it: stylize run PHOTO PAINTING {quoted('--model', str(folder))}")


def _users(name: str) -> Path:
    folder = user_folder()
    if folder is None:
        raise ModelError("There is no home folder here to write the model to. Name one with -o.")
    return folder / name


def _require_extra() -> None:
    """Stop where onnx or safetensors is missing; some weights need other packages, too."""
    if missing := missing_to_export():
        raise ExtraError(
            f"For an export this is not installed: {', '.join(missing)}. "
            f"Install the extra: {install_command('export')}"
        )
