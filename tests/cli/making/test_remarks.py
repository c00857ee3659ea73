"""What would go unnoticed is said in one line each."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stylize.cli.app import app
from stylize.cli.making.remarks import of_files, of_model, of_optimizer, of_options, of_sizes
from stylize.runtime.method.options import AS_PUBLISHED, Options


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
        found = list(of_sizes((48, 32), None, Options(), size))
        assert len(found) == bool(remark)
        assert not remark or remark in found[0]

    def test_painting(self) -> None:
        (found,) = of_sizes(None, (48, 32), Options(), (480, 320))
        assert "The painting has 48x32 pixels, and is enlarged 10.0 times" in found
        for options in (Options(painting_size=48), Options(style_weight=0)):
            assert list(of_sizes(None, (48, 32), options, (480, 320))) == []

    def test_both_the_same(self, picture: Callable[..., Path], tmp_path: Path) -> None:
        one = picture()
        other = tmp_path / "link.png"
        other.symlink_to(one)
        assert list(of_files(one, other)) == ["The photo and the painting are the same file."]
        other = shutil.copy(one, tmp_path / "copy.png")
        for pair in ((one, other), (one, None), (one, tmp_path / "missing.png")):
            assert list(of_files(*pair)) == []


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
