"""Grey of more than 8 bits is neither black nor white, whatever number stands for white."""

import io
import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from colours import ROUNDING, pixels
from crafted import SHORT, png_chunk, png_of_16_bits, png_of_few_bits, tiff
from PIL import Image

from stylize.models.errors import ImageError
from stylize.runtime.pictures.reading import load_image, open_picture

Values = npt.NDArray[Any]
RAMP = np.linspace(0, 1, 24 * 32).reshape(24, 32)


def pgm(values: Values, white: int) -> bytes:
    return b"P5 32 24 %d\n" % white + values.astype(">u2").tobytes()


def jpeg_2000(values: Values) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values.astype(np.uint16)).save(buffer, "JPEG2000")
    return buffer.getvalue()


def levels(data: bytes | Image.Image) -> Values:
    found = pixels(load_image(data))
    assert (found == found[..., :1]).all()
    return found[..., 0]


def shown(values: Values, white: int) -> Values:
    return np.rint(values.astype(float) / white * 255)


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize(
    "write",
    [png_of_16_bits, tiff, lambda values: pgm(values, 65535)],
    ids=["PNG", "TIFF", "PGM"],
)
def test_white_is_that_of_the_fewest_bits_that_hold_the_values(write: Any, bits: int) -> None:
    values = np.rint(RAMP * (2**bits - 1)).astype(np.uint16)
    assert np.array_equal(levels(write(values)), shown(values, 2**bits - 1))


def test_a_dark_picture_of_16_bits_stays_dark() -> None:
    values = np.rint(RAMP * 5000).astype(np.uint16)
    assert levels(png_of_16_bits(values)).max() == round(5000 / 257)


def test_a_black_picture_stays_black() -> None:
    assert levels(png_of_16_bits(np.zeros((24, 32), np.uint16))).max() == 0


class TestAFileThatTellsWhite:
    """A picture that is dark by what its file says is not made brighter."""

    def test_tiff_by_its_highest_value(self) -> None:
        values = np.rint(RAMP * 900).astype(np.uint16)
        found = levels(tiff(values, more={281: (SHORT, 4095)}))
        assert np.array_equal(found, shown(values, 4095))

    @pytest.mark.parametrize("highest", [0, 3])
    def test_but_not_with_a_number_that_cannot_be(self, highest: int) -> None:
        values = np.rint(RAMP * 65535).astype(np.uint16)
        found = levels(tiff(values, more={281: (SHORT, highest)}))
        assert np.array_equal(found, shown(values, 65535))

    def test_tiff_of_12_bits(self) -> None:
        values = np.rint(RAMP * 2000).astype(int)
        pairs = values.reshape(-1, 2)
        packed = pairs[:, 0] << 12 | pairs[:, 1]
        body = b"".join(int(both).to_bytes(3, "big") for both in packed)
        frame = np.full((24, 24), 0xABCD, np.uint16)  # as many bytes
        data = tiff(frame).replace(frame.tobytes(), body)
        for tag, old, new in ((256, 24, 32), (258, 16, 12)):
            entry = struct.pack("<HHIH", tag, SHORT, 1, old)
            assert entry in data
            data = data.replace(entry, struct.pack("<HHIH", tag, SHORT, 1, new))
        assert np.array_equal(levels(data), shown(values, 4095))

    @pytest.mark.parametrize("white", [1000, 4095, 16383])
    def test_pgm(self, white: int) -> None:
        values = np.rint(RAMP * white / 20).astype(np.uint16)
        assert np.abs(levels(pgm(values, white)) - shown(values, white)).max() <= ROUNDING

    def test_jpeg_2000(self) -> None:
        values = np.rint(RAMP * 900).astype(np.uint16)
        assert levels(jpeg_2000(values)).max() == round(900 / 257)


class TestWhiteIsZero:
    """A TIFF whose values grow as it gets darker."""

    @pytest.mark.parametrize("bits", [8, 10, 12, 16])
    def test_of_16_bits(self, bits: int) -> None:
        values = np.rint(RAMP * (2**bits - 1)).astype(np.uint16)
        found = levels(tiff(values, more={262: (SHORT, 0)}))
        assert np.array_equal(found, 255 - shown(values, 2**bits - 1))

    def test_by_its_highest_value(self) -> None:
        values = np.rint(RAMP * 900).astype(np.uint16)
        found = levels(tiff(values, more={262: (SHORT, 0), 281: (SHORT, 4095)}))
        assert np.array_equal(found, 255 - shown(values, 4095))

    def test_of_8_bits(self) -> None:
        values = np.rint(RAMP * 255).astype(np.uint8)
        assert np.array_equal(levels(tiff(values, more={262: (SHORT, 0)})), 255 - values)


