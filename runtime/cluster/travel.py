"""Models that travel: a machine is asked for one by its content, and gets it if it has none."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from stylize.models.catalog import MANIFEST_FILE, model_folders
from stylize.models.errors import ModelError
from stylize.models.folder import ModelFolder, open_folder


def digest_of(folder: Path) -> str:
    """Return a digest of a model: that of its manifest, which has those of all other files.

    Raises
    ------
    ModelError
        The manifest cannot be read.
    """
    try:
        return hashlib.sha256((folder / MANIFEST_FILE).read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(f"'{folder}' cannot be read: {error.strerror or error}.") from error


def packed(folder: ModelFolder) -> dict[str, bytes]:
    """Return the content of all files of a model, by name."""
    return {path.name: path.read_bytes() for path in folder.files}


def present(digest: str) -> ModelFolder | None:
    """Return a model that is on this machine, found by its digest; None if it has none."""
    for folder in (_received(digest), *model_folders()):
        try:
            if digest_of(folder) == digest:
                return open_folder(folder)
        except ModelError:  # damaged, or not there
            continue
    return None


def unpack(digest: str, files: Mapping[str, bytes]) -> None:
    """Write a model where `present` finds it, all of it or nothing.

    Raises
    ------
    ModelError
        The disk is full, or nothing can be written there.
    """
    folder = _received(digest)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, ignore_cleanup_errors=True) as made:
            new = Path(made) / "model"
            new.mkdir()
            for name, content in files.items():
                (new / Path(name).name).write_bytes(content)
            if folder.exists() and present(digest) is None:  # damaged
                shutil.rmtree(folder)
            if not folder.exists():
                os.replace(new, folder)
    except OSError as error:
        if present(digest):  # another worker of this machine was faster
            return
        raise ModelError(
            f"The model cannot be written to '{folder}': {error.strerror or error}. Make room "
            "there, or put the model into a folder that $STYLIZE_MODELS names."
        ) from error


def _received(digest: str) -> Path:
    return platformdirs.user_cache_path("stylize", appauthor=False) / "models" / digest
