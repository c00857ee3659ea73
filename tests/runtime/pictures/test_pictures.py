"""Pictures of every kind are read as the same RGB, and written whole or not at all."""

import os
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms

from stylize.models.errors import ImageError, OptionError
from stylize.runtime.pictures.arrays import to_array, to_image
from stylize.runtime.pictures.limits import MIN_SIDE
from stylize.runtime.pictures.reading import load_image
from stylize.runtime.pictures.saving import FORMATS, check_output, save_image
from stylize.runtime.pictures.sizes import cover, scale_to

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
RANDOM = np.random.default_rng(0)
COLOURS = RANDOM.integers(0, 256, (24, 32, 3), np.uint8)
EXACT: dict[str, dict[str, Any]] = {
    "picture.png": {},
    "picture.tiff": {},
    "picture.webp": {"lossless": True},
}
"""Names of files whose formats can keep every pixel, and how to ask for it."""
LOSSY_STEP = 4
"""Grey levels that JPEG and WebP at quality 95 may be off by, in a smooth picture."""
ROUNDING = 1
"""Grey level that the colour management may be off by."""

SIX_PATCHES = np.array(
    [[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[255, 255, 255], [0, 0, 0], [255, 255, 0]]], np.uint8
)
UPRIGHT = Image.fromarray(np.kron(SIX_PATCHES, np.ones((16, 16, 1), np.uint8)))
AS_STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How a camera that writes this EXIF orientation stores an upright picture."""


def pixels(image: Image.Image) -> npt.NDArray[np.int_]:
    assert image.mode == "RGB"
    return np.asarray(image, int)


def saved(image: Image.Image, path: Path, **options: Any) -> Path:
    image.save(path, **options)
    return path


def colour_of(path: Path) -> tuple[int, ...]:
    """The colour of a picture that has only one."""
    found = np.unique(pixels(load_image(path)).reshape(-1, 3), axis=0)
    assert len(found) == 1
    return tuple(found[0].tolist())


def on_white(colour: tuple[int, ...], alpha: int) -> tuple[int, ...]:
    return tuple(round((part * alpha + 255 * (255 - alpha)) / 255) for part in colour)


def png_of_16_bits(values: npt.NDArray[Any], chunks: bytes = b"") -> bytes:
    """A PNG of (height, width) grey or (height, width, 3) colours; Pillow writes no such colours.

    `chunks` come before the pixels.
    """
    kind = 0 if values.ndim == 2 else 2
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, kind, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + chunks
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def tiff_of_16_bits(values: npt.NDArray[Any]) -> bytes:
    """A TIFF of (height, width, 3) colours, uncompressed, in one strip."""
    height, width, channels = values.shape
    short, long = 3, 4
    bits_at, pixels_at = 8, 16
    tags = [
        (256, short, 1, width),
        (257, short, 1, height),
        (258, short, channels, bits_at),
        (259, short, 1, 1),  # no compression
        (262, short, 1, 2),  # RGB
        (273, long, 1, pixels_at),
        (277, short, 1, channels),
        (278, short, 1, height),
        (279, long, 1, values.size * 2),
    ]
    body = values.astype("<u2").tobytes()
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    header = b"II" + struct.pack("<HI", 42, pixels_at + len(body))
    return header + struct.pack("<4H", 16, 16, 16, 0) + body + directory + bytes(4)


def with_red_and_green_swapped(profile: bytes) -> bytes:
    """An RGB profile in which a picture's red is the other's green."""
    swapped = profile.replace(b"rXYZ", b"kept", 1).replace(b"gXYZ", b"rXYZ", 1)
    return swapped.replace(b"kept", b"gXYZ", 1)


def linear_grey_profile() -> bytes:
    """An ICC profile whose grey is proportional to light."""
    d50 = struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    white, curve = b"XYZ \0\0\0\0" + d50, b"curv\0\0\0\0" + struct.pack(">I", 0)
    start = 128 + 4 + 2 * 12
    tags = struct.pack(">I", 2) + struct.pack(">4sII", b"wtpt", start, len(white))
    tags += struct.pack(">4sII", b"kTRC", start + len(white), len(curve))
    body = tags + white + curve
    header = struct.pack(
        ">I4sI4s4s4s12x4s", 128 + len(body), b"", 0x02100000, b"mntr", b"GRAY", b"XYZ ", b"acsp"
    )
    return header.ljust(68, b"\0") + d50 + bytes(48) + body


class TestKinds:
    @pytest.mark.parametrize("name", EXACT)
    def test_lossless_kinds_are_read_exactly(self, tmp_path: Path, name: str) -> None:
        path = saved(Image.fromarray(COLOURS), tmp_path / name, **EXACT[name])
        assert np.array_equal(pixels(load_image(path)), COLOURS)

    def test_jpeg_is_read(self, tmp_path: Path) -> None:
        path = saved(Image.new("RGB", (32, 24), (200, 100, 50)), tmp_path / "a.jpg", quality=100)
        assert np.abs(np.subtract(colour_of(path), (200, 100, 50))).max() <= ROUNDING

    def test_the_ending_does_not_matter(self, tmp_path: Path) -> None:
        path = saved(Image.fromarray(COLOURS), tmp_path / "a.jpg", format="PNG")
        assert np.array_equal(pixels(load_image(str(path))), COLOURS)

    def test_a_large_photo_is_read_without_a_warning(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = saved(Image.fromarray(COLOURS), tmp_path / "a.png")
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 32 * 24 - 1)
        assert load_image(path).size == (32, 24)

    def test_the_smallest_picture(self, tmp_path: Path) -> None:
        path = saved(Image.new("RGB", (MIN_SIDE, MIN_SIDE)), tmp_path / "a.png")
        assert load_image(path).size == (16, 16)

    @pytest.mark.parametrize("size", [(15, 16), (16, 15)])
    def test_a_picture_that_is_too_small(self, tmp_path: Path, size: tuple[int, int]) -> None:
        path = saved(Image.new("RGB", size), tmp_path / "a.png")
        with pytest.raises(ImageError, match=f"{size[0]}x{size[1]} pixels"):
            load_image(path)


class TestOrientation:
    @pytest.mark.parametrize("orientation", AS_STORED)
    @pytest.mark.parametrize("name", [*EXACT, "picture.jpg"])
    def test_every_orientation_is_turned_upright(
        self, tmp_path: Path, name: str, orientation: int
    ) -> None:
        turn = AS_STORED[orientation]
        stored = UPRIGHT if turn is None else UPRIGHT.transpose(turn)
        exif = Image.Exif()
        exif[0x0112] = orientation
        options = EXACT.get(name, {"quality": 100, "subsampling": "4:4:4"})
        path = saved(stored, tmp_path / name, exif=exif, **options)
        found = load_image(path)
        assert found.size == UPRIGHT.size
        allowed = ROUNDING if name == "picture.jpg" else 0
        assert np.abs(pixels(found) - pixels(UPRIGHT)).max() <= allowed

    def test_other_exif_data_of_the_wrong_type_does_no_harm(self, tmp_path: Path) -> None:
        exif = (
            b"Exif\0\0MM\0*"
            + struct.pack(">IH", 8, 2)
            + struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)
            + struct.pack(">HHI4s", 0x013E, 2, 4, b"odd\0")  # the white point, as text
            + bytes(4)
        )
        stored = UPRIGHT.transpose(Image.Transpose.ROTATE_90)
        path = saved(stored, tmp_path / "a.jpg", exif=exif, quality=100, subsampling="4:4:4")
        assert np.abs(pixels(load_image(path)) - pixels(UPRIGHT)).max() <= ROUNDING

    def test_garbage_for_exif_data_does_no_harm(self, tmp_path: Path) -> None:
        path = saved(Image.fromarray(COLOURS), tmp_path / "a.png", exif=b"Exif\0\0garbage!")
        assert np.array_equal(pixels(load_image(path)), COLOURS)


class TestModes:
    def test_grey(self, tmp_path: Path) -> None:
        grey = COLOURS[..., 0]
        found = pixels(load_image(saved(Image.fromarray(grey), tmp_path / "a.png")))
        assert np.array_equal(found, np.stack([grey] * 3, -1))

    @pytest.mark.parametrize(("bit", "level"), [(0, 0), (1, 255)])
    def test_one_bit(self, tmp_path: Path, bit: int, level: int) -> None:
        path = saved(Image.new("1", (32, 24), bit), tmp_path / "a.png")
        assert colour_of(path) == (level, level, level)

    def test_palette(self, tmp_path: Path) -> None:
        indexed = UPRIGHT.quantize(6)
        assert indexed.mode == "P"
        found = load_image(saved(indexed, tmp_path / "a.png"))
        assert np.array_equal(pixels(found), pixels(UPRIGHT))

    @pytest.mark.parametrize(
        ("transparency", "expected"),
        [
            (1, [(10, 20, 30), (255, 255, 255)]),
            (bytes([128, 64]), [on_white((10, 20, 30), 128), on_white((200, 100, 0), 64)]),
        ],
        ids=["one colour", "an alpha for each colour"],
    )
    def test_palette_with_transparency(
        self, tmp_path: Path, transparency: int | bytes, expected: list[tuple[int, ...]]
    ) -> None:
        image = Image.new("P", (32, 24), 0)
        image.putpalette([10, 20, 30, 200, 100, 0])
        image.paste(1, (16, 0, 32, 24))
        found = load_image(saved(image, tmp_path / "a.png", transparency=transparency))
        assert [found.getpixel((0, 0)), found.getpixel((31, 23))] == expected

    @pytest.mark.parametrize("alpha", [0, 1, 77, 128, 254, 255])
    def test_grey_with_alpha_is_blended_on_white(self, tmp_path: Path, alpha: int) -> None:
        path = saved(Image.new("LA", (32, 24), (100, alpha)), tmp_path / "a.png")
        assert colour_of(path) == on_white((100, 100, 100), alpha)

    @pytest.mark.parametrize("alpha", [0, 1, 77, 128, 254, 255])
    @pytest.mark.parametrize("name", ["a.png", "a.tiff"])
    def test_colour_with_alpha_is_blended_on_white(
        self, tmp_path: Path, name: str, alpha: int
    ) -> None:
        path = saved(Image.new("RGBA", (32, 24), (200, 50, 10, alpha)), tmp_path / name)
        assert colour_of(path) == on_white((200, 50, 10), alpha)

    @pytest.mark.parametrize("profile", [None, SRGB], ids=["no profile", "sRGB"])
    @pytest.mark.parametrize(("mode", "clear"), [("RGB", (0, 0, 255)), ("L", 7)])
    def test_one_transparent_colour_becomes_white(
        self, tmp_path: Path, mode: str, clear: int | tuple[int, ...], profile: bytes | None
    ) -> None:
        image = Image.new(mode, (32, 24), "gray")
        image.paste(clear, (16, 0, 32, 24))
        path = saved(image, tmp_path / "a.png", transparency=clear, icc_profile=profile)
        found = load_image(path)
        assert found.getpixel((0, 0)) == (128, 128, 128)
        assert found.getpixel((31, 23)) == (255, 255, 255)

    @pytest.mark.parametrize(
        ("ink", "colour"),
        [
            ((0, 0, 0, 0), (255, 255, 255)),
            ((0, 255, 0, 0), (255, 0, 255)),
            ((255, 255, 0, 0), (0, 0, 255)),
            ((0, 0, 0, 255), (0, 0, 0)),
        ],
    )
    def test_cmyk_jpeg(self, tmp_path: Path, ink: tuple[int, ...], colour: tuple[int, ...]) -> None:
        path = saved(Image.new("CMYK", (32, 24), ink), tmp_path / "a.jpg", quality=100)
        assert colour_of(path) == colour

    @pytest.mark.parametrize("dtype", ["<u2", ">u2"])
    @pytest.mark.parametrize("name", ["a.png", "a.tiff"])
    def test_16_bit_grey(self, tmp_path: Path, name: str, dtype: str) -> None:
        grey = RANDOM.integers(0, 65536, (24, 32)).astype(dtype)
        grey[0, :3] = 0, 65535, 1000
        path = saved(Image.fromarray(grey), tmp_path / name)
        expected = np.rint(grey / 257).astype(int)
        assert expected[0, :3].tolist() == [0, 255, 4]
        assert np.array_equal(pixels(load_image(path)), np.stack([expected] * 3, -1))

    @pytest.mark.parametrize("write", [png_of_16_bits, tiff_of_16_bits])
    def test_16_bit_colour(self, tmp_path: Path, write: Callable[..., bytes]) -> None:
        path = tmp_path / "picture"
        path.write_bytes(write(COLOURS.astype(np.uint16) * 257))
        assert np.array_equal(pixels(load_image(path)), COLOURS)

    def test_16_bit_grey_with_a_transparent_level(self, tmp_path: Path) -> None:
        grey = np.full((24, 32), 100 * 257)
        grey[:, 16:] = 1000
        transparent = png_chunk(b"tRNS", struct.pack(">H", 1000))
        path = tmp_path / "a.png"
        path.write_bytes(png_of_16_bits(grey, transparent))
        found = load_image(path)
        assert found.getpixel((0, 0)) == (100, 100, 100)
        assert found.getpixel((31, 23)) == (255, 255, 255)

    def test_floating_point_is_refused(self, tmp_path: Path) -> None:
        path = saved(Image.new("F", (32, 24), 0.5), tmp_path / "a.tiff")
        with pytest.raises(ImageError, match="floating-point pixels"):
            load_image(path)


class TestProfiles:
    @pytest.mark.parametrize("name", EXACT)
    def test_colours_are_converted(self, tmp_path: Path, name: str) -> None:
        profile = with_red_and_green_swapped(SRGB)
        options = {**EXACT[name], "icc_profile": profile}
        path = saved(Image.fromarray(COLOURS), tmp_path / name, **options)
        assert np.abs(pixels(load_image(path)) - COLOURS[..., [1, 0, 2]]).max() <= ROUNDING

    def test_srgb_changes_nothing(self, tmp_path: Path) -> None:
        path = saved(Image.fromarray(COLOURS), tmp_path / "a.png", icc_profile=SRGB)
        assert np.abs(pixels(load_image(path)) - COLOURS).max() <= ROUNDING

    def test_alpha_outlives_the_conversion(self, tmp_path: Path) -> None:
        image = Image.new("RGBA", (32, 24), (200, 50, 10, 128))
        path = saved(image, tmp_path / "a.png", icc_profile=with_red_and_green_swapped(SRGB))
        difference = np.subtract(colour_of(path), on_white((50, 200, 10), 128))
        assert np.abs(difference).max() <= ROUNDING

    def test_palettes_are_converted(self, tmp_path: Path) -> None:
        profile = with_red_and_green_swapped(SRGB)
        path = saved(UPRIGHT.quantize(6), tmp_path / "a.png", icc_profile=profile)
        assert np.abs(pixels(load_image(path)) - pixels(UPRIGHT)[..., [1, 0, 2]]).max() <= ROUNDING

    @pytest.mark.parametrize("bits", [8, 16])
    def test_grey_is_converted(self, tmp_path: Path, bits: int) -> None:
        level = np.full((24, 32), 128, np.uint8)
        grey = level if bits == 8 else level.astype(np.uint16) * 257
        path = saved(Image.fromarray(grey), tmp_path / "a.png", icc_profile=linear_grey_profile())
        expected = round(255 * (1.055 * (128 / 255) ** (1 / 2.4) - 0.055))
        assert np.abs(np.subtract(colour_of(path), expected)).max() <= ROUNDING

    @pytest.mark.parametrize("kind", ["alpha", "8 bits, a clear grey", "16 bits, a clear grey"])
    def test_a_grey_profile_beside_transparency(self, tmp_path: Path, kind: str) -> None:
        """The grey is converted as without transparency, and blended on white where it is clear."""
        levels = np.tile(np.linspace(10, 250, 32).astype(np.uint8), (20, 1))
        grey, profile = Image.fromarray(levels), linear_grey_profile()
        expected = np.array(load_image(saved(grey, tmp_path / "opaque.png", icc_profile=profile)))
        options: dict[str, object] = {"icc_profile": profile}
        if kind == "alpha":
            clear = levels == levels[0, 5]
            image = grey.copy()
            image.putalpha(Image.fromarray(np.where(clear, 0, 255).astype(np.uint8)))
        else:
            wide = kind.startswith("16")
            image = Image.fromarray(levels.astype(np.uint16) * 257) if wide else grey
            options["transparency"] = int(levels[0, 5]) * (257 if wide else 1)
        expected[:, 5] = 255
        found = np.array(load_image(saved(image, tmp_path / "clear.png", **options)))
        assert np.abs(found.astype(int) - expected).max() <= 1
        assert len(np.unique(found)) > 20

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "CMYK"])
    def test_a_profile_for_another_kind_of_picture_is_ignored(
        self, tmp_path: Path, mode: str
    ) -> None:
        profile = with_red_and_green_swapped(SRGB)
        image = Image.new(mode, (32, 24), "black")
        assert colour_of(saved(image, tmp_path / "a.tiff", icc_profile=profile)) == (0, 0, 0)

    @pytest.mark.parametrize("profile", [b"garbage", SRGB[:200]], ids=["garbage", "cut off"])
    def test_a_damaged_profile_is_ignored(self, tmp_path: Path, profile: bytes) -> None:
        path = saved(Image.fromarray(COLOURS), tmp_path / "a.png", icc_profile=profile)
        assert np.array_equal(pixels(load_image(path)), COLOURS)


class TestScaling:
    @pytest.mark.parametrize(
        ("size", "long_side", "expected"),
        [
            ((64, 48), 32, (32, 24)),
            ((48, 64), 32, (24, 32)),
            ((32, 24), 64, (64, 48)),
            ((50, 33), 40, (40, 26)),
            ((40, 40), 16, (16, 16)),
        ],
    )
    def test_the_long_side_is_set_and_proportions_kept(
        self, size: tuple[int, int], long_side: int, expected: tuple[int, int]
    ) -> None:
        scaled = scale_to(Image.new("RGB", size, (1, 2, 3)), long_side)
        assert scaled.size == expected
        assert scaled.getcolors() == [(expected[0] * expected[1], (1, 2, 3))]

    def test_a_picture_of_that_size_is_not_resampled(self) -> None:
        image = Image.fromarray(COLOURS)
        assert scale_to(image, 32) is image

    def test_a_short_side_that_gets_too_short(self) -> None:
        with pytest.raises(ImageError, match="is 32x8 pixels"):
            scale_to(Image.new("RGB", (64, 16)), 32)

    def test_cover_crops_what_is_too_wide(self) -> None:
        expected = COLOURS[:, 4:28]
        assert np.array_equal(pixels(cover(Image.fromarray(COLOURS), (24, 24))), expected)

    def test_cover_crops_what_is_too_high(self) -> None:
        expected = COLOURS[4:20]
        assert np.array_equal(pixels(cover(Image.fromarray(COLOURS), (32, 16))), expected)

    def test_cover_scales_before_it_crops(self) -> None:
        image = Image.new("RGB", (64, 32), "red")
        image.paste("blue", (8, 0, 56, 32))  # beyond the crop, as far as the filter looks
        assert cover(image, (16, 16)).getcolors() == [(256, (0, 0, 255))]

    def test_cover_leaves_a_picture_of_that_size_as_it_is(self) -> None:
        image = Image.fromarray(COLOURS)
        assert cover(image, (32, 24)) is image


class TestArrays:
    def test_an_array_holds_the_pixels_by_channel(self) -> None:
        array = to_array(Image.fromarray(COLOURS))
        assert array.shape == (1, 3, 24, 32)
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
        expected = COLOURS.astype(np.float32) / np.float32(255)
        assert np.array_equal(array[0].transpose(1, 2, 0), expected)

    def test_every_level_survives_the_round_trip(self) -> None:
        levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
        image = Image.fromarray(np.stack([levels, levels.T, 255 - levels], -1))
        assert np.array_equal(pixels(to_image(to_array(image))), pixels(image))

    @pytest.mark.parametrize(
        ("value", "level"),
        [
            (-0.5, 0),
            (1.5, 255),
            (-np.inf, 0),
            (np.inf, 255),
            (100.4 / 255, 100),
            (100.6 / 255, 101),
        ],
    )
    def test_values_are_clipped_and_rounded(self, value: float, level: int) -> None:
        image = to_image(np.full((1, 3, 16, 16), value, np.float32))
        assert image.getcolors() == [(256, (level, level, level))]


class TestSaving:
    @pytest.mark.parametrize("ending", [*FORMATS, ".PNG", ".Jpg"])
    def test_every_format_can_be_read_again(self, tmp_path: Path, ending: str) -> None:
        ramp = np.linspace(40, 200, 32 * 24).reshape(24, 32).astype(np.uint8)
        image = Image.fromarray(np.stack([ramp, ramp // 2, ramp // 4], -1))
        path = tmp_path / f"out{ending}"
        save_image(image, path)
        assert list(tmp_path.iterdir()) == [path]
        with Image.open(path) as file:
            assert file.format == FORMATS[ending.lower()]["format"]
            profile = ImageCms.ImageCmsProfile(BytesIO(file.info["icc_profile"]))
        assert ImageCms.getProfileDescription(profile).startswith("sRGB")
        assert np.abs(pixels(load_image(path)) - pixels(image)).max() <= LOSSY_STEP

    @pytest.mark.parametrize("ending", [".png", ".tif", ".tiff"])
    def test_png_and_tiff_are_lossless(self, tmp_path: Path, ending: str) -> None:
        path = tmp_path / f"out{ending}"
        save_image(Image.fromarray(COLOURS), path)
        with Image.open(path) as file:
            assert np.array_equal(pixels(file), COLOURS)

    def test_what_was_there_is_replaced_at_once(self, tmp_path: Path) -> None:
        path = tmp_path / "out.png"
        path.write_bytes(b"old")
        os.link(path, tmp_path / "old")
        save_image(Image.fromarray(COLOURS), path)
        assert (tmp_path / "old").read_bytes() == b"old"  # a new file, not the old one rewritten
        assert np.array_equal(pixels(load_image(path)), COLOURS)

    @pytest.mark.parametrize(
        ("failure", "expected"),
        [
            (OSError(28, "No space left on device"), ImageError),
            (ValueError("cannot encode"), ImageError),
            (KeyboardInterrupt(), KeyboardInterrupt),
        ],
        ids=["OSError", "ValueError", "KeyboardInterrupt"],
    )
    @pytest.mark.parametrize("old", [b"old", None], ids=["file there", "no file there"])
    def test_a_failure_half_way_leaves_things_as_they_were(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        old: bytes | None,
        failure: BaseException,
        expected: type[BaseException],
    ) -> None:
        def save_half(image: Image.Image, target: Path, **options: Any) -> None:
            Path(target).write_bytes(b"half")
            raise failure

        path = tmp_path / "out.png"
        if old:
            path.write_bytes(old)
        monkeypatch.setattr(Image.Image, "save", save_half)
        with pytest.raises(expected):
            save_image(Image.fromarray(COLOURS), path)
        left = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
        assert left == ({"out.png": old} if old else {})

    def test_the_message_says_why(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(image: Image.Image, target: Path, **options: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Image.Image, "save", fail)
        with pytest.raises(ImageError, match=r"out\.png' cannot be written: No space left on"):
            save_image(Image.fromarray(COLOURS), tmp_path / "out.png")

    def test_a_picture_that_is_too_large_for_webp(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match="16383"):
            save_image(Image.new("RGB", (16384, 16)), tmp_path / "out.webp")
        assert list(tmp_path.iterdir()) == []


class TestCheckingTheOutput:
    def test_nothing_is_left_and_nothing_changed(self, tmp_path: Path) -> None:
        path = tmp_path / "out.png"
        check_output(path)
        assert list(tmp_path.iterdir()) == []
        path.write_bytes(b"old")
        check_output(path)
        assert {file: file.read_bytes() for file in tmp_path.iterdir()} == {path: b"old"}

    @pytest.mark.parametrize(("name", "most"), [("a.webp", 16_383), ("a.jpg", 65_500)])
    def test_more_pixels_than_the_format_can_hold(
        self, tmp_path: Path, name: str, most: int
    ) -> None:
        check_output(tmp_path / name, most)
        check_output(tmp_path / "a.png", most + 1)
        with pytest.raises(ImageError, match=rf"cannot hold .* {most} at most"):
            check_output(tmp_path / name, most + 1)

    @pytest.mark.parametrize("name", ["out", "out.gif", "out.png.txt", ".png"])
    def test_an_ending_that_tells_no_format(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(OptionError, match=r"must end in one of \.png, \.jpg"):
            check_output(tmp_path / name)

    def test_a_folder(self, tmp_path: Path) -> None:
        (tmp_path / "out.png").mkdir()
        with pytest.raises(ImageError, match="is a folder"):
            check_output(tmp_path / "out.png")

    def test_a_missing_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match="No such file or directory"):
            check_output(tmp_path / "missing" / "out.png")
