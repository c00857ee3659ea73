"""What kind of file one is, by its first bytes, and what to do if it is not read here."""

import re
import struct
from typing import BinaryIO, NamedTuple


class Kind(NamedTuple):
    """A kind of file that is not read.

    Attributes
    ----------
    what : str
        What it is, after the words "the file is".
    advice : str
        What to do.
    """

    what: str
    advice: str


HEAD = 1024
"""First bytes of a file that tell its kind."""

_SAVE = "Save it as JPEG or PNG."
_EXPORT = "Export it as PNG, in the size that you want."
_DEVELOP = "Develop it first: save it as JPEG or TIFF with a raw converter."
_FRAME = "Save one of its frames as PNG."

HEIC = Kind(
    "HEIC, which is not read without a package",
    "Save it as JPEG or PNG, or install the package: pip install pillow-heif.",
)
"""The kind that Pillow reads with the package pillow-heif."""
_RAW = Kind("a camera's raw file, in which only a preview could be read", _DEVELOP)
_VIDEO = Kind("a video", _FRAME)

_KINDS: tuple[tuple[bytes, Kind], ...] = (
    (rb".{4}ftyp(hei[cxms]|hev[cmxs]|mif[12]|msf1)", HEIC),
    (rb".{4}ftypcrx", _RAW),
    (rb".{4}ftyp(?!avi[fs])", _VIDEO),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", Kind("JPEG XL", _SAVE)),
    (rb"8BPS", Kind("Photoshop's PSD", _SAVE)),
    (rb"gimp xcf", Kind("GIMP's XCF", _EXPORT)),
    (rb"%PDF", Kind("PDF", _EXPORT)),
    (rb"%!PS|\xc5\xd0\xd3\xc6", Kind("PostScript", _EXPORT)),
    (rb"(\xef\xbb\xbf)?\s*<(\?xml.*<|!--.*<)?(!DOCTYPE )?svg", Kind("SVG", _EXPORT)),
    (rb"\s*<(?i:!doctype html|html|head)", Kind("a web page", "Save the picture that is on it.")),
    (rb"\0\0[\x01\x02]\0[^\0]", Kind("an icon", _SAVE)),
    (rb"icns", Kind("an icon", _SAVE)),
    (rb"DDS ", Kind("DDS", _SAVE)),
    (rb"\x76\x2f\x31\x01", Kind("OpenEXR", _SAVE)),
    (rb"#\?R", Kind("Radiance HDR", _SAVE)),
    (rb"II\xbc", Kind("JPEG XR", _SAVE)),
    (rb"qoif", Kind("QOI", _SAVE)),
    (rb"SIMPLE  =", Kind("FITS", _SAVE)),
    (rb".{128}DICM", Kind("DICOM", _SAVE)),
    (rb"BPG\xfb", Kind("BPG", _SAVE)),
    (rb"AT&TFORM", Kind("DjVu", _EXPORT)),
    (rb"\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF", Kind("a Windows metafile", _EXPORT)),
    (rb"FUJIFILMCCD-RAW|IIU\0|IIR[OS]|MMOR|FOVb|\0MRM|II\x1a\0\0\0HEAPCCDR", _RAW),
    (rb"II\x2a\0\x10\0\0\0CR", _RAW),
    (rb"\x1a\x45\xdf\xa3|RIFF.{4}AVI |\0\0\x01[\xba\xb3]|FLV\x01|OggS", _VIDEO),
    (rb"PK\x03\x04|Rar!|7z\xbc\xaf|\x1f\x8b", Kind("an archive", "Take the picture out of it.")),
    (rb"version https://git-lfs", Kind("a pointer of Git LFS", "Fetch the file: git lfs pull.")),
)
"""First bytes of files that are not read, what they are, and what to do."""

_OF_RAW = {33421, 33422, 50706}  # a sensor's colour pattern, and DNG's release
_PHOTOMETRIC, _SENSOR, _LINEAR_SENSOR = 262, 32803, 34892
_SUBFILE, _REDUCED, _SUB_DIRECTORIES, _MAKE = 254, 1, 330, 271
"""Tags of TIFF, and values of such that tell of a sensor."""
_SHORT = 3
"""TIFF's type of numbers of 2 bytes."""


def unread_kind(file: BinaryIO) -> Kind | None:
    """Return the kind of a file if that is known and not read here; None for all others."""
    file.seek(0)
    head = file.read(HEAD)
    for pattern, kind in _KINDS:
        if re.match(pattern, head, re.DOTALL):
            return kind
    return _RAW if _is_camera_raw(_first_tags(file)) else None


def _is_camera_raw(tags: dict[int, int]) -> bool:
    """Tell whether a TIFF holds a sensor's values, beside a small picture for viewers."""
    preview = tags.get(_SUBFILE, 0) & _REDUCED and (_SUB_DIRECTORIES in tags or _MAKE in tags)
    sensor = tags.get(_PHOTOMETRIC) in (_SENSOR, _LINEAR_SENSOR)
    return bool(preview or sensor or tags.keys() & _OF_RAW)


def _first_tags(file: BinaryIO) -> dict[int, int]:
    """Return the tags of a TIFF's first picture, with their first number; none of other files."""
    file.seek(0)
    head = file.read(8)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(head[:4])
    if order is None or len(head) < 8:
        return {}
    file.seek(*struct.unpack(f"{order}4xI", head))
    (count,) = struct.unpack(f"{order}H", file.read(2).ljust(2, b"\0"))
    entries = file.read(12 * count)
    whole = entries[: len(entries) // 12 * 12]
    tags = {}
    for tag, kind, value in struct.iter_unpack(f"{order}HH4x4s", whole):
        (tags[tag],) = struct.unpack_from(order + ("H" if kind == _SHORT else "I"), value)
    return tags
