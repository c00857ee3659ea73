"""Pictures brought to a size, and the size that they then have."""

from PIL import Image, ImageOps

from stylize.models.errors import ImageError
from stylize.runtime.pictures.colour import as_srgb
from stylize.runtime.pictures.limits import MIN_SIDE, Side


def scale_to(image: Image.Image, pixels: int, side: Side = "long") -> Image.Image:
    """Return the picture with one side so many pixels long, in its own proportions.

    Parameters
    ----------
    image : PIL image
        Of any mode. What is returned is 8-bit sRGB and upright: RGBA if a part of it is
        transparent, else RGB.
    pixels : int
        Pixels of that side.
    side : "long" or "short"
        Which side.

    Raises
    ------
    ImageError
        The other side would be too short, or the picture is no Pillow image, damaged, or of a kind
        that cannot be shown.
    """
    image = as_srgb(image)
    size = scaled_size(image.size, pixels, side)
    return image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)


def scaled_size(
    size: tuple[int, int],
    pixels: int,
    side: Side = "long",
    hint: str = "Use a larger --size.",
    least: int = MIN_SIDE,
) -> tuple[int, int]:
    """Return width and height so scaled that one side is so many pixels long.

    Raises
    ------
    ImageError
        A side would be shorter than `least`; the message ends with `hint`.
    """
    length = max(size) if side == "long" else min(size)
    width, height = (round(each * pixels / length) for each in size)
    scaled = f"At size {pixels}, a picture of {size[0]}x{size[1]} is"
    check_sides((width, height), scaled, hint, least)
    return width, height


def cover(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the picture in (width, height): scaled in its own proportions, the rest cut off."""
    if image.size == size:
        return image
    return ImageOps.fit(image, size, Image.Resampling.LANCZOS)


def check_sides(size: tuple[int, int], what_is: str, hint: str, least: int = MIN_SIDE) -> None:
    """Raise ImageError if a side is too short; `what_is` begins the message, `hint` ends it."""
    if min(size) < least:
        raise ImageError(
            f"{what_is} {size[0]}x{size[1]} pixels; both sides must have {least} at least. {hint}"
        )
