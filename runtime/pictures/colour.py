"""From whatever a picture's pixels mean to upright 8-bit sRGB without transparency."""

from io import BytesIO

import numpy as np
from PIL import ExifTags, Image, ImageCms

from stylize.models.errors import ImageError
from stylize.runtime.pictures.sizes import check_sides

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

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))

_SIXTEEN_BIT_GREY = ("I;16", "I;16B", "I;16L", "I;16N", "I")


def normalise(image: Image.Image, name: str = "The picture") -> Image.Image:
    """Return a Pillow image as 8-bit sRGB, upright, transparent parts blended on white.

    Raises
    ------
    ImageError
        It is too small, or has floating-point pixels.
    """
    check_sides(image.size, f"{name} is", "Use a larger picture.")
    return _on_white(_in_srgb(_in_eight_bits(_upright(image), name)))


def _upright(image: Image.Image) -> Image.Image:
    """Return a copy turned as EXIF says; damaged EXIF data are ignored."""
    try:
        turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # Pillow's parser raises many kinds of error
        turn = None
    return image.copy() if turn is None else image.transpose(turn)


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
    if profile and image.mode == "LA":
        # Applied to grey with alpha, a grey profile makes everything white.
        grey, alpha = image.split()
        grey.info["icc_profile"] = profile
        colours = _in_srgb(grey)
        colours.putalpha(alpha)
        return colours
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, SRGB, outputMode=mode)
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
