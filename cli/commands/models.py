"""``stylize models``: what is found, where, and whether it is whole."""

from pathlib import Path

from stylize.cli.terminal import answer
from stylize.models.catalog import embedded_folder, model_folders, search_folders
from stylize.models.errors import ModelError


def models() -> None:
    """List the models found, and check that their files are whole."""
    for folder in model_folders():
        answer(f"{folder.name:<12} {_describe(folder)}")
        answer(f"{'':<12} {'embedded in stylize' if folder == embedded_folder() else folder}")
    answer("")
    answer("Looked in these folders ($STYLIZE_MODELS adds others):")
    for folder in search_folders():
        answer(f"  {folder}")


def _describe(folder: Path) -> str:
    from stylize.models.folder import open_folder

    try:
        manifest = open_folder(folder).manifest
    except ModelError as error:
        return f"unusable: {error}"
    size = (folder / manifest.weights.file).stat().st_size
    return (
        f"{manifest.network}, {manifest.pooling} pooling, {manifest.weights.dtype} "
        f"({size / 1e6:.1f} MB), weights: {manifest.weights.source}"
    )
