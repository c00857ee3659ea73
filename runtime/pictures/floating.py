"""Pictures of floating-point pixels: which of their values are black and white, and 8 bits."""

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

from stylize.models.errors import ImageError
from stylize.runtime.files.floats import Header
from stylize.runtime.files.icc import ProfileError
from stylize.runtime.pictures.spaces import space_of

Array = npt.NDArray[np.float32]

Range = tuple[float, float]
"""The values of black and white."""


def to_eight_bits(numbers: Array, head: Header, told: Range | None, name: str) -> Image.Image:
    """Return floating-point pixels with 8 bits, as if a file had been so with its profile.

    The profile's curve becomes sRGB's first: of linear light, dark parts would keep few levels.

    Parameters
    ----------
    numbers : float32 array, shape (height, width, samples)
        As they are stored; what is beyond the range is clipped to it.
    head : Header
        What the file tells of them.
    told : tuple of float, or None
        The range that the user tells, who wins over the file.
    name : str
        How messages call the picture.

    Raises
    ------
    ImageError
        Nobody tells the range.
    """
    low, high = told or head.range or _untold(numbers, name)
    parts = np.nan_to_num((numbers - low) / (high - low)).clip(0, 1)
    colours, alpha = np.split(parts, [3 if head.samples > 2 else 1], axis=2)
    profile = head.profile
    try:
        if profile:
            space = space_of(profile)
            colours, profile = space.decoded(colours), space.painted.tobytes()
    except (ProfileError, IndexError):  # of grey, or of tables: LittleCMS has it as it is
        pass
    levels = np.rint(np.concatenate([colours, alpha], axis=2) * 255).astype(np.uint8)
    image = Image.fromarray(levels.squeeze(2) if levels.shape[2] == 1 else levels)
    image.info["icc_profile"] = profile
    image.getexif()[ExifTags.Base.Orientation] = head.orientation
    return image


def _untold(numbers: Array, name: str) -> Range:
    found = numbers[np.isfinite(numbers)]
    low, high = (found.min(), found.max()) if found.size else (0, 0)
    raise ImageError(
        f"{name} has floating-point pixels from {low:g} to {high:g}, and does not tell which "
        "values are black and white. Say so to 'stylize run': --float-range 0,1"
    )
