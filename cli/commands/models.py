"""``stylize models``: what is found, where, and whether it is whole."""

from pathlib import Path
from typing import TYPE_CHECKING

from stylize.cli.options.arguments import Json
from stylize.cli.terminal import answer, cut
from stylize.models.catalog import (
    MANIFEST_FILE,
    embedded_folder,
    foreign_folders,
    model_folders,
    search_folders,
)
from stylize.models.errors import ModelError

if TYPE_CHECKING:
    from stylize.models.manifest import Manifest


def models(*, json: Json = False) -> None:
    """List the models found, and check that their files are whole."""
    if json:
        from stylize.cli.showing.reporting import report_models

        found = [(folder, *_looked_at(folder)) for folder in model_folders()]
        report_models(found, foreign_folders(), search_folders())
        return
    for folder in model_folders():
        answer(f"{folder.name:<12} {cut(_describe(folder))}")
        answer(f"{'':<12} {'embedded in stylize' if folder == embedded_folder() else folder}")
    for folder in foreign_folders():
        answer(f"{folder.name:<12} passed over: its {MANIFEST_FILE} is not one of stylize's")
        answer(f"{'':<12} {folder}")
    answer("")
    answer("Looked in these folders ($STYLIZE_MODELS adds others):")
    for folder in search_folders():
        answer(f"  {folder}")


def _describe(folder: Path) -> str:
    manifest, fault = _looked_at(folder)
    if manifest is None:
        return f"unusable: {fault}"
    size = (folder / manifest.weights.file).stat().st_size
    return (
        f"{manifest.network}, {manifest.pooling} pooling, {manifest.weights.dtype} "
        f"({size / 1e6:.1f} MB), weights: {manifest.weights.source}"
    )


def _looked_at(folder: Path) -> "tuple[Manifest | None, str | None]":
    """Return the manifest of a model whose files are whole, or why it cannot be used."""
    from stylize.models.folder import open_folder

    try:
        opened = open_folder(folder)
        for graph in opened.manifest.graph_files:
            opened.read(graph)
    except ModelError as error:
        return None, str(error)
    return opened.manifest, None
