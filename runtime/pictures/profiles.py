"""Which colour space a picture gets: sRGB, the photo's, or that of a profile in a file."""

from pathlib import Path
from typing import NamedTuple

from stylize.models.errors import OptionError
from stylize.runtime.files import floats
from stylize.runtime.files.icc import MAX_BYTES, ProfileError
from stylize.runtime.files.kinds import unread_kind
from stylize.runtime.files.opening import opened
from stylize.runtime.pictures.file_options import PHOTOS_PROFILE, FileOptions
from stylize.runtime.pictures.reading import picture_file
from stylize.runtime.pictures.spaces import SRGB, Space, space_of


class Chosen(NamedTuple):
    """A colour space that was chosen.

    Attributes
    ----------
    space : Space
        The colour space.
    remark : str
        Why it is another than the user may expect; nothing if it is not.
    """

    space: Space
    remark: str = ""


def choose_space(files: FileOptions, photo: Path | None) -> Chosen:
    """Return the colour space that a picture is to have.

    Parameters
    ----------
    files : FileOptions
        They name it.
    photo : Path or None
        The picture whose profile may be kept.

    Raises
    ------
    ImageError
        The photo cannot be read.
    OptionError
        The file of the profile cannot be read, or is of no use for a picture.
    """
    if path := files.profile_file:
        return Chosen(_of_file(path))
    profile = embedded_profile(photo) if photo and files.profile == PHOTOS_PROFILE else None
    if not profile:
        return Chosen(SRGB)
    try:
        return Chosen(space_of(profile))
    except ProfileError as error:
        return Chosen(
            SRGB, f"The profile of '{photo}' is {error}, so the picture is in sRGB instead."
        )


def embedded_profile(path: Path) -> bytes | None:
    """Return the ICC profile in the file of a picture, if there is one.

    Raises
    ------
    ImageError
        The file is missing, or no picture.
    """
    with picture_file(path) as file:
        head = None if unread_kind(file) else floats.header(file)
        if head:
            return head.profile
        with opened(file, f"'{path}'") as image:
            return image.info.get("icc_profile") or None


def _of_file(path: Path) -> Space:
    wanted = "Name one of RGB with primaries, such as Display P3, Adobe RGB or ProPhoto RGB."
    try:
        with path.open("rb") as file:
            return space_of(file.read(MAX_BYTES))
    except ProfileError as error:
        raise OptionError(f"The profile '{path}' is {error}. {wanted}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OptionError(f"The profile '{path}' cannot be read: {reason}. {wanted}") from error
