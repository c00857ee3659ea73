"""PNG files with texts and profiles of any length are read, and what they tell is found."""

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from colours import COLOURS, ROUNDING, SRGB, UPRIGHT, pixels
from crafted import png_chunk, with_red_and_green_swapped
from PIL import Image, PngImagePlugin

from stylize.models.errors import ImageError
from stylize.runtime.files import png
from stylize.runtime.pictures.reading import load_image, open_picture, read_chunk

LYING = UPRIGHT.transpose(Image.Transpose.ROTATE_90)
MANY = 3 * 2**20
"""Bytes of a text that Pillow would refuse."""


def plain_png(image: Image.Image | None = None, **options: object) -> bytes:
    buffer = io.BytesIO()
    (image or Image.fromarray(COLOURS)).save(buffer, "PNG", **options)
    return buffer.getvalue()


def with_chunks(data: bytes, *chunks: bytes, at_end: bool = False) -> bytes:
    """A PNG with more chunks: after its header, or before its end."""
    at = len(data) - 12 if at_end else 33
    return data[:at] + b"".join(chunks) + data[at:]


LONG = {
    "tEXt": png_chunk(b"tEXt", b"workflow\0" + b"x" * MANY),
    "zTXt": png_chunk(b"zTXt", b"workflow\0\0" + zlib.compress(b"x" * MANY)),
    "iTXt": png_chunk(b"iTXt", b"workflow\0\1\0en\0\0" + zlib.compress(b"x" * MANY)),
    "a hundred": b"".join(
        png_chunk(b"zTXt", b"%d\0\0" % n + zlib.compress(b"x" * 2**20)) for n in range(100)
    ),
    "a bomb": png_chunk(b"zTXt", b"workflow\0\0" + zlib.compress(bytes(2**28), 9)),
}


@pytest.mark.parametrize("at_end", [False, True], ids=["before the pixels", "after them"])
@pytest.mark.parametrize("kind", LONG)
def test_long_texts_are_no_obstacle(kind: str, at_end: bool) -> None:
    data = with_chunks(plain_png(), LONG[kind], at_end=at_end)
    assert np.array_equal(pixels(load_image(data)), COLOURS)


def test_many_texts_between_other_chunks_take_no_time_to_speak_of() -> None:
    pairs = (png_chunk(b"tEXt", b"key\0") + png_chunk(b"prVt", b"")) * 5_000
    assert np.array_equal(pixels(load_image(with_chunks(plain_png(), pairs))), COLOURS)


@pytest.mark.parametrize("keyword", [b"Raw profile type exif", b"XML:com.adobe.xmp"])
def test_bombs_that_seem_to_tell_the_orientation_are_hardly_unpacked(
    monkeypatch: pytest.MonkeyPatch, keyword: bytes
) -> None:
    unpack, unpacked = png._unpacked, []

    def counting(data: bytes, most: int | None = None) -> bytes:
        unpacked.append(len(found := unpack(data, most)))
        return found

    monkeypatch.setattr(png, "_unpacked", counting)
    bomb = zlib.compress(bytes(2**22), 9)
    name, before = (b"iTXt", b"\0\1\0\0\0") if b"XML" in keyword else (b"zTXt", b"\0\0")
    data = with_chunks(plain_png(), 20 * png_chunk(name, keyword + before + bomb))
    assert np.array_equal(pixels(load_image(data)), COLOURS)
    openings, chunks = 2, 8
    assert unpacked == openings * chunks * [2**20]


def test_pillow_would_refuse_them() -> None:
    with pytest.raises(ValueError, match=r"(?i)too large"):
        Image.open(io.BytesIO(with_chunks(plain_png(), LONG["zTXt"]))).load()


@pytest.mark.parametrize("length", [0, 2 * 2**20])
def test_a_profile_of_any_length_is_applied(length: int) -> None:
    profile = with_red_and_green_swapped(SRGB) + bytes(length)
    data = plain_png(icc_profile=profile)
    assert np.abs(pixels(load_image(data)) - COLOURS[..., [1, 0, 2]]).max() <= ROUNDING


