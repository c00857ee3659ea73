"""``--animate``: a film of the iterations."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from stylize.cli.watching.watchers import Glimpse
from stylize.models.errors import StylizeError

if TYPE_CHECKING:
    from PIL.Image import Image

    from stylize.runtime.films.filming import Film


class Filming:
    """Films a run: every few iterations a picture, and the last one for longer.

    Parameters
    ----------
    path : Path
        Where the film appears in the end; meanwhile it lies beside that, and is written to.
    size : tuple of int
        Width and height of the finished picture.
    iterations : int
        How many there will be.
    """

    def __init__(self, path: Path, size: tuple[int, int], iterations: int) -> None:
        from stylize.runtime.films.filming import kind_of
        from stylize.runtime.films.rhythm import rhythm_of

        self.name = f"The film '{path}'"
        self._path, self._size = path, size
        self._rhythm = rhythm_of(iterations, kind_of(path).rate)
        self._film: Film | None = None
        self._open = ExitStack()
        self._due = self._pictures = 0
        self._image: Image | None = None

    def see(self, glimpse: Glimpse) -> None:
        """Append the picture if its iteration is one of those in the film."""
        if glimpse.iterate.iteration >= self._due:
            self._due = glimpse.iterate.iteration + self._rhythm.every
            self._image = glimpse.image
            self._append(self._image, 1)

    def finish(self, glimpse: Glimpse) -> str:
        """Append the last picture, and let the film appear."""
        try:
            self._image = glimpse.image
        except StylizeError:  # the device is lost, but the film is here
            if self._image is None:
                raise
        self._append(self._image, self._rhythm.lingering)
        self._open.close()
        seconds = self._pictures * self._rhythm.milliseconds / 1000
        return f"The film is {self._path}: {seconds:.0f} s"

    def give_up(self) -> None:
        """Remove what there is of it; nothing could play that."""
        self._open.__exit__(_GivenUp, _GivenUp(), None)

    def _append(self, image: "Image", times: int) -> None:
        if self._film is None:
            from stylize.runtime.films.filming import filming

            film = filming(self._path, self._size, self._rhythm)
            self._film = self._open.enter_context(film)
        self._film.add(image, times)
        self._pictures += times


class _GivenUp(Exception):  # noqa: N818
    """Goes through a film that is not to appear."""
