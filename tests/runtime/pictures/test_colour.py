"""Whatever a picture's pixels mean, they become the same upright RGB."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from colours import COLOURS, EXACT, ROUNDING, SRGB, UPRIGHT, colour_of, on_white, pixels, saved
from crafted import (
    linear_grey_profile,
    png_chunk,
    png_of_16_bits,
    tiff,
    with_red_and_green_swapped,
)
from PIL import Image

from stylize.models.errors import ImageError
from stylize.runtime.pictures.reading import load_image

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
        grey = np.random.default_rng(0).integers(0, 65536, (24, 32)).astype(dtype)
        grey[0, :3] = 0, 65535, 1000
        path = saved(Image.fromarray(grey), tmp_path / name)
        expected = np.rint(grey / 257).astype(int)
        assert expected[0, :3].tolist() == [0, 255, 4]
        assert np.array_equal(pixels(load_image(path)), np.stack([expected] * 3, -1))

    @pytest.mark.parametrize("write", [png_of_16_bits, tiff])
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
