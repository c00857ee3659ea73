"""``stylize export vgg19``: weights in, a checked model folder out."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from stylize.cli.parameters import (
    AddedContentLayers,
    AddedStyleLayers,
    Folder,
    Half,
    Pooling,
    Preprocessing,
    WeightsSource,
)
from stylize.models.catalog import MANIFEST_FILE, PREFERRED_MODEL, user_folder
from stylize.models.errors import ExtraError, ModelError, VerificationError
from stylize.models.layers import CONTENT_LAYERS, STYLE_LAYERS, LayerSet

if TYPE_CHECKING:
    from stylize.export.network.architecture import Network
    from stylize.models.manifest import Manifest


def export_vgg19(
    output: Folder = None,
    weights: WeightsSource = "torchvision",
    pooling: Pooling = "average",
    preprocessing: Preprocessing = None,
    half: Half = False,
    content_layer: AddedContentLayers = None,
    style_layer: AddedStyleLayers = None,
) -> None:
    """Export VGG-19, with its gradient, to ONNX, and check it against torch.

    The folder runs on any machine with stylize's cpu or cuda extra, without
    torch or onnx.

    It holds graphs for all layer sets of the paper.
    """
    _require_extra()
    from stylize.export.network.architecture import vgg19
    from stylize.export.network.weights import load_weights
    from stylize.export.writing.write import check_replaceable, in_order, write_folder

    name = PREFERRED_MODEL if pooling == "average" else f"{PREFERRED_MODEL}-{pooling}"
    folder = (output or user_folder() / name).absolute()
    check_replaceable(folder)
    network = vgg19(pooling)
    layers = in_order(network, _added_layers(content_layer, style_layer))
    loaded = load_weights(weights, network, preprocessing)
    network = replace(network, preprocessing=loaded.preprocessing)
    typer.echo(f"Weights: {loaded.source}; {network.preprocessing.name} preprocessing.")
    _announce_replacement(folder)
    manifest = write_folder(folder, network, loaded, half=half, layers=layers)
    typer.echo(f"Wrote {folder}: {_contents(folder, manifest)}.")
    _verify(folder, network, manifest)
    typer.echo(f"Use it: stylize run PHOTO PAINTING --model {folder}")


def _added_layers(content: list[str] | None, style: list[str] | None) -> LayerSet:
    """Return what `stylize run` looks at when it is given the same options."""
    if not content and not style:
        return LayerSet()
    return LayerSet(tuple(content or CONTENT_LAYERS), tuple(style or STYLE_LAYERS))


def _require_extra() -> None:
    """Stop where onnx or safetensors is missing; torch is needed for some weights only."""
    for module in ("onnx", "safetensors"):
        if find_spec(module) is None:
            raise ExtraError(
                f"Exporting needs {module}, which is not installed. "
                "Install the extra: pip install 'stylize-onnx[export]'"
            )


def _announce_replacement(folder: Path) -> None:
    if not (folder / MANIFEST_FILE).exists():
        return
    from stylize.models.manifest import read_manifest

    try:
        old = read_manifest(folder)
    except ModelError:
        typer.echo(f"Replacing an unreadable model in {folder}.")
    else:
        typer.echo(
            f"Replacing the model in {folder}: {old.network}, {old.pooling} pooling, "
            f"{old.weights.dtype}, weights: {old.weights.source}."
        )


def _contents(folder: Path, manifest: "Manifest") -> str:
    def megabytes(*names: str) -> str:
        return f"{sum((folder / name).stat().st_size for name in names) / 1e6:.1f} MB"

    graphs = [file.file for file in manifest.files if file is not manifest.weights]
    return (
        f"weights ({manifest.weights.dtype}, {megabytes(manifest.weights.file)}) "
        f"and {len(graphs)} graphs ({megabytes(*graphs)})"
    )


def _verify(folder: Path, network: "Network", manifest: "Manifest") -> None:
    from stylize.export.network.torch_peer import available
    from stylize.export.writing.verify import verify_folder

    typer.echo("Checking the written graphs in float64, on random images (about 50 s):")
    if not available():
        typer.echo("  torch is not installed: compared with finite differences and each other only")
    failed = False
    for check in verify_folder(folder, network, manifest):
        failed |= not check.passed
        verdict = "ok    " if check.passed else "FAILED"
        typer.echo(
            f"  {verdict} {check.subject}: relative difference {check.difference:.1e} "
            f"(at most {check.tolerance:.0e})"
        )
    if failed:
        raise VerificationError(
            f"The model in {folder} does not compute what it should. It is left there for you to "
            "look at; do not use it. Please report this with the lines above."
        )
