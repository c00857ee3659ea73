"""Paintings on the command line: several, blends, folders, layers; and what is wrong with them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from stylize.cli.app import app
from stylize.cli.making.paintings import named_paintings, style_of, title
from stylize.models.errors import ImageError
from stylize.runtime import load_image
from stylize.runtime.method.paintings import Painting
from stylize.runtime.plans.recipe import read_recipe

SHORT = ("--size", "32", "--iterations", "2")
LAYERS = ("--style-layer", "conv1_1", "--style-layer", "conv2_1")
RUN = ("run", "photo.png", "a.png")
USAGE = 2


@pytest.fixture(autouse=True)
def pictures(picture: Callable[..., Path]) -> None:
    """A photo and paintings in the working folder."""
    for seed, name in enumerate(("photo.png", "a.png", "b.png", "c.png")):
        picture(name, (40 + seed, 36), seed=seed)


@pytest.fixture
def album(picture: Callable[..., Path]) -> Path:
    """A folder with two paintings, and what else lies in folders."""
    Path("album/more.png").mkdir(parents=True)
    Path("album/more.png").rmdir()
    picture("album/two.PNG", seed=9)
    picture("album/one.jpeg", seed=8)
    Path("album/notes.txt").write_text("Not a picture.")
    Path("album/._one.jpeg").write_bytes(b"\0")
    return Path("album")


def stylize(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def succeed(*arguments: str) -> Result:
    result = stylize(*arguments)
    assert result.exit_code == 0, result.stderr
    return result


def refusal(*arguments: str, code: int = USAGE) -> str:
    result = stylize(*arguments)
    assert result.exit_code == code, result.stderr
    return result.stderr


def same(one: str, other: str) -> bool:
    return np.array_equal(np.asarray(load_image(one)), np.asarray(load_image(other)))


class TestNamed:
    def test_all_alike(self) -> None:
        found = named_paintings([Path("a.png"), Path("b.png")])
        assert found == (Painting(Path("a.png")), Painting(Path("b.png")))

    def test_blend(self) -> None:
        found = named_paintings([Path("a.png"), Path("b.png")], "3, 0.5")
        assert [each.weight for each in found] == [3, 0.5]

    def test_a_folder_is_one_style(self, album: Path) -> None:
        found = named_paintings([Path("a.png"), album], "1,3", ["conv1_1=album"])
        one, two = album / "one.jpeg", album / "two.PNG"
        assert found == (
            *(Painting(Path("a.png"), 1), Painting(one, 1.5), Painting(two, 1.5)),
            *(Painting(one, 0.5, ("conv1_1",)), Painting(two, 0.5, ("conv1_1",))),
        )

    def test_layers(self) -> None:
        named = ["conv1_1,conv2_1=b.png", "conv3_1=with=equals.png"]
        _, one, two = named_paintings([Path("a.png")], None, named)
        assert one == Painting(Path("b.png"), 1, ("conv1_1", "conv2_1"))
        assert two == Painting(Path("with=equals.png"), 1, ("conv3_1",))

    def test_titles(self) -> None:
        files = [Path(f"{n}.jpg") for n in range(40)]
        assert title(files[:4]) == ["0", "1", "2", "3"]
        assert title(files) == ["0", "1", "2", "and-37-more"]


class TestWrong:
    @pytest.mark.parametrize(
        ("blend", "message"),
        [
            ("1,2,3", "--blend has 3 numbers for 2 paintings. Give one for each"),
            ("1", "--blend has 1 number for 2 paintings."),
            ("0,0", "--blend is '0,0', which leaves nothing: one must be more than 0."),
            ("1,-1", "The weight of a painting is -1.0; it must be from 0 to 1e+30."),
            ("1,nan", "The weight of a painting is nan; it must be from 0"),
            ("1,1e31", "it must be from 0 to 1e+30."),
            ("1,two", "--blend is '1,two'; write a number for each painting: 3,1,1."),
            ("", "--blend is ''; write a number for each"),
        ],
    )
    def test_blend(self, blend: str, message: str) -> None:
        assert message in refusal(*RUN, "b.png", "--blend", blend)

    @pytest.mark.parametrize(
        ("named", "message"),
        [
            (["conv1_1"], "--painting-for is 'conv1_1'; write layers and their painting"),
            (["=b.png"], "--painting-for is '=b.png'; write layers"),
            (["conv1_1,=b.png"], "write layers and their painting"),
            (["conv1_1,conv1_1=b.png"], "--painting-for names conv1_1 twice."),
            (["conv1_1=b.png", "conv2_1,conv1_1=c.png"], "--painting-for names conv1_1 twice."),
            (["conv5_1=b.png"], "A painting is named for conv5_1, which has no style loss"),
            (["conv9_9=b.png"], "A painting is named for conv9_9, which has no style loss"),
        ],
    )
    def test_layers(self, named: list[str], message: str) -> None:
        options = [word for text in named for word in ("--painting-for", text)]
        assert message in refusal(*RUN, *options)

    def test_a_folder_without_pictures(self, album: Path) -> None:
        for each in album.iterdir():
            each.unlink()
        assert "The folder 'album' has no pictures in it." in refusal(
            "run", "a.png", "album", code=1
        )

    def test_a_folder_of_too_many(self, album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("stylize.cli.making.paintings.MOST", 1)
        with pytest.raises(ImageError, match="has 2 pictures; a style is of 1 at most"):
            style_of(album)

    def test_a_painting_too_small(self, picture: Callable[..., Path]) -> None:
        picture("tiny.png", (10, 10))
        found = refusal(*RUN, "tiny.png", code=1)
        assert "'tiny.png' is 10x10 pixels; both sides must have 16 at least." in found

    @pytest.mark.parametrize("other", ["--style-weight", "--content-weight"])
    def test_strength_beside_a_weight(self, other: str) -> None:
        for command in ("run", "plan"):
            found = refusal(command, *RUN[1:], "--strength", "60", other, "3")
            assert f"--strength and {other} set the same" in found

    def test_an_output_that_is_a_painting(self) -> None:
        assert "'b.png' would overwrite 'b.png'" in refusal(*RUN, "b.png", "-o", "b.png")


class TestRun:
    def test_again_bit_for_bit(self) -> None:
        blend = ("b.png", "--blend", "3,1", "--painting-for", "conv2_1=c.png")
        more = ("--crop-painting", "5%", "--colors", "photo-matched", "--strength", "70")
        weights = ("--style-layer", "conv1_1=2", "--style-layer", "conv2_1")
        succeed(*RUN, *blend, *more, *weights, *SHORT, "-o", "out.png")
        recipe = read_recipe(Path("out.png"))
        assert [(each.path, each.weight, each.layers) for each in recipe.paintings] == [
            ("a.png", 3, ()),
            ("b.png", 1, ()),
            ("c.png", 1, ("conv2_1",)),
        ]
        assert recipe.options.style_layers == {"conv1_1": 2, "conv2_1": 1}
        assert (recipe.options.crop_painting, recipe.options.strength) == (0.05, 70)
        succeed("rerun", "out.png")
        assert same("out.png", "out-again.png")

    def test_every_part_counts(self) -> None:
        arguments = {
            "one": (),
            "two": ("b.png",),
            "blend": ("b.png", "--blend", "3,1"),
            "layers": ("--painting-for", "conv2_1=b.png"),
            "weight": ("--style-layer", "conv1_1=9"),
            "strength": ("--strength", "30"),
            "crop": ("--crop-painting", "4px"),
        }
        for name, each in arguments.items():
            layers = LAYERS if name != "weight" else LAYERS[2:]
            succeed(*RUN, *each, *layers, *SHORT, "--init", "noise", "-o", f"{name}-.png")
        names = list(arguments)
        for index, name in enumerate(names):
            for other in names[:index]:
                assert not same(f"{name}-.png", f"{other}-.png"), (name, other)

    def test_moved_paintings_in_any_order(self) -> None:
        succeed(*RUN, "b.png", *SHORT, *LAYERS, "-o", "out.png")
        Path("moved").mkdir()
        for name in ("a.png", "b.png"):
            Path(name).rename(f"moved/{name}")
        found = refusal("rerun", "out.png", "--painting", "moved/b.png", code=1)
        assert "There is no 'a.png'" in found
        assert "'c.png' is none of the pictures" in refusal(
            "rerun", "out.png", "--painting", "c.png", code=1
        )
        moved = ("--painting", "moved/b.png", "--painting", "moved/a.png")
        succeed("rerun", "out.png", *moved)
        assert same("out.png", "out-again.png")
        assert "--painting is given 3 times" in refusal(
            "rerun", "out.png", *moved, "--painting", "c.png"
        )

    def test_a_folder_is_the_blend_of_its_pictures(self, album: Path) -> None:
        succeed("run", "photo.png", "album", *SHORT, *LAYERS, "-o", "folder.png")
        files = [str(each.picture) for each in style_of(album)]
        succeed("run", "photo.png", *files, *SHORT, *LAYERS, "-o", "files.png")
        assert same("folder.png", "files.png")
        result = succeed("run", "photo.png", "album", *SHORT, *LAYERS)
        assert "photo-album.png: " in result.stderr

    def test_the_effective_coefficients_are_printed(self) -> None:
        weights = ("--style-layer", "conv1_1=3", "--style-layer", "conv2_1=0.5", "--strength", "60")
        losses = ("--losses", "paper", "--content-layer", "conv4_2=2")
        result = succeed(*RUN, *weights, *losses, *SHORT)
        expected = "Minimising 2 L_c(conv4_2) + 300 E(conv1_1) + 50 E(conv2_1)"
        assert expected in result.stderr.splitlines()

    def test_other_commands(self) -> None:
        succeed("texture", "a.png", "b.png", "--blend", "1,2", *SHORT, *LAYERS, "-o", "texture.png")
        assert [each.weight for each in read_recipe(Path("texture.png")).paintings] == [1, 2]
        one = ("--up-to", "conv1_1", "--ratio", "1e-3")
        succeed("grid", "photo.png", "a.png", "b.png", "--blend", "1,2", *SHORT, *one)
        recipe = read_recipe(Path("photo-a-b/conv1_1_1e-3.png"))
        assert [each.weight for each in recipe.paintings] == [1, 2]

    def test_plan(self) -> None:
        options = ("--blend", "1,2", "--size", "32", "--provider", "cpu", "--json")
        (found,) = json.loads(succeed("plan", *RUN[1:], "b.png", *options).stdout)["providers"]
        assert found["fits"]
