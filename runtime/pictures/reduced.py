"""A picture as a screen shows it, small enough to be made while a large one is painted."""

from dataclasses import replace

from PIL import Image

from stylize.runtime.pictures.colour import as_srgb, on_white
from stylize.runtime.pictures.shown import BAND, Shown


def on_screen(shown: Shown, most: int) -> Image.Image:
    """Return a picture as 8-bit RGB in sRGB, on white where it is transparent.

    Parameters
    ----------
    shown : Shown
        The picture, of any size: only a few rows of it are converted at a time.
    most : int
        Pixels that a side has at most. A larger picture is reduced to a whole part of its size.
    """
    width, height = shown.size
    part = -(-max(shown.size) // most)
    rows = max(1, BAND // (width * part)) * part
    image = Image.new("RGB", (-(-width // part), -(-height // part)))
    for top in range(0, height, rows):
        band = on_white(as_srgb(_rows(shown, top, min(top + rows, height)).image()))
        image.paste(band.reduce(part), (0, top // part))
    return image


def _rows(shown: Shown, top: int, bottom: int) -> Shown:
    box = 0, top, shown.size[0], bottom
    return replace(
        shown,
        pixels=shown.pixels[:, :, top:bottom],
        alpha=shown.alpha and shown.alpha.crop(box),
        colours=shown.colours and shown.colours.crop(box),
    )
