"""Where models are looked for, and which one is meant when none is named."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from stylize.models.errors import ModelError
from stylize.models.opening import opened

MANIFEST_FILE = "model.json"
"""A folder with this file in it may be a model."""
BEGINNING = re.compile(rb'\s*\{\s*"format"\s*:\s*[0-9]')
"""How a manifest begins. Other programs have files of the same name."""
PREFERRED_MODEL = "vgg19"
EMBEDDED_MODEL = "compact"
SEARCH_VARIABLE = "STYLIZE_MODELS"
LOCAL = Path("models")
"""The folder below the working folder whose subfolders are models."""


def user_folder() -> Path | None:
    """Return the user's folder for models, which may not exist yet; None of one without a home."""
    import platformdirs  # late: the command line starts faster without it

    try:
        folder = platformdirs.user_data_path("stylize", appauthor=False) / "models"
    except (OSError, RuntimeError, KeyError):
        return None
    return folder if folder.is_absolute() else None  # "~" stays where nothing is known


def embedded_folder() -> Path:
    """Return the model folder that lies inside the package."""
    return Path(__file__).parent / EMBEDDED_MODEL


def search_folders() -> list[Path]:
    """Return the folders whose subfolders are models: $STYLIZE_MODELS, ./models, the user's."""
    named = os.environ.get(SEARCH_VARIABLE, "").split(os.pathsep)
    users = user_folder()
    return [Path(folder) for folder in named if folder] + [LOCAL] + ([users] if users else [])


def model_folders() -> Iterator[Path]:
    """Yield all folders that hold a manifest, in the order of search, the embedded one last."""
    yield from filter(is_model, _candidates())
    yield embedded_folder()


def known_names() -> list[str]:
    """Return the names of these, each once."""
    return list(dict.fromkeys(folder.name for folder in model_folders()))


def foreign_folders() -> Iterator[Path]:
    """Yield the folders that are passed over: what their manifest's file holds is none of ours."""
    return (folder for folder in _candidates() if not is_model(folder))


def is_model(folder: Path) -> bool:
    """Tell whether a folder holds a manifest of ours, be it damaged further on."""
    path = folder / MANIFEST_FILE
    try:
        with opened(path) as file:
            return BEGINNING.match(file.read(100)) is not None
    except (OSError, ValueError):
        return False


def find_model(model: str | None = None) -> Path:
    """Return the folder of a model given by its path or name.

    Parameters
    ----------
    model : str, optional
        A model folder, or the name of one in the search folders. Without it, ``vgg19`` where an
        exported one is found, else the embedded model.

    Raises
    ------
    ModelError
        There is no such model.
    """
    if model is None:
        return _named(PREFERRED_MODEL) or embedded_folder()
    path = Path(model)
    if is_model(path):
        return path
    if found := _named(model):
        return found
    if _is_folder(path):
        return path  # whoever opens it says what is wrong with it
    looked = ", ".join(f"'{folder}'" for folder in search_folders())
    raise ModelError(
        f"There is no model '{model}': it is neither a folder nor found in {looked}. "
        f"Models found: {', '.join(known_names())}. 'stylize export vgg19' makes one of VGG-19's "
        "weights."
    )


def hidden_by(found: Path, model: str | None = None) -> Path | None:
    """Return the model that the same words mean in another working folder, if that is another.

    Parameters
    ----------
    found : Path
        What `find_model` returned.
    model : str, optional
        What it was asked for.
    """
    name = PREFERRED_MODEL if model is None else model
    if found not in (LOCAL / name, Path(name)) or Path(name).name != name:
        return None
    elsewhere = (folder for folder in model_folders() if folder.parent != LOCAL)
    hidden = next((folder for folder in elsewhere if folder.name == name), None)
    return hidden or (embedded_folder() if model is None else None)


def _named(name: str) -> Path | None:
    return next((folder for folder in model_folders() if folder.name == name), None)


def _candidates() -> Iterator[Path]:
    """Yield the folders that hold a file of a manifest's name; what cannot be read is left out."""
    for folder in search_folders():
        try:
            inside = sorted(folder.iterdir())
        except (OSError, ValueError):
            continue
        yield from (path for path in inside if _exists(path / MANIFEST_FILE))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False
