"""Where models are looked for, and which one is meant when none is named."""

import os
from collections.abc import Iterator
from pathlib import Path

from stylize.models.errors import ModelError

MANIFEST_FILE = "model.json"
"""A folder with this file in it is a model."""
PREFERRED_MODEL = "vgg19"
EMBEDDED_MODEL = "compact"
SEARCH_VARIABLE = "STYLIZE_MODELS"


def user_folder() -> Path:
    """Return the user's folder for models, which may not exist yet."""
    import platformdirs  # late: the command line starts faster without it

    return platformdirs.user_data_path("stylize", appauthor=False) / "models"


def embedded_folder() -> Path:
    """Return the model folder that lies inside the package."""
    return Path(__file__).parent / EMBEDDED_MODEL


def search_folders() -> list[Path]:
    """Return the folders whose subfolders are models: $STYLIZE_MODELS, ./models, the user's."""
    named = os.environ.get(SEARCH_VARIABLE, "").split(os.pathsep)
    return [Path(folder) for folder in named if folder] + [Path("models"), user_folder()]


def model_folders() -> Iterator[Path]:
    """Yield all folders that hold a manifest, in the order of search, the embedded one last."""
    for folder in search_folders():
        for manifest in sorted(folder.glob(f"*/{MANIFEST_FILE}")):
            yield manifest.parent
    yield embedded_folder()


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
    if (path := Path(model)).is_dir():
        return path
    if found := _named(model):
        return found
    known = ", ".join(dict.fromkeys(folder.name for folder in model_folders()))
    looked = ", ".join(f"'{folder}'" for folder in search_folders())
    raise ModelError(
        f"There is no model '{model}': it is neither a folder nor found in {looked}. "
        f"Models found: {known}. 'stylize export vgg19' makes one of VGG-19's weights."
    )


def _named(name: str) -> Path | None:
    return next((folder for folder in model_folders() if folder.name == name), None)
