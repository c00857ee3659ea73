"""Files of kinds that are not read are called by their names, with what to do."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from colours import COLOURS, colour_of, pixels
from crafted import LONG, SHORT, tiff
from PIL import Image

from stylize.models.errors import ImageError
from stylize.runtime.pictures.reading import load_image


def written(kind: str, mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.init()
    if kind not in Image.SAVE:
        pytest.skip(f"this Pillow does not write {kind}")
    Image.fromarray(COLOURS).convert(mode).save(buffer, kind)
    return buffer.getvalue()


def container(brand: bytes) -> bytes:
    """The head of a file of the family of MP4."""
    return struct.pack(">I", 24) + b"ftyp" + brand + bytes(4) + b"mif1" + bytes(2000)


HEADS = {
    "iphone.heic": (container(b"heic"), "is HEIC"),
    "sequence.heic": (container(b"msf1"), "is HEIC"),
    "canon.cr3": (container(b"crx "), "is a camera's raw file"),
    "film.mp4": (container(b"isom"), "is a video"),
    "film.mov": (container(b"qt  "), "is a video"),
    "film.mkv": (b"\x1a\x45\xdf\xa3" + bytes(2000), "is a video"),
    "film.avi": (b"RIFF\x10\x10\0\0AVI LIST", "is a video"),
    "a.jxl": (b"\xff\x0a" + bytes(100), "is JPEG XL"),
    "b.jxl": (b"\0\0\0\x0cJXL \r\n\x87\n", "is JPEG XL"),
    "a.psd": (b"8BPS\0\1" + bytes(100), "is Photoshop's PSD"),
    "a.xcf": (b"gimp xcf v011\0", "is GIMP's XCF"),
    "a.pdf": (b"%PDF-1.7\n", "is PDF"),
    "a.svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "is SVG"),
    "b.svg": (b'<?xml version="1.0"?>\n<!-- a comment -->\n<svg width="1"/>', "is SVG"),
    "photo.html": (b"\n<!DOCTYPE html><html>", "is a web page"),
    "a.exr": (b"\x76\x2f\x31\x01" + bytes(100), "is OpenEXR"),
    "a.hdr": (b"#?RADIANCE\n", "is Radiance HDR"),
    "a.dcm": (bytes(128) + b"DICM", "is DICOM"),
    "a.icns": (b"icns" + bytes(100), "is an icon"),
    "a.raf": (b"FUJIFILMCCD-RAW 0201", "is a camera's raw file"),
    "a.rw2": (b"IIU\0" + bytes(100), "is a camera's raw file"),
    "a.orf": (b"IIRO" + bytes(100), "is a camera's raw file"),
    "a.cr2": (b"II*\0\x10\0\0\0CR\2\0" + bytes(100), "is a camera's raw file"),
    "a.zip": (b"PK\3\4" + bytes(100), "is an archive"),
    "lfs.jpg": (b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS"),
}
WRITTEN = {
    "a.eps": ("EPS", "is PostScript"),
    "b.pdf": ("PDF", "is PDF"),
    "a.ico": ("ICO", "is an icon"),
    "a.dds": ("DDS", "is DDS"),
    "a.qoi": ("QOI", "is QOI"),
}


@pytest.mark.parametrize("name", HEADS)
def test_a_file_is_known_by_its_first_bytes(tmp_path: Path, name: str) -> None:
    data, expected = HEADS[name]
    (tmp_path / "photo.jpg").write_bytes(data)
    assert_told(tmp_path / "photo.jpg", expected)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_picture_that_pillow_could_read_is_known_too(tmp_path: Path, name: str) -> None:
    kind, expected = WRITTEN[name]
    (tmp_path / "photo.jpg").write_bytes(written(kind))
    assert_told(tmp_path / "photo.jpg", expected)


def assert_told(path: Path, expected: str) -> None:
    with pytest.raises(ImageError) as found:
        load_image(path)
    what, advice = str(found.value).split(". ", 1)
    assert what.startswith(f"'{path}' {expected}")
    assert advice.endswith(".")


@pytest.mark.parametrize("kind", ["SGI", "TGA", "PCX", "SPIDER"])
def test_other_kinds_cannot_be_read(tmp_path: Path, kind: str) -> None:
    mode = "F" if kind == "SPIDER" else "RGB"
    (tmp_path / "photo.jpg").write_bytes(written(kind, mode))
    with pytest.raises(ImageError, match=r"cannot be read: .*\. stylize reads whole JPEG"):
        load_image(tmp_path / "photo.jpg")


RAW = {
    "DNG": {50706: (LONG, 0x01040000)},
    "NEF, ARW": {254: (LONG, 1), 271: (LONG, 0)},
    "a preview with others below": {254: (LONG, 1), 330: (LONG, 8)},
    "a colour pattern": {33421: (LONG, 0x00020002)},
    "a sensor's values": {262: (SHORT, 32803)},
}


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", RAW)
def test_the_preview_in_a_raw_file_is_not_taken_for_the_photo(kind: str, order: str) -> None:
    with pytest.raises(ImageError, match=r"a camera's raw file.*Develop it first"):
        load_image(tiff(COLOURS, order, RAW[kind]))


@pytest.mark.parametrize("order", "<>")
def test_a_tiff_of_a_camera_is_no_raw_file(order: str) -> None:
    found = load_image(tiff(COLOURS, order, {254: (LONG, 0), 330: (LONG, 8)}))
    assert np.array_equal(pixels(found), COLOURS)


def test_heic_is_read_with_its_package(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    path = tmp_path / "photo.heic"
    heif.from_pillow(Image.new("RGB", (64, 48), (200, 100, 50))).save(path, quality=95)
    assert path.read_bytes()[4:12] == b"ftypheic"
    found = colour_of(path)
    assert max(abs(part - whole) for part, whole in zip(found, (200, 100, 50), strict=True)) <= 4
