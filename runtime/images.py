"""Pictures: from files of any common kind to RGB in 0...1, and back to a file.

Arrays are float32, shape (1, 3, height, width), sRGB in 0...1.
"""

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageCms, ImageOps, PngImagePlugin

from stylize.models.errors import ImageError, OptionError
from stylize.runtime.options import MIN_SIDE, Side

Array = npt.NDArray[np.float32]

FORMATS: dict[str, dict[str, Any]] = {
    ".png": {"format": "PNG"},
    ".jpg": {"format": "JPEG", "subsampling": "4:4:4"},
    ".jpeg": {"format": "JPEG", "subsampling": "4:4:4"},
    ".webp": {"format": "WEBP"},
    ".tif": {"format": "TIFF", "compression": "tiff_lzw"},
    ".tiff": {"format": "TIFF", "compression": "tiff_lzw"},
}
"""How a picture is written, by the ending of its name."""

MAX_SIDES = {"JPEG": 65_500, "WEBP": 16_383}
"""Pixels that a format can hold on a side, where that is within reach."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""By the value of EXIF's orientation, what makes the picture upright."""

_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_DATE = slice(24, 36)
"""Of its making, in an ICC profile; without it, the same picture is the same file."""
_SIXTEEN_BIT_GREY = ("I;16", "I;16B", "I;16L", "I;16N", "I")
_UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


def load_image(path: str | Path) -> Image.Image:
    """Read a picture as 8-bit sRGB, upright, transparent parts blended on white.

    Raises
    ------
    ImageError
        The file is missing, not a picture, damaged, too small or far too large.
    """
    with _opened(path) as file:
        return normalise(file, f"'{path}'")


def read_chunk(path: str | Path, keyword: str) -> str | None:
    """Return a text chunk of a PNG file; None if it has no such chunk, or is no PNG.

    Raises
    ------
    ImageError
        The file is missing, not a picture, damaged, or far too large.
    """
    with _opened(path) as file:
        text = file.info.get(keyword)
    return str(text) if isinstance(text, str) else None


@contextmanager
def _opened(path: str | Path) -> Iterator[Image.Image]:
    if not Path(path).is_file():
        raise ImageError(f"There is no picture '{path}'. Check the path.")
    try:
        with warnings.catch_warnings():
            # Pillow warns from 89 megapixels on and refuses from 179 on; the first is a photo.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as file:
                file.load()
                yield file
    except _UNREADABLE as error:
        raise ImageError(
            f"'{path}' cannot be read: {error}. stylize reads whole JPEG, PNG, WebP and TIFF "
            "files (and others that Pillow knows)."
        ) from error


def normalise(image: Image.Image, name: str = "The picture") -> Image.Image:
    """Return a Pillow image as 8-bit sRGB, upright, transparent parts blended on white.

    Raises
    ------
    ImageError
        It is too small, or has floating-point pixels.
    """
    _check_sides(image.size, f"{name} is", "Use a larger picture.")
    return _on_white(_in_srgb(_in_eight_bits(_upright(image), name)))


def scale_to(image: Image.Image, pixels: int, side: Side = "long") -> Image.Image:
    """Return the picture with one side so many pixels long, in its own proportions.

    Raises
    ------
    ImageError
        The other side would be too short.
    """
    size = scaled_size(image.size, pixels, side)
    return image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)


def scaled_size(
    size: tuple[int, int], pixels: int, side: Side = "long", hint: str = "Use a larger --size."
) -> tuple[int, int]:
    """Return width and height so scaled that one side is so many pixels long.

    Raises
    ------
    ImageError
        The other side would be too short; the message ends with `hint`.
    """
    length = max(size) if side == "long" else min(size)
    width, height = (round(each * pixels / length) for each in size)
    scaled = f"At size {pixels}, a picture of {size[0]}x{size[1]} is"
    _check_sides((width, height), scaled, hint)
    return width, height


