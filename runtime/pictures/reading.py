"""Pictures from files of any common kind, from their bytes, from arrays and Pillow images."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from math import ceil, prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from stylize.models.errors import ImageError
from stylize.runtime.files import floats, png
from stylize.runtime.files.jpeg import in_one_pass
from stylize.runtime.files.kinds import unread_kind
from stylize.runtime.files.opening import errors_told, loading, opened
from stylize.runtime.files.standard import STDIN, standard_input
from stylize.runtime.pictures.colour import (
    TO_SRGB,
    Conversion,
    normalise,
    on_white,
    upright_size,
)
from stylize.runtime.pictures.floating import to_eight_bits
from stylize.runtime.pictures.limits import MAX_BYTES, MAX_PIXELS, WHOLE_PIXELS
from stylize.runtime.pictures.sizes import check_sides, cover
from stylize.runtime.pictures.transparency import Seen, seen

_Unopened = Image.Image | str | os.PathLike[str] | bytes | BinaryIO | npt.NDArray[Any]

_ADDRESS = re.compile(r"(?!.:)([a-z][a-z0-9+.-]*:/|data:)", re.IGNORECASE)
"""How addresses begin; the path of a drive does not."""
_SCALES = (2, 4, 8)
"""A JPEG decoder can make so many times less on each side at little cost."""
_SPARE = 2
"""A picture that is read reduced is so many times larger than wanted, or more: enough for the
filter that scales it then."""


def load_image(picture: "PictureLike") -> Image.Image:
    """Read a picture as 8-bit sRGB, upright, transparent parts blended on white.

    Parameters
    ----------
    picture : PIL image, path, bytes, binary file or array
        Arrays have the shape (height, width) or (height, width, channels): grey, RGB or RGBA, as
        uint8 or as floats in 0...1.

    Raises
    ------
    ImageError
        The file is missing, not a picture, damaged, too small or too large.
    """
    found = open_picture(picture)
    return found.scaled(found.size)


def open_picture(
    picture: "PictureLike", alpha: bool = False, conversion: Conversion = TO_SRGB
) -> "Picture":
    """Find out what a picture is, without reading its pixels if it is in a file.

    Parameters
    ----------
    picture : PIL image, path, bytes, binary file or array
        See `load_image`.
    alpha : bool
        Whether transparency is kept; otherwise, transparent parts are blended on white.
    conversion : Conversion
        What its colours become, and what floats mean.

    Raises
    ------
    ImageError
        The file is missing, not a picture, damaged, or too small.
    """
    if isinstance(picture, Picture):
        return picture if picture.alpha == alpha else replace(picture, alpha=alpha)
    source = _source(picture)
    name = f"'{source}'" if isinstance(source, Path) else "The picture"
    if isinstance(source, Image.Image):
        with loading(source, name):
            source = normalise(source, name, space=conversion.space)
        size = source.size
    else:
        size = _size_of(source, name)
    check_sides(size, f"{name} is", "Use a larger picture.")
    return Picture(source, name, size, alpha, conversion=conversion)


def has_floats(path: Path) -> bool:
    """Tell whether a file has floating-point pixels.

    Raises
    ------
    ImageError
        It is missing, or cannot be read.
    """
    with picture_file(path) as file:
        return _of_floats(file) is not None


def _size_of(source: Path | bytes, name: str) -> tuple[int, int]:
    with picture_file(source) as file:
        if head := _of_floats(file):
            return head.upright
        with opened(file, name) as image:
            return upright_size(image)


def _of_floats(file: BinaryIO) -> floats.Header | None:
    """Return what a file of floating-point pixels tells; None for others."""
    return None if unread_kind(file) else floats.header(file)


def read_chunk(path: str | Path, keyword: str) -> str | None:
    """Return a text chunk of a PNG file; None if it has no such chunk, or is no PNG.

    Raises
    ------
    ImageError
        The file is missing, or not a picture.
    """
    with picture_file(Path(path)) as file, opened(file, f"'{path}'") as image:
        return png.text(file, keyword) if image.format == "PNG" else None


READ = 8
"""Bytes that reading takes for each pixel: as it was decoded, and in sRGB."""
READ_OF_FLOAT = 28
"""Bytes that it takes for each floating-point number: the file, unpacked, scaled."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture whose pixels are read when they are needed, and as many as are needed.

    One of more than `WHOLE_PIXELS` is reduced to a half, a quarter or an eighth of its size first,
    if that is at least twice what is wanted. A JPEG's decoder does it, and needs little memory.

    Attributes
    ----------
    source : Path, bytes or PIL image
        A file, the content of one, or a picture in 8-bit sRGB.
    name : str
        How messages call it.
    size : tuple of int
        Width and height of the picture, upright, without the edges.
    alpha : bool
        Whether transparency is kept; otherwise, transparent parts are blended on white.
    edges : tuple of int
        Pixels that are cut off at the left and the right each, and at the top and the bottom.
    conversion : Conversion
        What the colours become, and what floats mean.
    """

    source: Path | bytes | Image.Image
    name: str
    size: tuple[int, int]
    alpha: bool
    edges: tuple[int, int] = (0, 0)
    conversion: Conversion = TO_SRGB

    def cropped(self, edge: int | float) -> "Picture":
        """Return the picture without its edges, which may be a frame or the margin of a scan.

        Parameters
        ----------
        edge : int or float
            Pixels at each edge, or a part of the side.

        Raises
        ------
        ImageError
            Too little would be left.
        """
        width, height = self.size
        parts = (edge, edge) if isinstance(edge, int) else (ceil(edge * width), ceil(edge * height))
        left = width - 2 * parts[0], height - 2 * parts[1]
        check_sides(left, f"Cropped, {self.name} is", "Crop less.")
        edges = self.edges[0] + parts[0], self.edges[1] + parts[1]
        return replace(self, size=left, edges=edges)

    def scaled(self, size: tuple[int, int]) -> Image.Image:
        """Return the colours of the picture in (width, height), with 8 bits.

        Raises
        ------
        ImageError
            It is damaged, or too many pixels would have to be read.
        """
        return self.seen(size).colours

    def bytes_read(self, size: tuple[int, int]) -> int:
        """Return about how much memory reading takes, for a picture in (width, height)."""
        if isinstance(self.source, Image.Image):
            return 0
        scale = _reduction(self.size, size)
        with picture_file(self.source) as file:
            if head := _of_floats(file):
                return prod(self.whole) * (READ + READ_OF_FLOAT * head.samples)
        with picture_file(self.source) as file, opened(file, self.name) as image:
            reduced = scale if image.format in ("JPEG", "MPO") and in_one_pass(file) else 1
        return round(READ * prod(self.whole) / reduced**2)

    def seen(self, size: tuple[int, int], cut: bool = False) -> Seen:
        """Return the colours and the alpha in (width, height).

        If it is to be cut, the picture keeps its proportions, and what is beyond is cut off. The
        errors are those of `scaled`.
        """

        def resample(image: Image.Image) -> Image.Image:
            if image.size == size:
                return image
            return cover(image, size) if cut else image.resize(size, Image.Resampling.LANCZOS)

        return seen(self.read(size), resample)

    @property
    def whole(self) -> tuple[int, int]:
        """Width and height with the edges."""
        return self.size[0] + 2 * self.edges[0], self.size[1] + 2 * self.edges[1]

    def part_seen(self, size: tuple[int, int], cut: bool = False) -> tuple[float, float]:
        """Return which part of the whole width and height `seen` shows; it is in the middle."""
        least = min(side / wanted for side, wanted in zip(self.size, size, strict=True))
        shown = [wanted * least for wanted in size] if cut else self.size
        width, height = (min(1.0, a / b) for a, b in zip(shown, self.whole, strict=True))
        return width, height

    def read(self, wanted: tuple[int, int]) -> Image.Image:
        """Return it as RGB, or with alpha as RGBA: reduced, but to no less than (width, height)."""
        if isinstance(self.source, Image.Image):
            image = self.source
        else:
            image = self._read_file(self.source, wanted)
        image = self._without_edges(image)
        scale = _reduction(image.size, wanted)
        reduced = image.reduce(scale) if scale > 1 else image
        return reduced if self.alpha else on_white(reduced)

    def _read_file(self, source: Path | bytes, wanted: tuple[int, int]) -> Image.Image:
        name, space = self.name, self.conversion.space
        with picture_file(source) as file:
            if head := _of_floats(file):
                self._check_pixels(head.size)
                with errors_told(name):
                    numbers = floats.values(file, head)
                    found = to_eight_bits(numbers, head, self.conversion.range, name)
                    return normalise(found, name, spent=True, space=space)
            with opened(file, name) as found:
                self._reduce(found, file, wanted)
                return normalise(found, name, spent=True, space=space)

    def _without_edges(self, image: Image.Image) -> Image.Image:
        """Return what is left of the whole picture, which may have been read reduced.

        A pixel that is partly of an edge goes, too: filters would spread it.
        """
        if self.edges == (0, 0):
            return image
        scales = (now / then for now, then in zip(image.size, self.whole, strict=True))
        x, y = (ceil(edge * scale) for edge, scale in zip(self.edges, scales, strict=True))
        return image.crop((x, y, image.width - x, image.height - y))

    def _reduce(self, image: Image.Image, file: BinaryIO, wanted: tuple[int, int]) -> None:
        """Make the decoder read no more than is needed; raise ImageError if that is too much."""
        at_once = image.size
        scale = _reduction(self.size, wanted)
        if image.format in ("JPEG", "MPO") and scale > 1:
            reduced = image.width // scale, image.height // scale
            image.draft(None, reduced)
            at_once = reduced if in_one_pass(file) else at_once
        self._check_pixels(at_once)

    def _check_pixels(self, at_once: tuple[int, int]) -> None:
        if at_once[0] * at_once[1] > MAX_PIXELS:
            raise ImageError(
                f"{self.name} has {self.size[0]}x{self.size[1]} pixels, and at most "
                f"{MAX_PIXELS / 1e6:.0f} million can be read at once. Scale it down, or save it "
                "as a JPEG that is not progressive, which is read at a reduced scale."
            )


PictureLike = _Unopened | Picture
"""What is taken for a picture: a Pillow image, a path, the bytes of a file, an open binary file, or
an array of shape (height, width) or (height, width, channels): grey, RGB or RGBA, as uint8 or as
floats in 0...1. A `Picture` is one that was opened before."""


def _reduction(size: tuple[int, int], wanted: tuple[int, int]) -> int:
    """Return how many times smaller a picture may be read."""
    pixels = size[0] * size[1]
    spare = min(size[0] / wanted[0], size[1] / wanted[1]) / _SPARE
    possible = [1, *(scale for scale in _SCALES if scale <= spare)]
    return next((scale for scale in possible if pixels <= WHOLE_PIXELS * scale**2), possible[-1])


def _source(picture: _Unopened) -> Path | bytes | Image.Image:
    """Return what a picture is read from."""
    if isinstance(picture, Image.Image):
        return picture
    if isinstance(picture, np.ndarray):
        return _of_array(picture)
    if isinstance(picture, bytes | bytearray | memoryview):
        return bytes(picture)
    if isinstance(picture, str | os.PathLike):
        return Path(os.fsdecode(picture))
    if hasattr(picture, "read"):
        return _content(picture)
    raise ImageError(
        f"A picture cannot be a {type(picture).__name__}. Give a path, a Pillow image, an array, "
        "the bytes of a file, or a file opened with mode 'rb'."
    )


def _of_array(array: npt.NDArray[Any]) -> Image.Image:
    """Return an array as a Pillow image."""
    channels = array.shape[2:] if array.ndim == 3 else ()
    if not array.size or array.ndim not in (2, 3) or channels not in ((), (1,), (3,), (4,)):
        raise ImageError(
            f"An array of shape {array.shape} is no picture. Its shape must be (height, width) or "
            "(height, width, channels), with 1, 3 or 4 channels: grey, RGB or RGBA."
        )
    levels = _levels(array)
    return Image.fromarray(np.ascontiguousarray(levels.squeeze(2) if channels == (1,) else levels))


def _levels(array: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return the values of an array in 0...255."""
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind == "f" and 0 <= array.min() <= array.max() <= 1:
        return np.rint(array * 255).astype(np.uint8)
    values = f" from {array.min()} to {array.max()}" if array.dtype.kind in "biuf" else ""
    raise ImageError(
        f"An array of {array.dtype}{values} is no picture. Give uint8 in 0...255 or floats in "
        "0...1."
    )


