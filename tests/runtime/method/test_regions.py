"""Regions: what a caller may give, and their pictures once these are opened."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("onnxruntime", reason="makes pictures")

import stylize.runtime
from stylize.models.errors import ImageError, OptionError
from stylize.runtime import Mask, Model, Options, Painting, Region, Scene, transfer
from stylize.runtime.method.parts import coverage, open_parts
from stylize.runtime.pictures.reading import open_picture

SIZE = (60, 40)
PHOTO = open_picture(Image.new("RGB", SIZE))
WHITE = Image.new("L", SIZE, 255)
PAINTING = Image.new("RGB", (30, 30), "green")


class TestRegion:
    def test_takes_what_a_painting_takes(self) -> None:
        whole = Region(Mask("sky.png"), [Painting("a.jpg"), Painting("b.jpg")], Mask("top.png"))
        assert Region("sky.png", ["a.jpg", "b.jpg"], "top.png") == whole
        assert Region("sky.png", ("a.jpg", Painting("b.jpg")), Mask("top.png")) == whole
        assert whole.pictures == ("sky.png", "top.png", "a.jpg", "b.jpg")

    def test_may_have_no_mask_of_the_painting(self) -> None:
        region = Region(Mask("map.png", "red"), Painting("a.jpg", 2))
        assert region.paintings == (Painting("a.jpg", 2),)
        assert (region.painting_mask, region.masks) == (None, (Mask("map.png", "red"),))

    def test_takes_arrays(self) -> None:
        array = np.zeros((40, 60), np.uint8)
        assert Region(array, PAINTING, array).masks == (Mask(array), Mask(array))

    def test_has_a_painting(self) -> None:
        with pytest.raises(OptionError, match="A region has no painting"):
            Region("sky.png", [])

    def test_is_public(self) -> None:
        assert {"Mask", "Region"} <= {*stylize.runtime.__all__}


class TestParts:
    def test_there_may_be_none(self) -> None:
        assert open_parts([], None) == ()

    def test_need_a_photo(self) -> None:
        with pytest.raises(OptionError, match="There is no photo for the regions to be parts of"):
            open_parts([Region(WHITE, PAINTING)], None)

    def test_a_texture_has_none(self) -> None:
        with pytest.raises(OptionError, match="There is no photo for the regions"):
            Scene(Model.open("compact", "cpu"), None, PAINTING, [Region(WHITE, PAINTING)])

    def test_a_transfer_takes_them(self) -> None:
        """What is beyond the region and its surroundings stays as it was."""
        left = np.zeros((40, 60), np.uint8)
        left[:, :20] = 255
        region, options = Region(left, PAINTING), Options(size=60, iterations=2, scales=1)
        model = Model.open("compact", "cpu")
        (*_, last) = transfer(model, PHOTO.source, options=options, regions=[region])
        found = np.asarray(last.best.image, int)
        assert abs(found[:, :20]).max() > 10
        assert abs(found[:, -8:]).max() < 3

    def test_colours_of_one_file_know_each_other(self, tmp_path: Path) -> None:
        path = tmp_path / "map.png"
        Image.new("RGB", SIZE, "red").save(path)
        regions = [
            Region(Mask(path, "red"), PAINTING),
            Region(Mask(str(path), "blue"), PAINTING),
            Region(Mask(path), PAINTING),
        ]
        red, blue, white = (part.stencil for part in open_parts(regions, PHOTO))
        assert (red.colour, red.others) == ((255, 0, 0), ((0, 0, 255),))
        assert (blue.colour, blue.others) == ((0, 0, 255), ((255, 0, 0),))
        assert (white.colour, white.others) == (None, ())
        assert red.name == f"The mask '{path}#red'"

    def test_masks_fit_what_they_lie_over(self) -> None:
        with pytest.raises(ImageError, match="A mask has 30x30 pixels, the photo 60x40"):
            open_parts([Region(PAINTING, PAINTING)], PHOTO)
        with pytest.raises(ImageError, match="A mask has 60x40 pixels, the painting 30x30"):
            open_parts([Region(WHITE, PAINTING, WHITE)], PHOTO)

    def test_a_colour_that_is_none(self) -> None:
        with pytest.raises(OptionError, match="'rde' is no colour"):
            open_parts([Region(Mask(WHITE, "rde"), PAINTING)], PHOTO)

    def test_coverage(self) -> None:
        left, top = np.zeros((2, 40, 60), np.uint8)
        left[:, :30] = top[:10] = 255
        parts = open_parts([Region(left, PAINTING), Region(top, PAINTING)], PHOTO)
        found = coverage(parts, PHOTO, (30, 20), cut=False)
        assert found.shares == pytest.approx((0.4375, 0.1875))
        assert found.overlap == pytest.approx(0.125)
        assert found.rest == pytest.approx(0.375)
