"""Masks follow what they lie over: its size, its cut, its crop; in files of any kind."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from stylize.models.errors import ImageError, OptionError
from stylize.runtime.pictures.masks import NEAR, Stencil, colour_named, covering
from stylize.runtime.pictures.reading import Picture, open_picture

Array = npt.NDArray[np.float32]
RED, BLUE, BLACK = (255, 0, 0), (0, 0, 255), (0, 0, 0)
SIZE = (60, 40)
JPEG_EDGE = 0.005
"""Part of a picture by which what belongs to a colour is off: a line of pixels."""


def levels(size: tuple[int, int] = SIZE, seed: int = 0) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, size[::-1], np.uint8)


def stencil(source: object, **colours: object) -> Stencil:
    return Stencil(open_picture(source, alpha=True), "The mask", **colours)  # type: ignore[arg-type]


def blank(size: tuple[int, int] = SIZE) -> Picture:
    return open_picture(Image.new("RGB", size))


def coloured(size: tuple[int, int] = (300, 200)) -> Image.Image:
    """Return a picture whose upper half is red, and whose lower half is blue left and black."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[:101] = RED
    pixels[101:, :151] = BLUE
    return Image.fromarray(pixels)


class TestGrey:
    def test_is_lightness(self) -> None:
        mask = levels()
        assert np.array_equal(stencil(mask).over(blank(), SIZE), mask.astype(np.float32) / 255)

    def test_is_reduced_to_means(self) -> None:
        mask = levels()
        found = stencil(mask).over(blank((120, 80)), (20, 10))
        expected = mask.reshape(10, 4, 20, 3).mean((1, 3)) / 255
        assert found == pytest.approx(expected, abs=1e-6)

    def test_parts_of_its_pixels_count_as_parts(self) -> None:
        mask = levels()
        found = stencil(mask).over(blank(), (40, 25))
        columns, rows = (np.repeat(np.eye(side), 10, axis=0) for side in SIZE)
        fine = rows @ mask @ columns.T  # a pixel is 10x10, of which 16x15 are put together
        assert found == pytest.approx(fine.reshape(25, 16, 40, 15).mean((1, 3)) / 255, abs=1e-6)

    def test_is_enlarged_without_going_beyond(self) -> None:
        found = stencil((levels() // 128) * np.uint8(255)).over(blank(), (131, 77))
        assert (found.min(), found.max()) == (0, 1)
        assert found.shape == (77, 131)

    def test_is_cut_as_its_picture_is(self) -> None:
        mask = levels()
        found = stencil(mask).over(blank(), (30, 40), cut=True)
        seen = open_picture(np.stack([mask] * 3, -1)).seen((30, 40), cut=True)
        assert np.array_equal(found * 255, np.asarray(seen.colours)[..., 0])

    @pytest.mark.parametrize("cut", [False, True])
    def test_is_cropped_as_its_picture_is(self, cut: bool) -> None:
        mask = levels()
        picture = open_picture(np.stack([mask] * 3, -1)).cropped(7)
        size = (26, 26) if cut else (46, 26)
        found = stencil(mask).over(picture, size, cut)
        assert np.array_equal(found * 255, np.asarray(picture.seen(size, cut).colours)[..., 0])

    def test_follows_a_picture_of_another_size(self) -> None:
        """A mask of a third of the photo's side, cut with it: each pixel is a mean of 4."""
        mask = levels()
        found = stencil(mask).over(blank((180, 120)), (20, 20), cut=True)
        expected = mask[:, 10:50].reshape(20, 2, 20, 2).mean((1, 3)) / 255
        assert found == pytest.approx(expected, abs=1e-6)

    def test_of_a_very_large_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("stylize.runtime.pictures.reading.WHOLE_PIXELS", 1000)
        mask = levels((240, 160))
        found = stencil(mask).over(blank((240, 160)), (30, 20))
        expected = mask.reshape(20, 8, 30, 8).mean((1, 3)) / 255
        assert found == pytest.approx(expected, abs=1 / 255)

    def test_transparent_is_outside(self) -> None:
        mask, alpha = levels(seed=1), levels(seed=2)
        found = stencil(np.stack([mask, mask, mask, alpha], -1)).over(blank(), SIZE)
        assert found * 255 == pytest.approx(mask * (alpha / 255), abs=1.0)


@pytest.mark.parametrize(
    "convert",
    [
        lambda mask: mask.convert("1"),
        lambda mask: mask.convert("P"),
        lambda mask: mask.convert("CMYK"),
        lambda mask: mask.convert("LA"),
        lambda mask: Image.fromarray(np.asarray(mask).astype(np.uint16) * 257),
    ],
    ids=["1", "P", "CMYK", "LA", "16 bits"],
)
def test_kinds_of_files(tmp_path: Path, convert: Callable[[Image.Image], Image.Image]) -> None:
    mask = (levels() // 128) * np.uint8(255)
    path = tmp_path / "mask.tif"
    convert(Image.fromarray(mask)).save(path)
    assert np.array_equal(stencil(path).over(blank(), SIZE), mask / 255)


def test_a_file_that_is_turned(tmp_path: Path) -> None:
    mask, exif = Image.fromarray(levels()), Image.Exif()
    exif[274] = 6
    mask.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "mask.png", exif=exif)
    found = stencil(tmp_path / "mask.png")
    found.check(blank(), "photo")
    assert np.array_equal(found.over(blank(), SIZE) * 255, np.asarray(mask))


class TestColours:
    @pytest.mark.parametrize("options", [{}, {"quality": 60}], ids=["png", "jpeg"])
    def test_of_a_file(self, tmp_path: Path, options: dict[str, int]) -> None:
        path = tmp_path / ("map.jpg" if options else "map.png")
        coloured().save(path, **options)
        red, blue = (
            stencil(path, colour=colour, others=(other,)).over(blank((300, 200)), (300, 200))
            for colour, other in ((RED, BLUE), (BLUE, RED))
        )
        assert red.mean() == pytest.approx(101 / 200, abs=JPEG_EDGE)
        assert blue.mean() == pytest.approx(99 / 200 * 151 / 300, abs=JPEG_EDGE)
        whole = red + blue
        assert (whole[:, :140] == 1).all(), "no seam is left between the two"
        assert not whole[110:, 160:].any(), "black is not named"

    def test_edges_become_soft(self) -> None:
        found = stencil(coloured(), colour=RED).over(blank((300, 200)), (30, 20))
        assert found[:, 0] == pytest.approx([*[1.0] * 10, 0.1, *[0.0] * 9], abs=1e-6)

    def test_the_nearest_counts(self) -> None:
        pixels = np.full((20, 20, 3), (40, 0, 0), np.uint8)
        pixels[:5] = (NEAR + 4, 0, 0)
        pixels[5:10] = (NEAR + 60, 0, 0)
        black, red = (
            stencil(pixels, colour=own, others=(other,)).over(blank((20, 20)), (20, 20))
            for own, other in ((BLACK, (110, 0, 0)), ((110, 0, 0), BLACK))
        )
        assert black[:, 0].tolist() == [0.0] * 10 + [1.0] * 10
        assert red[:, 0].tolist() == [1.0] * 10 + [0.0] * 10

    def test_what_is_far_from_all_belongs_to_none(self) -> None:
        pixels = np.full((20, 20, 3), (0, NEAR + 4, 0), np.uint8)
        pixels[:10] = (0, NEAR - 4, 0)
        found = stencil(pixels, colour=BLACK).over(blank((20, 20)), (20, 20))
        assert found[:, 0].tolist() == [1.0] * 10 + [0.0] * 10

    def test_transparent_is_outside(self) -> None:
        mask = coloured().convert("RGBA")
        mask.putalpha(0)
        mask.paste((255, 0, 0, 128), (0, 0, 10, 10))
        found = stencil(mask, colour=RED).over(blank((300, 200)), (300, 200))
        assert found.sum() == pytest.approx(100 * 128 / 255, abs=1e-3)

    @pytest.mark.parametrize("text", ["red", "f00", "#ff0000", "ff0000", "Red"])
    def test_are_named(self, text: str) -> None:
        assert colour_named(text) == RED

    @pytest.mark.parametrize("text", ["", "rde", "ff0000ff0", "#"])
    def test_what_is_none(self, text: str) -> None:
        with pytest.raises(OptionError, match=f"'{text}' is no colour. Write six"):
            colour_named(text)


class TestCovering:
    def test_alone_they_stay(self) -> None:
        one, other = np.float32([[0, 0.25, 1]]), np.float32([[1, 0.5, 0]])
        assert np.array_equal(covering([one, other]), np.stack([one, other]))

    def test_where_they_overlap_they_share(self) -> None:
        one, other = np.float32([[1, 1, 0.5]]), np.float32([[1, 0.25, 0]])
        found = covering([one, other])
        assert found.tolist() == [[[0.5, np.float32(0.8), 0.5]], [[0.5, np.float32(0.2), 0]]]

    def test_the_masks_are_not_changed(self) -> None:
        one = np.ones((2, 2), np.float32)
        covering([one, one])
        assert (one == 1).all()


class TestProportions:
    @pytest.mark.parametrize("size", [(300, 200), (150, 100), (31, 20), (3001, 2000)])
    def test_that_fit(self, size: tuple[int, int]) -> None:
        stencil(Image.new("L", size)).check(blank((300, 200)), "photo")

    @pytest.mark.parametrize("size", [(300, 300), (200, 300), (150, 104), (3001, 2010)])
    def test_that_differ(self, size: tuple[int, int]) -> None:
        with pytest.raises(ImageError) as error:
            stencil(Image.new("L", size)).check(blank((300, 200)), "photo")
        assert str(error.value) == (
            f"The mask has {size[0]}x{size[1]} pixels, the photo 300x200. Their proportions "
            "differ. Save the mask in those of the photo, in any size."
        )

    def test_are_those_of_the_whole_painting(self) -> None:
        stencil(Image.new("L", (30, 20))).check(blank((300, 200)).cropped(50), "painting")


class TestNothing:
    def test_black(self) -> None:
        with pytest.raises(OptionError, match="The mask covers nothing: it is black"):
            stencil(Image.new("L", SIZE)).over(blank(), SIZE)

    @pytest.mark.parametrize("side", [40, 37, 50])
    def test_cut_off(self, side: int) -> None:
        mask = np.zeros(SIZE[::-1], np.uint8)
        mask[:, :9] = 255
        with pytest.raises(OptionError, match=r"what it covers is cut off\. Cut or"):
            stencil(mask).over(blank(), (side, side), cut=True)

    def test_another_colour(self) -> None:
        with pytest.raises(OptionError, match=r"pixels of that colour. Most have ff0000, (0.*, ?)"):
            stencil(coloured(), colour=(255, 165, 0)).over(blank((300, 200)), (30, 20))

    def test_one_pixel_is_something(self) -> None:
        mask = np.zeros((400, 600), np.uint8)
        mask[5, 5] = 255
        found = stencil(mask).over(blank(), SIZE)
        assert found.sum() == pytest.approx(0.01, rel=1e-5)