def _content(file: BinaryIO) -> bytes:
    """Return what an open file holds."""
    try:
        if hasattr(file, "seekable") and file.seekable():
            file.seek(0)
        data = file.read(MAX_BYTES + 1)
    except Exception as error:  # a file of the caller's own kind may raise any
        raise ImageError(f"The open file cannot be read: {error}.") from error
    if not isinstance(data, bytes):
        raise ImageError("The file is open as text. Open it with mode 'rb'.")
    if len(data) > MAX_BYTES:
        raise ImageError(f"The open file has more than {MAX_BYTES} bytes. Give its path.")
    return data


@contextmanager
def picture_file(source: Path | bytes) -> Iterator[BinaryIO]:
    """Open the file of a picture, or what it holds.

    Raises
    ------
    ImageError
        It is missing, an address, a folder or a pipe, or may not be read.
    """
    if source == STDIN:
        source = standard_input(MAX_BYTES)
    if isinstance(source, bytes):
        yield BytesIO(source)
        return
    try:
        _check_file(source)
        file = source.open("rb")
    except (OSError, ValueError) as error:
        raise ImageError(_unopened(source, error)) from error
    with file:
        yield file


def _check_file(path: Path) -> None:
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise ImageError(f"'{path}' is a folder. Name a picture in it.")
    if not stat.S_ISREG(mode):
        raise ImageError(
            f"'{path}' is a pipe or a device, which can be read only once. Save the picture as a "
            "file, and name that."
        )


def _unopened(path: Path, error: OSError | ValueError) -> str:
    if _ADDRESS.match(str(path)):
        return f"'{path}' is an address. Save the picture as a file, and name that."
    if isinstance(error, FileNotFoundError):
        return f"There is no picture '{path}'. Check the path."
    reason = getattr(error, "strerror", None) or error
    return f"'{path}' cannot be read: {reason}. Check the path and its permissions."
