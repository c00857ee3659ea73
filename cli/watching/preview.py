"""``--preview``: a file that is the picture so far, for a viewer that reads it again."""

from contextlib import suppress
from pathlib import Path

from stylize.cli.watching.pauses import Pauses
from stylize.cli.watching.watchers import Glimpse
from stylize.models.errors import ImageError

SECONDS = 2.0
"""Between two pictures, at least."""


class Preview:
    """Replaces a file by the picture so far, at once and as a whole.

    Parameters
    ----------
    path : Path
        Its ending tells the format.
    """

    def __init__(self, path: Path) -> None:
        self.name = f"The preview '{path}'"
        self._path = path
        self._pauses = Pauses(SECONDS)

    def see(self, glimpse: Glimpse) -> None:
        """Write the picture if the last one is a while ago."""
        if self._pauses.over:
            with self._pauses.before_next(), suppress(ImageError):  # a viewer may hold the file
                self.finish(glimpse)

    def finish(self, glimpse: Glimpse) -> str:
        """Write the last picture."""
        from stylize.runtime.pictures.saving import save_image

        save_image(glimpse.image, self._path)
        return ""

    def give_up(self) -> None:
        """Leave the last picture that could be written."""
