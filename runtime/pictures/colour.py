"""From whatever a picture's pixels mean to upright 8-bit RGB, in sRGB or another space."""

from io import BytesIO
from typing import NamedTuple

from PIL import ExifTags, Image, ImageCms

from stylize.models.errors import ImageError
from stylize.runtime.files.opening import loading
from stylize.runtime.pictures.depth import (
    DEEP_MODES,
    check_deep_colour,
    clear_colour,
    in_eight_bits,
    is_deep_colour,
    scale_told,
)
from stylize.runtime.pictures.spaces import SRGB, Space

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The turn that makes a picture upright, by the value of EXIF's orientation."""

_WIDTH, _HEIGHT = 256, 257
"""Tags of TIFF."""

_LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))

_EXACT, _FAST = ImageCms.Flags.NOOPTIMIZE, ImageCms.Flags.NONE

_PLAIN = {
    "1": "L",
    "La": "LA",
    "PA": "RGBA",
    "RGBa": "RGBA",
    "RGBX": "RGB",
    "YCbCr": "RGB",
    "HSV": "RGB",
}
"""The mode that says the same as another, and which colour profiles are meant for."""


class Conversion(NamedTuple):
    """How pictures are read.

    Attributes
    ----------
    space : Space
        The colour space that their colours are brought to.
    range : tuple of float, or None
        The values of black and white in files of floats, if they are not what these tell.
    """

    space: Space = SRGB
    range: tuple[float, float] | None = None


TO_SRGB = Conversion()


def normalise(
    image: Image.Image, name: str = "The picture", spent: bool = False, space: Space = SRGB
) -> Image.Image:
    """Return a picture as upright 8-bit RGB, or RGBA if a part of it is transparent.

    Parameters
    ----------
    image : PIL image
        Of any mode.
    name : str
        How messages call it.
    spent : bool
        Whether it is not needed any more, so that its memory is freed as soon as may be.
    space : Space
        The colour space of what is returned.

    Raises
    ------
    ImageError
        Its pixels are of a kind that cannot be shown.
    """
    # Pillow forgets how pixels were stored when it has loaded them.
    scale, deep_colour, clear = scale_told(image), is_deep_colour(image), clear_colour(image)
    image.load()
    if deep_colour:
        check_deep_colour(image, name)
    upright = _upright(image)
    if clear is not None:
        upright.info["transparency"] = clear
    if spent:
        image.close()
    if upright.mode in DEEP_MODES:
        upright = in_eight_bits(upright, scale, name)
    found = _in_space(_plain(upright, name), space)
    found.info = {}  # such as the profile and the orientation, which hold no more
    return found


def as_srgb(image: Image.Image) -> Image.Image:
    """Return a caller's image as `normalise` does, but itself if that is what it is.

    Raises
    ------
    ImageError
        It is no Pillow image, damaged, or its pixels are of a kind that cannot be shown.
    """
    if not isinstance(image, Image.Image):
        raise ImageError(
            f"A {type(image).__name__} is no Pillow image. Make one of it: "
            "stylize.runtime.load_image(...)."
        )
    with loading(image, "The picture"):
        if type(image) is Image.Image and image.mode == "RGB" and not image.info:
            image.load()  # which raises an error if it is closed
            return image
        return normalise(image)


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Return the width and height that a picture has once it is upright."""
    tags = getattr(image, "tag_v2", {})  # Pillow turns a TIFF itself, but not before it is loaded
    size = tags.get(_WIDTH, image.width), tags.get(_HEIGHT, image.height)
    return size[::-1] if _orientation(image) in (5, 6, 7, 8) else size


def on_white(image: Image.Image) -> Image.Image:
    """Return an RGB or RGBA picture as RGB, transparent parts blended on white."""
    if image.mode == "RGB":
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def _upright(image: Image.Image) -> Image.Image:
    """Return a copy turned as EXIF says."""
    turn = _TURNS.get(_orientation(image))
    return image.copy() if turn is None else image.transpose(turn)


def _orientation(image: Image.Image) -> int:
    """Return EXIF's orientation; damaged EXIF data are ignored."""
    try:
        # What a PNG has of its own reads all pixels.
        return int(Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1))
    except Exception:  # Pillow's parser raises many kinds of error
        return 1


def _plain(image: Image.Image, name: str) -> Image.Image:
    """Return the picture as L, LA, RGB, RGBA, CMYK or LAB."""
    profile = image.info.get("icc_profile")
    mode = _PLAIN.get(image.mode, image.mode)
    if image.mode == "P":
        mode = "RGBA" if image.has_transparency_data else "RGB"
    elif "transparency" in image.info and mode in ("L", "RGB"):
        mode += "A"
    if mode not in ("L", "LA", "RGB", "RGBA", "CMYK", "LAB"):
        what = f"pixels of mode {mode}, which is not known here"
        if mode == "F":
            what = "floating-point pixels, whose range it does not tell"
        raise ImageError(f"{name} has {what}. Save it with 8 or 16 bits a channel.")
    if mode != image.mode:
        image = image.convert(mode)
        image.info["icc_profile"] = profile
    return image


def _in_space(image: Image.Image, space: Space) -> Image.Image:
    """Return the picture as RGB or RGBA, converted from the colour space that it names, if any."""
    if image.mode not in ("LA", "RGBA"):
        return _colours_in(space, image)
    # A profile is applied to colours alone. Applied to grey with alpha, it makes everything white.
    colours = _colours_in(space, image.convert(image.mode[:-1]))
    alpha = image.getchannel("A")
    if alpha.getextrema() != (255, 255):
        colours.putalpha(alpha)
    return colours


def _colours_in(space: Space, image: Image.Image) -> Image.Image:
    """Return an L, RGB, CMYK or LAB picture as RGB, which may be the same picture, changed."""
    profile = _LAB if image.mode == "LAB" else image.info.get("icc_profile")
    try:
        if profile:
            return _converted(image, profile, space)
    except (ImageCms.PyCMSError, OSError):
        # A damaged or foreign profile: take the colours for sRGB, as browsers do.
        pass
    plain = image if image.mode == "RGB" else image.convert("RGB")
    return plain if space is SRGB else _converted(plain, SRGB.painted, space)


def _converted(
    image: Image.Image, profile: bytes | ImageCms.ImageCmsProfile, space: Space
) -> Image.Image:
    """Return the picture in RGB, by LittleCMS; one in RGB is changed itself."""
    source = ImageCms.ImageCmsProfile(BytesIO(profile)) if isinstance(profile, bytes) else profile
    # Optimised, dark greys would be off by up to 10 levels.
    flags = _EXACT if image.mode == "L" else _FAST
    in_place = image.mode == "RGB"
    converted = ImageCms.profileToProfile(
        image, source, space.painted, outputMode="RGB", inPlace=in_place, flags=flags
    )
    return converted or image
