"""A film in a file that appears when it is whole: frames of one size, of whatever comes."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from PIL import Image

from stylize.models.errors import ImageError, OptionError
from stylize.runtime.films.gif import GifFilm
from stylize.runtime.films.mp4 import Mp4Film, check_mp4
from stylize.runtime.films.rhythm import Rhythm
from stylize.runtime.films.webp import WebpFilm
from stylize.runtime.pictures.replacing import check_replaceable, replacing_file

Size = tuple[int, int]


class Recorder(Protocol):
    """Writes the pictures of a film into a file."""

    def add(self, picture: Image.Image, times: int = 1) -> None:
        """Append an RGB picture that is shown for so many pictures' time."""

    def close(self) -> None:
        """Write what can be known only in the end."""


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes
    ----------
    recorder : function
        Begins a film: takes the file, width and height, and how long a picture is shown.
    rate : int
        Pictures in a second at most.
    longest : int
        Pixels of its long side at most.
    step : int
        The sides are multiples of it.
    """

    recorder: Callable[[BinaryIO, Size, int], Recorder]
    rate: int
    longest: int
    step: int = 1


KINDS = {
    ".mp4": Kind(Mp4Film, rate=24, longest=1920, step=2),
    ".webp": Kind(WebpFilm, rate=10, longest=1024),
    ".gif": Kind(GifFilm, rate=10, longest=512),
}
"""By the ending of a file's name. The last two compress each picture by itself: less is more."""


def check_film(path: Path) -> None:
    """Find out before the work whether a film can be written.

    Raises
    ------
    OptionError
        The ending tells no kind of film.
    ExtraError
        It needs a package that is not installed.
    ImageError
        The place cannot be written to.
    """
    if path.suffix.lower() not in KINDS:
        raise OptionError(f"The film '{path}' must end in one of {', '.join(KINDS)}.")
    if kind_of(path).recorder is Mp4Film:
        check_mp4()
    if os.path.isdir(path):
        raise ImageError(f"'{path}' is a folder. Name the film to write, for example out.mp4.")
    try:
        check_replaceable(path)
    except OSError as error:
        raise ImageError(
            f"The film '{path}' cannot be written: {error.strerror}. Name a file in a folder that "
            "exists, may be written to, and has space left."
        ) from error


def kind_of(path: Path) -> Kind:
    """Return the kind of film that a name tells."""
    return KINDS[path.suffix.lower()]


class Film:
    """Makes pictures of any size into frames.

    Parameters
    ----------
    recorder : Recorder
        Writes them.
    fitted : tuple of int
        Width and height that pictures are scaled to.
    size : tuple of int
        Width and height of the film; the rest is cut off.
    """

    def __init__(self, recorder: Recorder, fitted: Size, size: Size) -> None:
        self._recorder = recorder
        self._fitted, self._size = fitted, size

    def add(self, picture: Image.Image, times: int = 1) -> None:
        """Append an RGB picture that is shown for so many pictures' time."""
        if picture.size != self._fitted:
            picture = picture.resize(self._fitted, Image.Resampling.LANCZOS)
        if self._fitted != self._size:
            picture = picture.crop((0, 0, *self._size))
        self._recorder.add(picture, times)


@contextmanager
def filming(path: Path, size: Size, rhythm: Rhythm) -> Iterator[Film]:
    """Give a film, which appears in the end under its name, unless an error comes from within.

    Parameters
    ----------
    path : Path
        Its ending tells the kind, and with that how large it may be.
    size : tuple of int
        Width and height of the last picture; smaller ones are enlarged.
    rhythm : Rhythm
        How long each picture is shown.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    kind = kind_of(path)
    fitted = _fitted(size, kind.longest)
    cut = fitted[0] // kind.step * kind.step, fitted[1] // kind.step * kind.step
    with replacing_file(path.absolute()) as file:  # FFmpeg takes 10:30/film.mp4 for a protocol
        recorder = kind.recorder(file, cut, rhythm.milliseconds)
        yield Film(recorder, fitted, cut)
        recorder.close()


def _fitted(size: Size, longest: int) -> Size:
    """Return a size in its proportions, with no longer side than that."""
    scale = min(1.0, longest / max(size))
    return max(2, round(size[0] * scale)), max(2, round(size[1] * scale))