def cover(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the picture in (width, height): scaled in its own proportions, the rest cut off."""
    if image.size == size:
        return image
    return ImageOps.fit(image, size, Image.Resampling.LANCZOS)


def to_array(image: Image.Image) -> Array:
    """Return an RGB picture as float32 in 0...1, shape (1, 3, height, width)."""
    pixels = np.asarray(image, np.float32) / 255
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


def to_image(pixels: Array) -> Image.Image:
    """Return an array in 0...1, shape (1, 3, height, width), as an RGB picture; clip the rest."""
    rows = np.clip(pixels[0].transpose(1, 2, 0), 0, 1) * 255
    return Image.fromarray(np.rint(rows).astype(np.uint8))


def check_ending(path: Path) -> None:
    """Raise OptionError if a file's name does not tell a format that can be written."""
    if path.suffix.lower() not in FORMATS:
        raise OptionError(
            f"'{path}' must end in one of {', '.join(FORMATS)}, which tells the kind of file."
        )


def check_output(path: Path, long_side: int = 0) -> None:
    """Raise an error if a picture could not be written to `path`, before work is spent on it.

    Raises
    ------
    OptionError
        The ending tells no format.
    ImageError
        There is a folder of that name, the place cannot be written to, or the format cannot hold
        `long_side` pixels.
    """
    check_ending(path)
    kind = FORMATS[path.suffix.lower()]["format"]
    if long_side > MAX_SIDES.get(kind, long_side):
        raise ImageError(
            f"A {kind} file cannot hold a picture of {long_side} pixels on a side, "
            f"{MAX_SIDES[kind]} at most. Write a .png or a .tiff."
        )
    if path.is_dir():
        raise ImageError(f"'{path}' is a folder. Name the file to write, for example out.png.")
    with _replacing(path) as temporary:
        temporary.touch()
        temporary.unlink()


def save_image(
    image: Image.Image,
    path: Path,
    text: Mapping[str, str] | None = None,
    quality: int = 95,
) -> None:
    """Write a picture, tagged as sRGB; it appears under its name only when it is complete.

    Parameters
    ----------
    image : PIL image
        8-bit RGB.
    path : Path
        Its ending tells the format.
    text : mapping of str to str
        Text chunks by keyword; only PNG has them, other formats leave them out.
    quality : int
        Of JPEG and WebP, at most 100.

    Raises
    ------
    OptionError
        The ending is unknown.
    ImageError
        The file cannot be written.
    """
    check_output(path, max(image.size))
    settings = {"icc_profile": _undated(_SRGB.tobytes()), **FORMATS[path.suffix.lower()]}
    if settings["format"] in ("JPEG", "WEBP"):
        settings["quality"] = quality
    if settings["format"] == "PNG" and text:
        settings["pnginfo"] = _text_chunks(text)
    with _replacing(path) as temporary:
        image.save(temporary, **settings)


def _undated(profile: bytes) -> bytes:
    return profile[: _DATE.start] + bytes(_DATE.stop - _DATE.start) + profile[_DATE.stop :]


def _text_chunks(text: Mapping[str, str]) -> PngImagePlugin.PngInfo:
    chunks = PngImagePlugin.PngInfo()
    for keyword, value in text.items():
        chunks.add_itxt(keyword, value)
    return chunks


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; a file written there takes its place."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        if temporary.exists():
            temporary.replace(path)
    except (OSError, ValueError) as error:
        raise ImageError(
            f"'{path}' cannot be written: {getattr(error, 'strerror', None) or error}. "
            "Name a file in a folder that exists, may be written to, and has space left."
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _upright(image: Image.Image) -> Image.Image:
    """Return a copy turned as EXIF says; damaged EXIF data say nothing."""
    try:
        turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # Pillow's parser raises many kinds of error
        turn = None
    return image.copy() if turn is None else image.transpose(turn)


def _check_sides(size: tuple[int, int], what_is: str, hint: str) -> None:
    if min(size) < MIN_SIDE:
        raise ImageError(
            f"{what_is} {size[0]}x{size[1]} pixels; both sides must have {MIN_SIDE} at least. "
            f"{hint}"
        )


def _in_eight_bits(image: Image.Image, name: str) -> Image.Image:
    """Return 16-bit grey as 8-bit grey; Pillow reads 16-bit colour as 8 bits already."""
    if image.mode == "F":
        raise ImageError(
            f"{name} has floating-point pixels, whose range it does not tell. "
            "Save it with 8 or 16 bits a channel."
        )
    if image.mode not in _SIXTEEN_BIT_GREY:
        return image
    levels = np.asarray(image)
    grey = Image.fromarray(np.rint(np.clip(levels / 257, 0, 255)).astype(np.uint8))
    transparent = image.info.get("transparency")
    if transparent is not None:
        grey.putalpha(Image.fromarray((levels != transparent).astype(np.uint8) * 255))
    grey.info["icc_profile"] = image.info.get("icc_profile")
    return grey


def _in_srgb(image: Image.Image) -> Image.Image:
    """Return the picture as RGB or RGBA, converted from the colour space that it names, if any."""
    mode = "RGBA" if image.has_transparency_data else "RGB"
    profile = image.info.get("icc_profile")
    if image.mode == "P" or "transparency" in image.info:
        # A profile is applied to colours, not to palettes or to a colour that means transparent.
        image = image.convert(mode if image.mode in ("P", "RGB") else "LA")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, _SRGB, outputMode=mode)
            return converted or image.convert(mode)
        except (ImageCms.PyCMSError, OSError):
            # A damaged or foreign profile: take the colours for sRGB, as browsers do.
            pass
    return image.convert(mode)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")
