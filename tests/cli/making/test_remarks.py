"""What would go unnoticed is said in one line each."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from stylize.cli.app import app
from stylize.cli.making.remarks import (
    of_blend,
    of_files,
    of_model,
    of_optimizer,
    of_options,
    of_pictures,
    of_shares,
    of_sizes,
)
from stylize.runtime.method.options import AS_PUBLISHED, Colors, Options
from stylize.runtime.method.paintings import Painting


def test_an_earlier_optimiser_is_told_of() -> None:
    (told,) = of_optimizer(Options(), {"image", "total", "reach"})
    assert told.startswith("The model was exported by an earlier release: pixels are not bounded")
    assert not list(of_optimizer(Options(), {"image", "least", "most"}))
    assert not list(of_optimizer(AS_PUBLISHED, {"image"}))


@pytest.mark.parametrize(
    ("given", "options", "remark"),
    [
        ("seed", Options(), "The seed does nothing: the picture starts from the photo, not"),
        ("seed", Options(init="a b.png"), "starts from 'a b.png', not from noise."),
        ("history", Options(optimizer="adam"), "The history does nothing: only L-BFGS has one"),
        ("content_layers", Options(content_weight=0), "The content layers do nothing:"),
        ("style_layers", Options(style_weight=0), "The style layers do nothing:"),
        ("painting_size", Options(style_weight=0), "The painting's size does nothing:"),
        ("colors", Options(style_weight=0), "The colours do nothing:"),
        ("crop_painting", Options(style_weight=0), "Cropping the painting does nothing:"),
        ("strength", Options(content_weight=0), "The strength does nothing:"),
    ],
)
def test_an_option_that_does_nothing(given: str, options: Options, remark: str) -> None:
    (found,) = of_options(options, {given, "size"})
    assert remark in found
    assert list(of_options(options, {"size"})) == []


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ("seed", Options(init="noise")),
        ("seed", Options(init="grey")),
        ("history", Options()),
        ("content_layers", Options()),
    ],
)
def test_one_that_does_something(given: str, options: Options) -> None:
    assert list(of_options(options, {given})) == []


def test_a_preset_for_another_pooling() -> None:
    (found,) = of_model("gatys-code", "average")
    assert "'gatys-code' is meant for max pooling, and the model has average pooling." in found
    for preset, pooling in (("gatys-code", "max"), ("stylize", "max"), (None, "max")):
        assert list(of_model(preset, pooling)) == []


class TestPictures:
    @pytest.mark.parametrize(
        ("size", "remark"),
        [
            ((48, 32), None),
            ((46, 32), None),
            ((32, 32), "32x32 cuts 33% off the photo, which is 48x32."),
            ((90, 60), None),
            ((480, 320), "The photo has 48x32 pixels, and is enlarged 10.0 times"),
        ],
    )
    def test_photo(self, size: tuple[int, int], remark: str | None) -> None:
        found = list(of_sizes((48, 32), (), Options(), size))
        assert len(found) == bool(remark)
        assert not remark or remark in found[0]

    def test_painting(self) -> None:
        (found,) = of_sizes(None, [(48, 32)], Options(), (480, 320))
        assert "The painting has 48x32 pixels, and is enlarged 10.0 times" in found
        for options in (Options(painting_size=48), Options(style_weight=0)):
            assert list(of_sizes(None, [(48, 32)], options, (480, 320))) == []
        (found,) = of_sizes(None, [(48, 32), (480, 320)], Options(), (480, 320))
        assert found.startswith("A painting has 48x32 pixels")

    def test_both_the_same(self, picture: Callable[..., Path], tmp_path: Path) -> None:
        one = picture()
        other = tmp_path / "link.png"
        other.symlink_to(one)
        said = list(of_files(one, [Painting(other)]))
        assert said == ["The photo and the painting are the same file."]
        copy = shutil.copy(one, tmp_path / "copy.png")
        said = list(of_files(one, [Painting(copy), Painting(other)]))
        assert said == ["The photo and a painting are the same file."]
        for others in ([], [copy], [tmp_path / "missing.png"]):
            assert list(of_files(one, [Painting(each) for each in others])) == []
        assert list(of_files(None, [Painting(one)])) == []


class TestBlends:
    def test_a_painting_that_does_nothing(self) -> None:
        paintings = [Painting(Path("a.png")), Painting(Path("b.png"), 0.0)]
        assert list(of_blend(paintings, Options())) == [
            "The painting 'b.png' does nothing: its weight is 0."
        ]
        paintings = [Painting(Path("a.png")), Painting(Path("b.png"), layers=("conv1_1",))]
        assert list(of_blend(paintings, Options())) == []
        assert list(of_blend(paintings, Options(style_layers=("conv1_1",)))) == [
            "The painting 'a.png' does nothing: others are named for all layers."
        ]
        assert list(of_blend(paintings, Options(style_weight=0))) == []

    def test_shares(self) -> None:
        paintings = [
            *(Painting(Path("album/a.png"), 3), Painting(Path("b.png"))),
            Painting(Path("c.png"), layers=("conv3_1", "conv1_1")),
        ]
        assert list(of_shares(paintings, Options())) == [
            "Style at conv1_1, conv3_1: 100% c.png",
            "Style at conv2_1, conv4_1: 75% a.png, 25% b.png",
        ]
        for none in (paintings[:1], paintings * 9, ()):
            assert list(of_shares(none, Options())) == []
        assert list(of_shares(paintings, Options(style_weight=0))) == []

    def test_very_many(self) -> None:
        (said,) = of_blend([Painting(Path(f"{n}.png")) for n in range(40)], Options())
        assert said.startswith("40 paintings are blended")


class TestLooks:
    """What is said of what is in the pictures."""

    @pytest.fixture
    def framed(self, tmp_path: Path) -> Path:
        """A painting of 200x100 with a white border of 6 pixels."""
        levels = np.full((100, 200, 3), 250, np.uint8)
        levels[6:-6, 6:-6] = np.random.default_rng(0).integers(0, 255, (88, 188, 3))
        Image.fromarray(levels).save(tmp_path / "framed.png")
        return tmp_path / "framed.png"

    def test_a_border(self, framed: Path) -> None:
        (said,) = of_pictures(None, [Painting(framed)], Options())
        assert said.endswith(
            "framed.png' has a border of one colour, which would be painted, too. To leave it out: "
            "--crop-painting 6.5%"
        )
        for options in (Options(crop_painting=0.065), Options(crop_painting=6)):
            assert list(of_pictures(None, [Painting(framed)], options)) == []
        assert list(of_pictures(framed, [], Options())) == [], "a photo may have one"

    def test_one_colour(self, tmp_path: Path) -> None:
        Image.new("RGB", (64, 48), (200, 30, 30)).save(tmp_path / "red.png")
        (said,) = of_pictures(None, [Painting(tmp_path / "red.png")], Options())
        assert said.endswith("red.png' has one colour. There is no more to take of it.")

    @pytest.mark.parametrize("colors", get_args(Colors))
    def test_a_grey_photo(self, colors: Colors, picture: Callable[..., Path]) -> None:
        Image.open(picture("photo.png")).convert("L").save("grey.png")
        photo, painting = Path("grey.png"), [Painting(Path("photo.png"))]
        said = list(of_pictures(photo, painting, Options(colors=colors)))
        assert [each.startswith("The photo is grey") for each in said] == [True] * (
            colors != "painting"
        )
        assert list(of_pictures(Path("photo.png"), painting, Options(colors=colors))) == []


@pytest.mark.parametrize(
    "command",
    [
        ["run", "photo.png", "photo.png", "--size", "48"],
        ["grid", "photo.png", "photo.png", "--init", "photo", "--size", "48"],
    ],
    ids=lambda command: command[0],
)
def test_are_said_once_before_the_work(command: list[str], picture: Callable[..., Path]) -> None:
    picture("photo.png")
    grid = ["--up-to", "conv1_1", "--ratio", "1e-3", "--ratio", "1e-2"]
    more = grid if command[0] == "grid" else ["--style-layer", "conv1_1"]
    arguments = [*command, *more, "--seed", "3", "--iterations", "1"]
    said = CliRunner().invoke(app, arguments).stderr.splitlines()
    remarks = [line for line in said if "does nothing" in line or "the same file" in line]
    assert len(remarks) == 2
    assert said.index(remarks[1]) < next(i for i, line in enumerate(said) if " left" in line)


def test_a_wrong_picture_is_the_only_thing_said(picture: Callable[..., Path]) -> None:
    picture("photo.png")
    result = CliRunner().invoke(app, ["run", "photo.png", "missing.png"])
    assert result.stderr == "Error: There is no picture 'missing.png'. Check the path.\n"
