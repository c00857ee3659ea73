"""What each actor on a worker can do: it has models, or takes them in."""

from collections.abc import Mapping

from distributed import Worker, get_worker

from stylize.models.errors import ModelError
from stylize.models.folder import ModelFolder
from stylize.runtime.cluster import travel


class Guest:
    """An actor on a worker of Dask.

    Its methods are called from the machine that wants pictures, and run one after the other. Those
    that are coroutines run at any time.
    """

    def __init__(self) -> None:
        self._worker: Worker = get_worker()

    def has_model(self, digest: str) -> bool:
        """Tell whether this machine has a model."""
        return travel.present(digest) is not None

    def take_model(self, digest: str, files: Mapping[str, bytes]) -> None:
        """Keep a model."""
        travel.unpack(digest, files)

    async def part(self) -> None:
        """Wait for no other actor any longer."""

    def model(self, digest: str) -> ModelFolder:
        """Return a model that this machine has.

        Raises
        ------
        ModelError
            It is gone.
        """
        folder = travel.present(digest)
        if folder is None:
            raise ModelError("The model that was sent is gone, or was changed on its way.")
        return folder
