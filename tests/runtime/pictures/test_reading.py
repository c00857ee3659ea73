"""Pictures are read from files of any common kind."""

import errno
import os
from collections.abc import Callable
from io import BytesIO, StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from colours import COLOURS, EXACT, ROUNDING, SRGB, colour_of, pixels, saved
from crafted import SHORT, tiff
from PIL import EpsImagePlugin, Image, ImageFile, PngImagePlugin

from stylize.models.errors import ImageError
from stylize.runtime.files.opening import READABLE
from stylize.runtime.pictures import reading
from stylize.runtime.pictures.limits import MIN_SIDE
from stylize.runtime.pictures.reading import load_image, open_picture


@pytest.mark.parametrize("name", EXACT)
def test_lossless_kinds_are_read_exactly(tmp_path: Path, name: str) -> None:
    path = saved(Image.fromarray(COLOURS), tmp_path / name, **EXACT[name])
    assert np.array_equal(pixels(load_image(path)), COLOURS)


def test_jpeg_is_read(tmp_path: Path) -> None:
    path = saved(Image.new("RGB", (32, 24), (200, 100, 50)), tmp_path / "a.jpg", quality=100)
    assert np.abs(np.subtract(colour_of(path), (200, 100, 50))).max() <= ROUNDING


def test_the_ending_does_not_matter(tmp_path: Path) -> None:
    path = saved(Image.fromarray(COLOURS), tmp_path / "a.jpg", format="PNG")
    assert np.array_equal(pixels(load_image(str(path))), COLOURS)


