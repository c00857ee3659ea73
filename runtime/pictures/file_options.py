"""How pictures are read and written: what can be chosen of files."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stylize.models.errors import OptionError
from stylize.models.settings import check, require, setting

Keep = Literal["none", "safe", "all"]

FILES = "Files"
"""Heading of the settings on help pages."""

SRGB_PROFILE, PHOTOS_PROFILE = "srgb", "keep"
"""What --profile may be beside a file."""

BITS = (8, 16)


def parse_range(text: str) -> tuple[float, float]:
    """Return the values of black and white, as ``0,1`` says them.

    Raises
    ------
    OptionError
        They are not two numbers.
    """
    number = r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})?)\s*"
    match = re.fullmatch(f"{number},{number}", text)
    if not match:
        raise OptionError(
            f"--float-range is '{text}'; write the values of black and white with a comma: 0,1."
        )
    return float(match[1]), float(match[2])


@dataclass(frozen=True)
class FileOptions:
    """How pictures are read and written.

    Attributes
    ----------
    bits : int
        Bits of each channel of the result, 8 or 16. They are those of the iteration's floats.
    profile : str
        The colour space in which pictures are painted and saved: ``srgb``; ``keep``, that of the
        photo; or the file of an ICC profile.
    float_range : tuple of float, or None
        The values of black and white in pictures of floating-point pixels; None for what their
        files tell.
    keep_metadata : {"none", "safe", "all"}
        What the result tells of the photo: nothing; its resolution, date, camera, exposure, artist
        and copyright; or all of its EXIF, the place, too. Thumbnails are never kept.
    quality : int
        That of a JPEG or WebP.
    """

    bits: int = setting(
        8,
        "Bits of each channel: 8, or 16 for .png and .tiff, which leave room for later edits.",
        panel=FILES,
        metavar="8|16",
        called="number of bits",
    )
    profile: str = setting(
        SRGB_PROFILE,
        "Colour space of the picture: srgb; keep, the photo's, with colours that sRGB lacks; or "
        "the file of an ICC profile.",
        panel=FILES,
        metavar="srgb|keep|FILE.icc",
        suggested=lambda: (SRGB_PROFILE, PHOTOS_PROFILE),
    )
    float_range: tuple[float, float] | None = setting(
        None,
        "Which values are black and white in a TIFF of floating-point pixels: 0,1.",
        panel=FILES,
        metavar="BLACK,WHITE",
        parse=parse_range,
        shown="what the file tells",
        called="range of floating-point pixels",
    )
    keep_metadata: Keep = setting(
        "safe",
        "What to keep of the photo's EXIF: none; safe, which is resolution, date, camera, exposure "
        "and copyright; or all, the place (GPS), too.",
        panel=FILES,
        called="choice of metadata",
    )
    quality: int = setting(
        95,
        "Quality of a .jpg or .webp, from 1 to 100.",
        panel=FILES,
        metavar="1-100",
        least=1,
        most=100,
    )

    def __post_init__(self) -> None:
        check(self)
        require(self.bits in BITS, "number of bits", self.bits, "8 or 16")
        if self.float_range:
            low, high = self.float_range
            require(low < high, "value of white", f"{high:g}", f"more than that of black, {low:g}")
        require(bool(self.profile), "profile", "''", "srgb, keep, or a file")

    @property
    def profile_file(self) -> Path | None:
        """The file of the profile, if that is in one."""
        known = self.profile in (SRGB_PROFILE, PHOTOS_PROFILE)
        return None if known else Path(self.profile)


USUAL_FILES = FileOptions()
