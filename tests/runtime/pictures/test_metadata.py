"""Of a photo's EXIF, the date and the camera are kept, and what is private is not."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from mutations import mutants
from PIL import Image

from stylize.models.errors import ImageError
from stylize.runtime.files import tiff
from stylize.runtime.files.deep import exif_bytes
from stylize.runtime.pictures.arrays import to_array
from stylize.runtime.pictures.file_options import FileOptions, Keep
from stylize.runtime.pictures.metadata import MOST, Metadata, metadata_of
from stylize.runtime.pictures.saving import FORMATS, Manner, save_image
from stylize.runtime.pictures.shown import Shown

NAME = "Jürgen 写真 صورة"


def text(value: str) -> tiff.Entry:
    return tiff.Entry(tiff.TEXT, value.encode() + b"\0")


MAKE, MODEL, CAPTION, ARTIST, ORIENTATION = 271, 272, 270, 315, 274
DATE, EXPOSURE, SERIAL, NOTES, PIXELS = 36867, 33434, 42033, 37500, 40962
LATITUDE = 2
EXIF = {
    MAKE: text("Canon"),
    MODEL: text("EOS R5"),
    CAPTION: text("My house"),
    ARTIST: text(NAME),
    ORIENTATION: tiff.shorts(1),
    **{282: tiff.fraction(300), 283: tiff.fraction(300), 296: tiff.shorts(2)},
    tiff.EXIF: {
        DATE: text("2024:05:01 10:00:00"),
        EXPOSURE: tiff.fraction(0.004),
        SERIAL: text("0123"),
        NOTES: tiff.Entry(tiff.UNDEFINED, b"thumbnail" * 50),
        PIXELS: tiff.longs(6000),
    },
    tiff.GPS: {LATITUDE: tiff.Entry(tiff.RATIONAL, tiff.fraction(48.5).data * 3)},
}
SAFE = {MAKE, MODEL, ARTIST}, {DATE, EXPOSURE}, set()
ALL = {MAKE, MODEL, ARTIST, CAPTION}, {DATE, EXPOSURE, SERIAL}, {LATITUDE}


@pytest.fixture(params=[".jpg", ".png", ".webp", ".tif", "big-endian.tif"])
def photo(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A photo with EXIF and 300 pixels an inch."""
    path = tmp_path / f"photo{request.param}"
    image = Image.new("RGB", (32, 24))
    if path.name.endswith("big-endian.tif"):
        exif: Any = Image.Exif()
        exif.load(b"Exif\0\0" + exif_bytes(EXIF))
        exif.endian = ">"
        image.save(path, exif=exif, dpi=(300, 300), compression=None, big_tiff=False)
    else:
        save_image(image, path, None, Manner(kept=Metadata(EXIF, (300.0, 300.0))))
    return path


def tags(metadata: Metadata) -> tuple[set[int], ...]:
    exif: Any = metadata.exif
    return {tag for tag in exif if tag not in (tiff.EXIF, tiff.GPS, 282, 283, 296)}, *(
        set(exif.get(folder, ())) for folder in (tiff.EXIF, tiff.GPS)
    )


@pytest.mark.parametrize(("keep", "wanted"), [("none", (set(),) * 3), ("safe", SAFE), ("all", ALL)])
def test_what_is_kept(photo: Path, keep: Keep, wanted: tuple[set[int], ...]) -> None:
    found = metadata_of(photo, keep)
    assert tags(found) == wanted
    if keep == "none":
        assert found.resolution is None
    else:
        assert found.resolution == pytest.approx((300, 300), abs=0.01)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("ending", FORMATS)
def test_what_is_kept_is_written_byte_by_byte(tmp_path: Path, ending: str, bits: int) -> None:
    if bits == 16 and FORMATS[ending]["format"] not in ("PNG", "TIFF"):
        return
    path = tmp_path / f"a{ending}"
    picture = Shown(to_array(Image.new("RGB", (16, 16))))
    save_image(picture, path, None, Manner(FileOptions(bits=bits), Metadata(EXIF)))
    found: Any = metadata_of(path, "all").exif
    assert found[ARTIST].data.decode() == NAME + "\0"
    assert found[tiff.GPS] == EXIF[tiff.GPS]
    with Image.open(path) as file:
        assert file.getexif()[MODEL] == "EOS R5"
        assert file.getexif().get_ifd(tiff.EXIF)[DATE] == "2024:05:01 10:00:00"


def test_what_is_long_is_left_out() -> None:
    long = {MAKE: text("x" * MOST), MODEL: text("EOS")}
    file = BytesIO()
    Image.new("RGB", (16, 16)).save(file, "JPEG", exif=b"Exif\0\0" + exif_bytes(long))
    path = Path("long.jpg")
    path.write_bytes(file.getvalue())
    assert tags(metadata_of(path, "all"))[0] == {MODEL}


@pytest.mark.parametrize("told", [0, 4e6])
def test_a_resolution_that_cannot_be(tmp_path: Path, told: float) -> None:
    path = tmp_path / "a.tif"
    save_image(Image.new("RGB", (16, 16)), path, None, Manner(kept=Metadata(resolution=(72, 72))))
    data = path.read_bytes().replace(tiff.fraction(72).data, tiff.fraction(told).data)
    path.write_bytes(data)
    assert metadata_of(path, "safe").resolution is None


def test_damaged_exif_does_no_harm(tmp_path: Path, mutations: Callable[[int], int]) -> None:
    whole = exif_bytes(EXIF)
    path = tmp_path / "a.jpg"
    for damaged in mutants(whole, mutations(60), seed=0):
        Image.new("RGB", (16, 16)).save(path, exif=b"Exif\0\0" + damaged[:60_000])
        found = metadata_of(path, "all")
        save_image(Image.new("RGB", (16, 16)), tmp_path / "b.jpg", None, Manner(kept=found))


def test_of_what_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="There is no picture"):
        metadata_of(tmp_path / "none.jpg", "safe")