def test_a_program_that_is_called_a_photo_is_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow would hand an EPS file to Ghostscript."""
    started: list[object] = []
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *given, **more: started.append(given))
    path = saved(Image.fromarray(COLOURS), tmp_path / "photo.jpg", format="EPS")
    with pytest.raises(ImageError, match=r"is PostScript"):
        load_image(path)
    assert started == []


@pytest.mark.parametrize("error", [NotImplementedError, RuntimeError, KeyError, TypeError])
def test_whatever_a_decoder_raises_is_our_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    path = saved(Image.fromarray(COLOURS), tmp_path / "a.png")

    def fail(*_: object) -> None:
        raise error("odd")

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", fail)
    with pytest.raises(ImageError, match=r"a\.png' cannot be read: .*odd"):
        load_image(path)


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"is a folder"):
        load_image(tmp_path)


def test_the_smallest_picture(tmp_path: Path) -> None:
    path = saved(Image.new("RGB", (MIN_SIDE, MIN_SIDE)), tmp_path / "a.png")
    assert load_image(path).size == (16, 16)


@pytest.mark.parametrize("size", [(15, 16), (16, 15)])
def test_a_picture_that_is_too_small(tmp_path: Path, size: tuple[int, int]) -> None:
    path = saved(Image.new("RGB", size), tmp_path / "a.png")
    with pytest.raises(ImageError, match=f"{size[0]}x{size[1]} pixels"):
        load_image(path)


class TestWhatIsTaken:
    @pytest.mark.parametrize("kind", ["str", "Path", "bytes", "file", "open file", "PIL", "array"])
    def test_for_a_picture(self, tmp_path: Path, kind: str) -> None:
        path = saved(Image.fromarray(COLOURS), tmp_path / "a.png")
        data = path.read_bytes()
        taken: dict[str, Callable[[], Any]] = {
            "str": lambda: str(path),
            "Path": lambda: path,
            "bytes": lambda: data,
            "file": lambda: BytesIO(data),
            "open file": lambda: path.open("rb"),
            "PIL": lambda: Image.open(path),
            "array": lambda: COLOURS,
        }
        picture = taken[kind]()
        assert np.array_equal(pixels(load_image(picture)), COLOURS)
        if kind in ("open file", "PIL"):
            picture.close()

    def test_a_file_that_was_read_before(self, tmp_path: Path) -> None:
        with saved(Image.fromarray(COLOURS), tmp_path / "a.png").open("rb") as file:
            file.read(100)
            assert np.array_equal(pixels(load_image(file)), COLOURS)

    def test_a_file_that_cannot_be_sought(self, tmp_path: Path) -> None:
        path = saved(Image.fromarray(COLOURS), tmp_path / "a.png")
        end, start = os.pipe()
        with open(start, "wb") as pipe:
            pipe.write(path.read_bytes())  # little enough to wait in the pipe
        with open(end, "rb") as file:
            assert np.array_equal(pixels(load_image(file)), COLOURS)

    def test_what_has_no_more_of_a_file_than_read(self, tmp_path: Path) -> None:
        path = saved(Image.fromarray(COLOURS), tmp_path / "a.png")
        source = SimpleNamespace(read=BytesIO(path.read_bytes()).read)
        assert np.array_equal(pixels(load_image(source)), COLOURS)  # type: ignore[arg-type]

    def test_not_a_file_that_cannot_be_read(self) -> None:
        source = SimpleNamespace(read=lambda: b"")
        with pytest.raises(ImageError, match=r"The open file cannot be read: .*argument"):
            load_image(source)  # type: ignore[arg-type]

    @pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
    @pytest.mark.parametrize("shape", [(24, 32), (24, 32, 1), (24, 32, 3), (24, 32, 4)])
    def test_arrays(self, shape: tuple[int, ...], dtype: type[Any]) -> None:
        levels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        if shape[2:] == (4,):
            levels[..., 3] = 255
        array = levels if dtype == np.uint8 else levels.astype(dtype) / dtype(255)
        expected = levels[..., :3] if shape[2:] in ((3,), (4,)) else levels.reshape(24, 32, 1)
        assert np.array_equal(pixels(load_image(array)), np.broadcast_to(expected, (24, 32, 3)))

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            (None, "cannot be a NoneType. Give a path, a Pillow image, an array"),
            (3, "cannot be a int"),
            ([[1, 2], [3, 4]], "cannot be a list"),
            (np.zeros((3, 24, 32), np.uint8), r"shape \(3, 24, 32\).*\(height, width\)"),
            (np.zeros((1, 3, 24, 32), np.float32), r"shape \(1, 3, 24, 32\)"),
            (np.zeros((0, 32, 3), np.uint8), r"shape \(0, 32, 3\)"),
            (np.full((24, 32), 200.0), "float64 from 200.0 to 200.0.*floats in 0...1"),
            (np.full((24, 32), np.nan), "float64 from nan"),
            (np.zeros((24, 32), np.int64), "int64 from 0 to 0.*uint8"),
            (np.zeros((24, 32), bool), "bool"),
            (np.full((24, 32), "a"), "An array of <U1 is no picture"),
            (np.zeros((24, 32), "V1"), r"An array of \|V1 is no picture"),
            (np.full((24, 32), None), "An array of object is no picture"),
            (np.zeros((24, 32), complex), "An array of complex128 is no picture"),
            (StringIO("text"), "open as text. Open it with mode 'rb'"),
            (b"", "The picture cannot be read: it is empty"),
            (b"This is no picture.", "The picture cannot be read: it is no picture of a known"),
            (np.zeros((15, 32), np.uint8), "The picture is 32x15 pixels"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_nothing_else(self, given: Any, expected: str) -> None:
        with pytest.raises(ImageError, match=expected):
            load_image(given)

    def test_a_closed_file(self) -> None:
        file = BytesIO(b"")
        file.close()
        with pytest.raises(ImageError, match=r"The open file cannot be read"):
            load_image(file)

    def test_a_file_without_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reading, "MAX_BYTES", 100)
        with pytest.raises(ImageError, match=r"more than 100 bytes. Give its path"):
            load_image(BytesIO(bytes(101)))

    def test_a_damaged_image_of_pillow(self, tmp_path: Path) -> None:
        data = saved(Image.fromarray(COLOURS), tmp_path / "a.png").read_bytes()
        with (
            Image.open(BytesIO(data[:-400])) as image,
            pytest.raises(ImageError, match=r"The picture cannot be read: .*truncated"),
        ):
            load_image(image)

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "BMP"])
    def test_a_closed_image_of_pillow(self, tmp_path: Path, kind: str) -> None:
        path = saved(Image.fromarray(COLOURS), tmp_path / "a", format=kind)
        with Image.open(path) as left:
            pass
        with pytest.raises(ImageError, match=r"The picture cannot be read: it is closed"):
            load_image(left)
        left.close()
        with pytest.raises(ImageError, match=r"The picture cannot be read: it is closed"):
            load_image(left)

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
    @pytest.mark.parametrize("length", [16, 20, 22, 40])
    def test_a_file_cut_in_its_head(self, kind: str, length: int) -> None:
        buffer = BytesIO()
        Image.fromarray(COLOURS).save(buffer, kind)
        with pytest.raises(ImageError, match=r"cannot be read: it is damaged or cut short"):
            load_image(buffer.getvalue()[:length])

    def test_what_was_read_is_not_turned_again(self, tmp_path: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        path = saved(Image.new("RGB", (40, 20)), tmp_path / "a.png", exif=exif, icc_profile=SRGB)
        once = load_image(path)
        assert once.size == (20, 40)
        assert load_image(once).size == (20, 40)


def test_pixels_that_pillow_does_not_read() -> None:
    data = tiff(np.zeros((24, 32, 3), np.uint16), more={262: (SHORT, 1)})  # three channels of grey
    with pytest.raises(ImageError, match=r"in a way that Pillow does not read; save it with 8"):
        load_image(data)


class TestNamesThatNoFileHas:
    @pytest.mark.parametrize(
        "name",
        [
            "https://example.org/photo.jpg",
            "http:/example.org/photo.jpg",
            "file:///home/me/photo.jpg",
            "s3://bucket/photo.jpg",
            "data:image/png;base64," + "A" * 5000,
        ],
    )
    def test_addresses(self, name: str) -> None:
        with pytest.raises(ImageError, match=r"is an address. Save the picture as a file"):
            load_image(name)

    @pytest.mark.parametrize("name", ["a" * 300 + ".jpg", "b/" * 3000])
    def test_long_names(self, name: str) -> None:
        with pytest.raises(ImageError, match=f"'{name[:20]}.*{os.strerror(errno.ENAMETOOLONG)}"):
            load_image(name)

    @pytest.mark.parametrize("name", ["missing.jpg", "C:/photo.jpg", "a:b", "\udce4.jpg"])
    def test_missing_files(self, name: str) -> None:
        with pytest.raises(ImageError, match=r"There is no picture '.*'. Check the path"):
            load_image(name)

    def test_a_name_that_cannot_be(self) -> None:
        with pytest.raises(ImageError, match=r"cannot be read: .*null"):
            load_image("a\0b")

    def test_a_file_taken_for_a_folder(self, tmp_path: Path) -> None:
        path = saved(Image.fromarray(COLOURS), tmp_path / "a.png")
        with pytest.raises(ImageError, match=r"Not a directory. Check the path"):
            load_image(path / "b.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no such files")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ImageError, match=r"is a pipe or a device.*Save the picture as a file"):
        load_image(tmp_path / "pipe")
    with pytest.raises(ImageError, match=r"is a pipe or a device"):
        load_image("/dev/null")


def test_a_folder_that_may_not_be_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(ImageError, match=r"a\.png' cannot be read: Permission denied. Check"):
        load_image(tmp_path / "a.png")


@pytest.fixture
def read_sizes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The sizes in which decoders read."""
    sizes: list[tuple[int, int]] = []
    prepare = ImageFile.ImageFile.load_prepare

    def preparing(self: ImageFile.ImageFile) -> None:
        sizes.append(self.size)
        prepare(self)

    monkeypatch.setattr(ImageFile.ImageFile, "load_prepare", preparing)
    return sizes