@pytest.mark.parametrize(
    "body", [b"", b"name", b"name\0\0", b"name\0\0garbage", b"name\0\7" + zlib.compress(SRGB)]
)
def test_a_damaged_profile_is_ignored(body: bytes) -> None:
    found = pixels(load_image(with_chunks(plain_png(), png_chunk(b"iCCP", body))))
    assert np.abs(found - COLOURS).max() <= ROUNDING


def test_a_damaged_text_is_ignored() -> None:
    damaged = bytearray(png_chunk(b"tEXt", b"key\0value"))
    damaged[-1] ^= 1  # of the checksum
    data = with_chunks(plain_png(), bytes(damaged), png_chunk(b"zTXt", b"key\0\0garbage"))
    assert np.array_equal(pixels(load_image(data)), COLOURS)


def orienting() -> dict[str, bytes]:
    """A chunk of each kind that tells the orientation."""
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = exif.tobytes()
    raw = f"\nexif\n{len(stored)}\n{stored.hex()}\n".encode()
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    return {
        "eXIf": png_chunk(b"eXIf", stored.removeprefix(b"Exif\0\0")),
        "EXIF in a text": png_chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw)),
        "XMP in a text": png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp),
    }


@pytest.mark.parametrize("at_end", [False, True], ids=["before the pixels", "after them"])
@pytest.mark.parametrize("kind", orienting())
class TestOrientation:
    def test_is_found_before_the_pixels_are_read(self, kind: str, at_end: bool) -> None:
        data = with_chunks(plain_png(LYING), orienting()[kind], at_end=at_end)
        picture = open_picture(data)
        assert picture.size == UPRIGHT.size
        assert np.array_equal(pixels(picture.scaled(picture.size)), pixels(UPRIGHT))

    def test_is_ignored_in_a_damaged_chunk(self, kind: str, at_end: bool) -> None:
        damaged = bytearray(orienting()[kind])
        damaged[-1] ^= 1  # of the checksum
        picture = open_picture(with_chunks(plain_png(LYING), bytes(damaged), at_end=at_end))
        assert picture.size == LYING.size
        assert np.array_equal(pixels(picture.scaled(picture.size)), pixels(LYING))


@pytest.mark.parametrize("kind", orienting())
def test_what_comes_after_the_end_is_no_part_of_a_picture(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(plain_png(LYING) + orienting()[kind] + png_chunk(b"tEXt", b"key\0value"))
    assert open_picture(path).size == LYING.size
    assert read_chunk(path, "key") is None


@pytest.mark.parametrize(
    "chunk",
    [
        png_chunk(b"tEXt", b"key\0caf\xe9"),
        png_chunk(b"zTXt", b"key\0\0" + zlib.compress(b"caf\xe9")),
        png_chunk(b"iTXt", "key\0\0\0en\0Schl\xfcssel\0café".encode()),
        png_chunk(b"iTXt", "key\0\1\0en\0Schl\xfcssel\0".encode() + zlib.compress("café".encode())),
    ],
    ids=["tEXt", "zTXt", "iTXt", "packed iTXt"],
)
@pytest.mark.parametrize("at_end", [False, True], ids=["before the pixels", "after them"])
def test_a_text_is_found_by_its_keyword(tmp_path: Path, chunk: bytes, at_end: bool) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(with_chunks(plain_png(), LONG["zTXt"], chunk, at_end=at_end))
    assert read_chunk(path, "key") == "café"
    assert read_chunk(path, "another") is None


def test_a_text_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png, "MAX_UNPACKED", 1000)
    path = tmp_path / "a.png"
    path.write_bytes(with_chunks(plain_png(), LONG["zTXt"]))
    assert read_chunk(path, "workflow") == "x" * 1000


def test_pixels_are_not_read_for_a_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise AssertionError("the pixels are not needed")

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", fail)
    path = tmp_path / "a.png"
    path.write_bytes(with_chunks(plain_png(), png_chunk(b"tEXt", b"key\0value")))
    assert read_chunk(path, "key") == "value"


def test_what_is_no_png_has_no_texts(tmp_path: Path) -> None:
    Image.fromarray(COLOURS).save(tmp_path / "a.jpg")
    assert read_chunk(tmp_path / "a.jpg", "key") is None
    (tmp_path / "b.png").write_text("This is no picture.")
    with pytest.raises(ImageError, match="cannot be read"):
        read_chunk(tmp_path / "b.png", "key")
