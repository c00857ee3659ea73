"""Regions on the command line: how they are written, what is said of them, and once more."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from stylize.cli.app import app
from stylize.cli.making.regions import parse_region
from stylize.models.errors import OptionError
from stylize.runtime import load_image
from stylize.runtime.method.paintings import Painting
from stylize.runtime.method.regions import Mask, Region
from stylize.runtime.plans.recipe import read_recipe

FAILURE, USAGE = 1, 2
RUN = (
    *("run", "photo.png", "a.png", "-o", "out.png", "--size", "30", "--iterations", "2"),
    *("--style-layer", "conv1_1"),
)


@pytest.fixture(autouse=True)
def pictures(picture: Callable[..., Path]) -> None:
    """A photo, paintings and masks in the working folder."""
    for seed, name in enumerate(("photo.png", "a.png", "b.png")):
        picture(name, (60, 40), seed=seed)
    upper = np.zeros((40, 60), np.uint8)
    upper[:10] = 255
    save("sky.png", upper)
    save("ground.png", 255 - upper)
    save("white.png", np.full_like(upper, 255))
    save("black.png", np.zeros_like(upper))
    save("map.png", np.stack([upper, 0 * upper, 255 - upper], -1))


def save(name: str, pixels: np.ndarray) -> None:
    Image.fromarray(pixels).save(name)


def stylize(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def succeed(*arguments: str) -> list[str]:
    result = stylize(*arguments)
    assert result.exit_code == 0, result.stderr
    return result.stderr.splitlines()


def refusal(*arguments: str, code: int = USAGE) -> str:
    result = stylize(*arguments)
    assert result.exit_code == code, result.stderr
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    return last


def region(mask: str, painting: str, painting_mask: Mask[Path] | None = None) -> Region[Path]:
    return Region(Mask(Path(mask)), Painting(Path(painting)), painting_mask)


class TestParsing:
    def test_a_mask_and_a_painting(self) -> None:
        assert parse_region("sky.png=a.png") == region("sky.png", "a.png")

    def test_a_mask_of_the_painting(self) -> None:
        expected = region("sky.png", "a.png", Mask(Path("top.png")))
        assert parse_region("sky.png=a.png:top.png") == expected

    def test_colours(self) -> None:
        found = parse_region("map.png#red=a.png:b.png#00ff00")
        assert found.photo_mask == Mask(Path("map.png"), "red")
        assert found.painting_mask == Mask(Path("b.png"), "00ff00")

    @pytest.mark.parametrize("mask", ["s=k.png", "s:k.png", "s#k.png"])
    @pytest.mark.parametrize("painting", ["p=a.png", "p:a.png", "p#a.png"])
    def test_what_is_there_decides(self, mask: str, painting: str) -> None:
        for name in (mask, painting):
            Path(name).touch()
        assert parse_region(f"{mask}={painting}") == region(mask, painting)
        expected = region(mask, painting, Mask(Path(mask)))
        assert parse_region(f"{mask}={painting}:{mask}") == expected

    def test_drives_of_windows(self) -> None:
        expected = region(r"C:\s.png", r"D:\a.jpg")
        assert parse_region(r"C:\s.png=D:\a.jpg") == expected
        expected = region(r"C:\s.png", r"D:\a.jpg", Mask(Path("E:/m.png"), "red"))
        assert parse_region(r"C:\s.png=D:\a.jpg:E:/m.png#red") == expected

    def test_a_folder_is_one_style(self) -> None:
        Path("album").mkdir()
        for name in ("one.png", "two.png"):
            Path("a.png").rename(f"album/{name}")
            Path("b.png").rename("a.png") if Path("b.png").exists() else None
        weights = {each.picture.name: each.weight for each in parse_region("s=album").paintings}
        assert weights == {"one.png": 0.5, "two.png": 0.5}

    @pytest.mark.parametrize("text", ["", "sky.png", "=a.png", "sky.png=", "="])
    def test_what_is_missing(self, text: str) -> None:
        with pytest.raises(OptionError) as error:
            parse_region(text)
        assert str(error.value).startswith(
            f"--region is '{text}'; write a mask of the photo and a painting: sky.png=starry.jpg."
        )


class TestRemarks:
    def told(self, *arguments: str) -> list[str]:
        lines = succeed(*RUN, *arguments)
        return [line for line in lines if not line.startswith(("1/2", "2/2", "out.png", "Using"))]

    def test_what_has_which_style(self) -> None:
        told = self.told("--region", "map.png#red=b.png:sky.png")
        assert "Style in map.png#red, 25% of the photo: b.png within sky.png" in told
        assert "Style elsewhere, 75% of the photo: a.png" in told

    def test_masks_that_overlap_and_leave_nothing(self) -> None:
        told = self.told("--region", "white.png=b.png", "--region", "sky.png=b.png")
        assert "Style in white.png, 88% of the photo: b.png" in told
        assert "Style in sky.png, 12% of the photo: b.png" in told
        assert "Masks overlap in 25% of the photo: their styles mix there." in told
        assert "PAINTING does nothing: the masks cover all of the photo." in told
        assert not [line for line in told if line.startswith("Style elsewhere")]

    def test_masks_that_meet_do_not_overlap(self) -> None:
        told = self.told("--region", "sky.png=b.png", "--region", "ground.png=b.png")
        assert not [line for line in told if line.startswith("Masks overlap")]

    def test_too_little(self, picture: Callable[..., Path]) -> None:
        dot = np.zeros((400, 600), np.uint8)
        dot[9, 9] = 255
        save("dot.png", dot)
        told = self.told("--region", "dot.png=b.png:sky.png")
        assert "Style in dot.png, 0.00042% of the photo: b.png within sky.png" in told
        assert "dot.png covers 0.0025 pixels: hardly room for a style." in told
        little = "The mask 'sky.png' leaves 150 pixels of 'b.png': little of its style. "
        assert [line for line in told if line.startswith(little)]

    def test_no_style_at_all(self) -> None:
        told = self.told("--region", "sky.png=b.png", "--style-weight", "0")
        assert "The regions do nothing: the style weight is 0." in told


class TestRefusals:
    def test_neither_painting_nor_region(self) -> None:
        for command in ("run", "plan"):
            assert "or a --region with a painting of its own" in refusal(command, "photo.png")

    def test_masks_that_do_not_fit(self) -> None:
        save("square.png", np.full((40, 40), 255, np.uint8))
        found = refusal(*RUN, "--region", "square.png=b.png", code=FAILURE)
        assert "The mask 'square.png' has 40x40 pixels, the photo 60x40. Their prop" in found

    @pytest.mark.parametrize("region", ["black.png=b.png", "sky.png=b.png:black.png"])
    def test_black(self, region: str) -> None:
        for quiet in ((), ("--quiet",)):
            result = stylize(*RUN, "--region", region, *quiet)
            assert result.exit_code == USAGE
            assert result.stderr.startswith(
                "Error: The mask 'black.png' covers nothing: it is black. Make white what"
            )

    def test_one_pixel(self) -> None:
        save("one.png", np.full((1, 1), 255, np.uint8))
        assert "'one.png' is 1x1 pixels" in refusal(*RUN, "--region", "one.png=b.png", code=FAILURE)

    def test_a_file_that_is_not_there(self) -> None:
        found = refusal(*RUN, "--region", "sky.png=none.png:top.png", code=FAILURE)
        assert "There is no picture 'none.png'." in found

    def test_a_texture_has_no_regions(self) -> None:
        found = refusal("texture", "a.png", "--region", "sky.png=b.png")
        assert "No such option: --region" in found

    def test_a_mask_is_not_overwritten(self) -> None:
        arguments = [*RUN[:4], "sky.png", *RUN[5:], "--region", "sky.png=b.png"]
        assert "'sky.png' would overwrite 'sky.png'." in refusal(*arguments)


class TestRerun:
    REGIONS = ("--region", "map.png#red=b.png:sky.png", "--region", "map.png#blue=b.png")

    def test_gives_the_same(self) -> None:
        succeed(*RUN, *self.REGIONS)
        assert "Style in map.png#blue, 75% of the photo: b.png" in succeed("rerun", "out.png")
        assert read_recipe(Path("out-again.png")) == read_recipe(Path("out.png"))
        one, other = (np.asarray(load_image(f"{name}.png")) for name in ("out", "out-again"))
        assert np.array_equal(one, other)
        told = json.loads(stylize("rerun", "out.png", "--show").stdout)
        first, second = told["regions"]
        assert (first["photo_mask"]["path"], first["photo_mask"]["colour"]) == ("map.png", "red")
        assert first["painting_mask"]["path"] == "sky.png"
        assert (second["paintings"][0]["path"], second["painting_mask"]) == ("b.png", None)

    def test_another_colour_is_another_picture(self) -> None:
        recipes = []
        for mask in ("map.png#red", "map.png#blue"):
            succeed(*RUN, "--region", f"{mask}=b.png")
            recipes.append(read_recipe(Path("out.png")))
        assert recipes[0].differences(recipes[1]) == ["regions"]

    def test_files_that_were_moved(self) -> None:
        succeed(*RUN, *self.REGIONS)
        Path("moved").mkdir()
        Path("map.png").rename("moved/m.png")
        found = refusal("rerun", "out.png", code=FAILURE)
        assert "There is no 'map.png'" in found
        assert "Say where it lies now with --mask." in found
        Path("b.png").rename("moved/b.png")
        painting = ("--painting", "moved/b.png")
        succeed("rerun", "out.png", "--mask", "moved/m.png", *painting)
        assert read_recipe(Path("out-again.png")).regions[0].paintings[0].path == "moved/b.png"
        found = refusal("rerun", "out.png", *painting, "--mask", "ground.png", code=FAILURE)
        assert "'ground.png' is none of the pictures that were used." in found
