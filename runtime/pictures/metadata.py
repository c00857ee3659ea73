"""What a file tells of a photo beside its pixels, and what of that its picture may tell."""

from collections.abc import Collection
from io import BytesIO
from math import isfinite
from pathlib import Path
from typing import BinaryIO, NamedTuple

from stylize.runtime.files import tiff
from stylize.runtime.files.kinds import unread_kind
from stylize.runtime.files.opening import opened
from stylize.runtime.pictures.file_options import Keep
from stylize.runtime.pictures.reading import picture_file

Entries = dict[int, tiff.Entry]


class Metadata(NamedTuple):
    """What is told of a photo.

    Attributes
    ----------
    exif : Directory
        EXIF, as entries of TIFF, with the resolution.
    resolution : tuple of float, or None
        Pixels in an inch, across and down.
    """

    exif: tiff.Directory = tiff.NOTHING
    resolution: tuple[float, float] | None = None


_ACROSS, _DOWN, _UNIT = 282, 283, 296
_INCHES = 2
_INCHES_OF_UNIT: dict[float, float] = {2: 1.0, 3: 2.54}
"""Inches in which TIFF counts, times its centimetres."""

_SAFE = {271, 272, 306, 315, 33432}
"""Make, model, date, artist, copyright."""
_ALL = {*_SAFE, 269, 270, 305, 316, 18246, *range(40091, 40096)}
"""Name and caption, program, computer, stars, and what Windows calls title, comment and so on."""

_SAFE_OF_EXIF = {
    *(33434, 33437, 34850, 34855, 34864, 36864, 36867, 36868, 36880, 36881, 36882),
    *(37377, 37378, 37379, 37380, 37381, 37383, 37384, 37385, 37386, 37520, 37521, 37522),
    *(41986, 41987, 41988, 41989, 41990, 42034, 42035, 42036),
}
"""Exposure, date, focal length, lens, EXIF's release; neither serial numbers nor owners' names."""
_NOT_OF_EXIF = {37500, 40960, 40961, 40962, 40963, 40965}
"""The maker's notes, which break where they are moved and may hold thumbnails, and what is told of
the photo's own pixels."""

MOST, _FRAME = 2**14, 12
"""Most bytes that are kept of a directory, and what an entry takes of them beside its values. A
JPEG has room for 65,000 in all."""


def metadata_of(path: Path, keep: Keep) -> Metadata:
    """Return what is kept of what the file of a photo tells; damaged parts of it are left out.

    Raises
    ------
    ImageError
        The file is missing, or no picture.
    """
    if keep == "none":
        return Metadata()
    with picture_file(path) as file:
        if unread_kind(file) is None and tiff.directory(file):
            return _metadata(file, None, keep)
        with opened(file, f"'{path}'") as image:
            exif = bytes(image.info.get("exif") or b"").removeprefix(b"Exif\0\0")
            return _metadata(BytesIO(exif), image.info.get("dpi"), keep)


def _metadata(file: BinaryIO, told: object, keep: Keep) -> Metadata:
    """Return what is kept of EXIF, with the resolution that the file tells or EXIF does."""
    found = _sound(told) or _sound(_resolution(tiff.directory(file)))
    return Metadata({**_kept(file, keep), **(_entries(found) if found else {})}, found)


def _entries(resolution: tuple[float, float]) -> Entries:
    x, y = map(tiff.fraction, resolution)
    return {_ACROSS: x, _DOWN: y, _UNIT: tiff.shorts(_INCHES)}


def _kept(file: BinaryIO, keep: Keep) -> tiff.Directory:
    """Return what is kept of EXIF: the smallest entries of each directory, as many as fit."""
    main, below, place = (tiff.directory(file, tag) for tag in (None, tiff.EXIF, tiff.GPS))
    if keep == "safe":
        chosen = {None: _of(main, _SAFE), tiff.EXIF: _of(below, _SAFE_OF_EXIF)}
    else:
        others = below.keys() - _NOT_OF_EXIF
        chosen = {None: _of(main, _ALL), tiff.EXIF: _of(below, others), tiff.GPS: place}
    kept: dict[int, tiff.Entry | tiff.Directory] = {}
    for tag, entries in chosen.items():
        found = _fitting(entries)
        kept |= found if tag is None else {tag: found} if found else {}
    return kept


def _of(entries: Entries, tags: Collection[int]) -> Entries:
    return {tag: entry for tag, entry in entries.items() if tag in tags}


def _fitting(entries: Entries) -> Entries:
    found, room = {}, MOST
    for tag, entry in sorted(entries.items(), key=lambda each: len(each[1].data)):
        room -= len(entry.data) + _FRAME
        if room >= 0:
            found[tag] = entry
    return found


def _resolution(tags: Entries) -> object:
    """Return what TIFF or EXIF tells of the resolution, in pixels an inch."""
    unit = tags[_UNIT].numbers[:1] if _UNIT in tags else (2,)
    inches = _INCHES_OF_UNIT.get(unit[0]) if unit else None
    if not inches or not tags.keys() >= {_ACROSS, _DOWN}:
        return None
    return tuple(each * inches for tag in (_ACROSS, _DOWN) for each in tags[tag].numbers[:1])


def _sound(told: object) -> tuple[float, float] | None:
    """Return a resolution if it is one: files may say that it is 0, or infinite."""
    try:
        x, y = (float(each) for each in told)  # type: ignore[attr-defined]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (x, y) if all(isfinite(each) and 1 <= each <= 1e5 for each in (x, y)) else None
