"""Pictures that were uploaded, looked at by the runtime's own reading: what they are, how large."""

import re
from collections.abc import Sequence
from pathlib import Path
from unicodedata import normalize

from stylize.models.errors import ImageError
from stylize.runtime.files.opening import opened
from stylize.runtime.pictures.reading import has_floats, open_picture, picture_file
from stylize.studio.errors import RefusedError
from stylize.studio.gallery import Upload
from stylize.studio.uploads import Form

MOST_PAINTINGS = 8
ALLOWED = {"photo": 1, "painting": MOST_PAINTINGS}
"""Files of a job."""

TYPES = {
    "JPEG": ("jpg", "image/jpeg"),
    "MPO": ("jpg", "image/jpeg"),
    "PNG": ("png", "image/png"),
    "WEBP": ("webp", "image/webp"),
    "TIFF": ("tiff", "image/tiff"),
    "AVIF": ("avif", "image/avif"),
    "BMP": ("bmp", "image/bmp"),
    "GIF": ("gif", "image/gif"),
    "JPEG2000": ("jp2", "image/jp2"),
    "PPM": ("ppm", "image/x-portable-anymap"),
    "HEIF": ("heic", "image/heic"),
}
"""How a file is called, and what it is served as, by what Pillow calls its kind."""

LONGEST_NAME = 100


def take(form: Form, most_pixels: int) -> tuple[Upload, list[Upload]]:
    """Look at the photo and the paintings of a form, and give their files names of their own.

    Raises
    ------
    RefusedError, ImageError
        One is missing, or is no picture that is taken here.
    """
    photos = [each for each in form.files if each[0] == "photo"]
    paintings = [each for each in form.files if each[0] == "painting"]
    if not photos or not paintings:
        missing = "photo" if not photos else "painting"
        raise RefusedError(
            f"The job has no {missing}. Send it as a file, in the field '{missing}'."
        )
    (_, name, path), *_ = photos
    photo = _taken(path, name, "photo", most_pixels)
    return photo, _all_taken(paintings, most_pixels)


def _all_taken(files: Sequence[tuple[str, str, Path]], most_pixels: int) -> list[Upload]:
    return [
        _taken(path, name, f"painting-{number}", most_pixels)
        for number, (_, name, path) in enumerate(files, 1)
    ]


def _taken(path: Path, given: str, stem: str, most_pixels: int) -> Upload:
    name = shown_name(given, stem)
    try:
        width, height = open_picture(path).size
        ending, mime = _kind(path)
    except ImageError as error:
        raise ImageError(str(error).replace(f"'{path}'", f"'{name}'")) from error
    if width * height > most_pixels:
        raise RefusedError(
            f"'{name}' has {width}x{height} pixels, and at most {most_pixels / 1e6:.0f} million "
            "are taken here. Scale it down.",
            413,
        )
    file = f"{stem}.{ending}"
    path.rename(path.with_name(file))
    return Upload(name, file, mime, width, height)


def _kind(path: Path) -> tuple[str, str]:
    """Return how a file is to be called, and what it is served as."""
    if has_floats(path):  # which Pillow need not know
        return TYPES["TIFF"]
    with picture_file(path) as file, opened(file, f"'{path}'") as image:
        return TYPES[image.format or ""]


def shown_name(given: str, otherwise: str) -> str:
    """Return the last part of a file's name as it can be shown; it is never used as a path."""
    last = re.split(r"[/\\]", normalize("NFC", given))[-1]
    shown = "".join(char for char in last if char.isprintable()).strip()
    return shown[:LONGEST_NAME] or otherwise


def download_name(photo: str, paintings: Sequence[str]) -> str:
    """Return a name for a picture: letters and digits of the names that it is made of."""
    stems = (re.sub(r"\.[^.]*$", "", name) for name in (photo, *paintings))
    words = [re.sub(r"[^\w-]+", "-", stem).strip("-")[:30] for stem in stems]
    return f"{'-'.join(filter(None, words))[:100] or 'picture'}.png"