class Test32Bits:
    @pytest.mark.parametrize("dtype", [np.uint32, np.int32])
    @pytest.mark.parametrize("order", "<>")
    @pytest.mark.parametrize("most", [255, 65535])
    def test_values_that_fit_into_fewer_are_taken(
        self, dtype: type[Any], order: str, most: int
    ) -> None:
        if (dtype, order) == (np.uint32, ">"):
            pytest.skip("Pillow does not read it")
        values = np.rint(RAMP * most).astype(dtype)
        assert np.array_equal(levels(tiff(values, order)), shown(values, most))

    @pytest.mark.parametrize(
        "values", [RAMP * (2**31 - 1), RAMP * 70_000, RAMP * 2000 - 1000], ids=["32", "17", "-"]
    )
    def test_others_are_refused(self, values: Values) -> None:
        with pytest.raises(ImageError, match=r"grey values from .* whose range it does not tell"):
            load_image(tiff(values.astype(np.int32)))

    def test_floating_point_is_refused(self) -> None:
        with pytest.raises(ImageError, match="floating-point pixels"):
            load_image(tiff(RAMP.astype(np.float32)))


@pytest.mark.parametrize("mode", ["I;16", "I;16L", "I;16B", "I;16N", "I"])
def test_images_of_pillow(mode: str) -> None:
    values = np.rint(RAMP * 65535).astype(np.uint16)
    order = {"I;16B": ">u2", "I": "<i4"}.get(mode, "<u2")
    image = Image.frombytes(mode, (32, 24), values.astype(order).tobytes())
    assert np.array_equal(levels(image), shown(values, 65535))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("most", "white"), [(4095, 4095), (32640, 32767), (32767, 32767)])
def test_signed_16_bits_in_tiff(most: int, white: int, order: str) -> None:
    values = np.rint(RAMP * most).astype(np.int16)
    assert np.array_equal(levels(tiff(values, order)), shown(values, white))


@pytest.mark.parametrize("write", [png_of_16_bits, tiff], ids=["PNG", "TIFF"])
def test_colours_of_12_bits_in_16_are_refused_since_pillow_leaves_4(write: Any) -> None:
    colours = np.repeat(np.rint(RAMP[..., None] * 4095), 3, -1).astype(np.uint16)
    with pytest.raises(ImageError, match=r"nearly black.*Save it with 8 bits a channel"):
        load_image(write(colours))
    assert np.abs(levels(write(colours * 16)) - shown(colours[..., 0], 4095)).max() <= ROUNDING


class TestTheTransparentColourOfPng:
    """It is told in as many bits as the file has, of which Pillow makes 8."""

    @pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
    @pytest.mark.parametrize("part", [0, 1])
    def test_of_grey(self, bits: int, part: int) -> None:
        white = 2**bits - 1
        values = np.rint(RAMP * white).astype(np.uint16)
        clear = png_chunk(b"tRNS", struct.pack(">H", part * white))
        data = png_of_16_bits(values, clear) if bits == 16 else png_of_few_bits(values, bits, clear)
        assert np.array_equal(alpha_of(data), np.where(values == part * white, 0, 255))

    @pytest.mark.parametrize("clear", [(0x1234, 0x5678, 0x9ABC), (300, 0, 0), (0xFFFF, 0, 0)])
    def test_of_colours_of_16_bits(self, clear: tuple[int, int, int]) -> None:
        colours = np.full((24, 32, 3), 0xFFFF, np.uint16)
        colours[..., 1:] = 0x8000
        colours[4:9] = clear
        data = png_of_16_bits(colours, png_chunk(b"tRNS", struct.pack(">3H", *clear)))
        expected = np.full((24, 32), 255)
        expected[4:9] = 0
        assert np.array_equal(alpha_of(data), expected)


def alpha_of(data: bytes) -> Values:
    alpha = open_picture(data, alpha=True).seen((32, 24)).alpha
    assert alpha is not None
    return np.asarray(alpha)