@pytest.mark.parametrize("kind", READABLE)
def test_pixels_are_read_once_and_not_before_they_are_needed(
    kind: str, read_sizes: list[tuple[int, int]]
) -> None:
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    if kind not in Image.SAVE:
        pytest.skip(f"this Pillow does not write {kind}")
    buffer = BytesIO()
    Image.new("RGB", (64, 48)).save(buffer, kind)
    picture = open_picture(buffer.getvalue())
    assert picture.size == (64, 48)
    assert read_sizes == []
    picture.scaled((64, 48))
    assert read_sizes == [(64, 48)]


@pytest.fixture(scope="module")
def scan() -> bytes:
    """A JPEG of 196 megapixels, more than Pillow takes by itself."""
    buffer = BytesIO()
    image = Image.new("L", (14_000, 14_000), 50)
    image.paste(200, (0, 0, 7000, 14_000))
    image.save(buffer, "JPEG", quality=50)
    return buffer.getvalue()


class TestLargePictures:
    """A large JPEG is read at the scale that suffices, and no picture beyond what memory holds."""

    def test_a_scan_is_read_at_an_eighth_without_a_warning(
        self, scan: bytes, read_sizes: list[tuple[int, int]]
    ) -> None:
        picture = open_picture(scan)
        assert picture.size == (14_000, 14_000)
        found = picture.scaled((300, 300))
        assert read_sizes == [(14_000 // 4, 14_000 // 4)]
        assert found.getpixel((100, 100)) == (200,) * 3
        assert found.getpixel((200, 200)) == (50,) * 3
        assert picture.scaled((3000, 3000)).size == (3000, 3000)
        assert picture.seen((400, 100), cut=True).colours.size == (400, 100)
        assert read_sizes[1:] == [(14_000 // 2, 14_000 // 2), (14_000 // 4, 14_000 // 4)]

    def test_more_than_memory_may_hold_is_refused(self, scan: bytes) -> None:
        expected = "The picture has 14000x14000 pixels, and at most 175 million can be read"
        with pytest.raises(ImageError, match=expected):
            load_image(scan)

    @pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "progressive"])
    def test_other_files_are_read_whole_up_to_a_limit(
        self, monkeypatch: pytest.MonkeyPatch, read_sizes: list[tuple[int, int]], kind: str
    ) -> None:
        buffer = BytesIO()
        image, whole = Image.new("RGB", (320, 160)), (320, 160)
        if kind == "progressive":
            image.save(buffer, "JPEG", progressive=True)
        else:
            image.save(buffer, kind)
        monkeypatch.setattr(reading, "WHOLE_PIXELS", 1000)
        monkeypatch.setattr(reading, "MAX_PIXELS", 320 * 160)
        open_picture(buffer.getvalue()).scaled((20, 10))
        assert read_sizes == [(40, 20) if kind == "progressive" else whole]
        monkeypatch.setattr(reading, "MAX_PIXELS", 320 * 160 - 1)
        with pytest.raises(ImageError, match=r"320x160 pixels.*save it as a JPEG"):
            open_picture(buffer.getvalue()).scaled((20, 10))
        assert len(read_sizes) == 1

    @pytest.mark.parametrize("orientation", [1, 6, 8])
    @pytest.mark.parametrize(
        ("mode", "kind"), [("RGB", "JPEG"), ("L", "JPEG"), ("CMYK", "JPEG"), ("RGBA", "PNG")]
    )
    def test_little_is_lost(
        self, monkeypatch: pytest.MonkeyPatch, mode: str, kind: str, orientation: int
    ) -> None:
        """Noise, which has most to lose, stays what it is; other noise would differ by its all."""
        noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
        exif, buffer = Image.Exif(), BytesIO()
        exif[0x0112] = orientation
        Image.fromarray(noise).convert(mode).save(buffer, kind, quality=95, exif=exif)
        picture = open_picture(buffer.getvalue())
        wanted = picture.size[0] // 8, picture.size[1] // 8
        whole = pixels(picture.scaled(wanted))
        monkeypatch.setattr(reading, "WHOLE_PIXELS", 640 * 480 // 16)
        reduced = pixels(picture.scaled(wanted))
        assert not np.array_equal(whole, reduced)
        assert np.abs(whole - reduced).mean() < 0.3 * whole.std()

    def test_an_ordinary_jpeg_is_read_whole(
        self, tmp_path: Path, read_sizes: list[tuple[int, int]]
    ) -> None:
        path = saved(Image.new("L", (5000, 5000)), tmp_path / "a.jpg", quality=10)
        open_picture(path).scaled((64, 64))
        assert read_sizes == [(5000, 5000)]


class TestCropped:
    @staticmethod
    def framed(path: Path, frame: int, size: tuple[int, int]) -> Path:
        """A blue picture with a red frame."""
        width, height = size
        image = Image.new("RGB", size, (255, 0, 0))
        image.paste((0, 0, 255), (frame, frame, width - frame, height - frame))
        image.save(path)
        return path

    @pytest.mark.parametrize(
        ("crop", "size"), [(6, (108, 68)), (0.08, (100, 66)), (0, (120, 80)), (0.0, (120, 80))]
    )
    def test_is_smaller(self, tmp_path: Path, crop: float, size: tuple[int, int]) -> None:
        picture = open_picture(self.framed(tmp_path / "a.png", 6, (120, 80)))
        found = picture.cropped(crop)
        assert found.size == size
        colours = found.scaled((33, 20)).getcolors()
        assert (colours == [(33 * 20, (0, 0, 255))]) is bool(crop)

    @pytest.mark.parametrize(("name", "smeared"), [("a.png", 0), ("a.jpg", 16)])
    def test_nothing_of_the_frame_is_left_where_it_is_read_reduced(
        self, tmp_path: Path, name: str, smeared: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In a JPEG a block of 16 pixels has one colour."""
        monkeypatch.setattr(reading, "WHOLE_PIXELS", 10_000)
        picture = open_picture(self.framed(tmp_path / name, 35, (1201, 803))).cropped(35 + smeared)
        red, green, blue = np.asarray(picture.scaled((120, 80)), int).reshape(-1, 3).T
        assert max(red.max(), green.max()) <= 3
        assert blue.min() >= 251

    def test_twice(self, tmp_path: Path) -> None:
        picture = open_picture(self.framed(tmp_path / "a.png", 6, (120, 80)))
        assert picture.cropped(4).cropped(2).scaled((40, 30)).getcolors() == [(1200, (0, 0, 255))]

    def test_too_much(self, tmp_path: Path) -> None:
        picture = open_picture(self.framed(tmp_path / "a.png", 6, (120, 80)))
        with pytest.raises(ImageError, match=r"a.png' is 52x12 pixels; .* Crop less\."):
            picture.cropped(34)
