"""torchvision's weights from Hugging Face's hub: of 575 MB only what pictures need, 80 MB.

They are kept in the user's cache folder, since a model of another kind needs them again.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stylize.export.network.architecture import Network
from stylize.export.sources.excerpt import excerpt_of
from stylize.export.sources.locking import opened_alone
from stylize.export.sources.published import HUB_SHA256
from stylize.export.sources.remote import RemoteFile
from stylize.models.errors import WeightsError

ENDPOINT = "https://huggingface.co"
REPOSITORY = "timm/vgg19.tv_in1k"
REVISION = "128d4708565b3a414bcbb9bbad440b2fe37b9f18"
"""A commit, which stays as it is, unlike a branch. The file is known by its sha256 besides."""
FILE = "model.safetensors"
ENDPOINT_VARIABLE, TOKEN_VARIABLE = "HF_ENDPOINT", "HF_TOKEN"

OnProgress = Callable[[int, int], None]
"""Is told how many bytes are there, and how many there will be."""


def fetch(network: Network, on_progress: OnProgress) -> Path:
    """Return a .safetensors file of the weights, fetched if it is not there.

    What an attempt has got that broke off is kept, and the next one goes on.

    Raises
    ------
    ExtraError
        requests is not installed.
    WeightsError
        The hub cannot be reached or has another file, another process fetches it just now, or the
        cache folder cannot be written to.
    """
    path = _cache() / f"vgg19.tv_in1k-{HUB_SHA256[:8]}.safetensors"
    with _writing(path):
        if not path.exists():
            _fetch(_remote(), network, path, on_progress)
    return path


def _fetch(remote: RemoteFile, network: Network, path: Path, on_progress: OnProgress) -> None:
    """Fetch what is missing, and give the file its name."""
    excerpt = excerpt_of(remote.part, network)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    with opened_alone(unfinished) as file:
        done = file.seek(0, os.SEEK_END)
        file.seek(0)
        if done > excerpt.size or file.read(len(excerpt.header)) != excerpt.header:
            file.truncate(0)
            done = file.write(excerpt.header)
        on_progress(done, excerpt.size)
        for start, size in excerpt.missing(done):
            for piece in remote.part(start, size):
                done += file.write(piece)
                on_progress(done, excerpt.size)
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileNotFoundError):  # another process that had waited gave it its name
        os.replace(unfinished, path)


def _remote() -> RemoteFile:
    endpoint = (os.environ.get(ENDPOINT_VARIABLE) or ENDPOINT).rstrip("/")
    url = f"{endpoint}/{REPOSITORY}/resolve/{REVISION}/{FILE}"
    # Files that a token is read from end in a newline.
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    return RemoteFile(url, HUB_SHA256, token)


def _cache() -> Path:
    import platformdirs

    try:
        folder = platformdirs.user_cache_path("stylize", appauthor=False) / "weights"
    except (OSError, RuntimeError, KeyError):
        folder = Path()
    if not folder.is_absolute():
        raise WeightsError("There is no home folder here to keep the weights in. Set HOME.")
    return folder


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WeightsError(
            f"'{path.parent}' cannot be written to: {error.strerror or error}. The weights are "
            "kept there, 80 MB. Free some space, or name another folder in XDG_CACHE_HOME."
        ) from error
