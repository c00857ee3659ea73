"""``stylize reconstruct`` and ``stylize texture``: one picture in, one out, of any size."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from stylize.cli.app import app
from stylize.runtime import Iterate, Model, reconstruct, texture
from stylize.runtime.method.options import RECONSTRUCTION, TEXTURE
from stylize.runtime.pictures.reading import load_image
from stylize.runtime.pictures.sizes import cover, scale_to

FAILURE, USAGE = 1, 2
PHOTO, PAINTING = (48, 32), (32, 40)
RECONSTRUCT, TEXTURISE = ("reconstruct", "photo.png"), ("texture", "painting.png")
CONTENT = (*RECONSTRUCT, "--layer", "conv1_1")
STYLE = (*TEXTURISE, "--style-layer", "conv1_1")
"""The quickest, for what does not depend on the layers."""
BOTH = pytest.mark.parametrize("command", [CONTENT, STYLE])
STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
MEAN_COLOUR = (123.68, 116.779, 103.939)
"""Red, green and blue of ImageNet in 0...255, which Caffe's preprocessing takes to zero."""
SUM_TOLERANCE = 1e-5
"""Relative, for a sum of a few float32 losses."""
MATCHED = 1e-6
"""Of the loss that noise has: what rounding leaves where there is nothing to change."""


@pytest.fixture(autouse=True)
def pictures(picture: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A photo and a painting in the working folder."""
    monkeypatch.delenv("STYLIZE_TRACEBACK", raising=False)
    picture("photo.png", PHOTO, seed=1)
    picture("painting.png", PAINTING, seed=2)


def stylize(*arguments: str, iterations: int = 2) -> Result:
    command, *rest = arguments
    return CliRunner().invoke(app, [command, "--iterations", str(iterations), *rest])


def succeed(*arguments: str, iterations: int = 2) -> Result:
    result = stylize(*arguments, iterations=iterations)
    assert result.exit_code == 0, result.output
    return result


def made(*arguments: str, iterations: int = 2) -> npt.NDArray[np.int_]:
    succeed(*arguments, "-o", "out.png", iterations=iterations)
    return pixels("out.png")


def traced(*arguments: str, iterations: int = 2) -> list[dict[str, float]]:
    succeed(*arguments, "--trace", "trace.jsonl", "-o", "out.png", iterations=iterations)
    return [json.loads(line) for line in Path("trace.jsonl").read_text().splitlines()]


def refusal(*arguments: str, code: int = USAGE) -> str:
    """Run stylize, which must refuse and change no file; return its message."""
    before = files()
    command, *rest = arguments
    result = stylize(command, "--size", "48", *rest)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code
    assert files() == before
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    return last


def files() -> dict[str, bytes]:
    """All files below the working folder but those of ONNX Runtime's telemetry."""
    found = (path for path in Path().rglob("*") if "Microsoft" not in path.parts)
    return {str(path): path.read_bytes() for path in found if path.is_file()}


def pixels(picture: Path | str | Image.Image) -> npt.NDArray[np.int_]:
    return np.asarray(picture if isinstance(picture, Image.Image) else load_image(picture), int)


def size_of(path: str) -> tuple[int, int]:
    with Image.open(path) as file:
        assert (file.format, file.mode) == ("PNG", "RGB")
        return file.size


def lowest(iterate: Iterate) -> float:
    return iterate.total


class TestName:
    @pytest.mark.parametrize(
        ("arguments", "name"),
        [
            (RECONSTRUCT, "photo-conv4_2.png"),
            ((*RECONSTRUCT, "--layer", "conv1_1"), "photo-conv1_1.png"),
            (TEXTURISE, "painting-texture.png"),
            ((*TEXTURISE, "--style-layer", "conv1_1"), "painting-texture.png"),
        ],
    )
    def test_tells_what_it_is_made_of(self, arguments: tuple[str, ...], name: str) -> None:
        before = set(files())
        succeed(*arguments, "--size", "32")
        assert set(files()) - before == {name}

    @pytest.mark.parametrize(
        ("command", "name"),
        [("reconstruct", "Me at home-conv4_2.png"), ("texture", "Me at home-texture.png")],
    )
    def test_is_for_a_file_in_the_working_folder(
        self, picture: Callable[..., Path], command: str, name: str
    ) -> None:
        Path("album").mkdir()
        picture("album/Me at home.jpeg", PHOTO)
        succeed(command, "album/Me at home.jpeg", "--size", "32")
        assert size_of(name) == (32, 21)
        assert [path.name for path in Path("album").iterdir()] == ["Me at home.jpeg"]


class TestPicture:
    def test_of_reconstruct_is_that_of_the_python_interface(self) -> None:
        options = replace(RECONSTRUCTION, size=40, iterations=3, content_layers=("conv2_1",))
        iterates = reconstruct(Model.open("compact"), "photo.png", options)
        expected = min(iterates, key=lowest).image
        found = made(*RECONSTRUCT, "--size", "40", "--layer", "conv2_1", iterations=3)
        assert np.array_equal(found, pixels(expected))

    def test_of_texture_is_that_of_the_python_interface(self) -> None:
        layers = ("conv1_1", "conv2_1")
        options = replace(TEXTURE, size=(40, 24), iterations=3, style_layers=layers)
        expected = min(texture(Model.open("compact"), "painting.png", options), key=lowest).image
        chosen = [argument for layer in layers for argument in ("--style-layer", layer)]
        found = made(*TEXTURISE, "--size", "40x24", *chosen, iterations=3)
        assert np.array_equal(found, pixels(expected))

    @BOTH
    def test_the_seed_decides_on_it(self, command: tuple[str, ...]) -> None:
        found = []
        for seed in ("7", "7", "8"):
            succeed(*command, "--size", "32", "--seed", seed, "-o", "out.png")
            found.append((Path("out.png").read_bytes(), pixels("out.png")))
        assert found[0][0] == found[1][0]
        assert not np.array_equal(found[0][1], found[2][1])

    def test_depends_on_the_layer(self) -> None:
        command = (*RECONSTRUCT, "--size", "32", "--layer")
        deep, shallow = (made(*command, layer) for layer in ("conv4_2", "conv1_1"))
        assert not np.array_equal(deep, shallow)


class TestLoss:
    @pytest.mark.parametrize("layer", ["conv1_1", "conv5_1"])
    def test_of_a_reconstruction_is_the_content_at_the_layer(self, layer: str) -> None:
        for entry in traced(*RECONSTRUCT, "--size", "32", "--layer", layer):
            names = ["iteration", "seconds", "width", "height", "total", "content", "style"]
            assert list(entry) == [*names, f"content.{layer}"]
            assert entry["style"] == 0
            assert entry["total"] > 0
            assert entry["total"] == pytest.approx(entry["content"], rel=SUM_TOLERANCE)

    @pytest.mark.parametrize("count", [1, 3])
    def test_of_a_texture_is_the_mean_over_the_layers(self, count: int) -> None:
        layers = STYLE_LAYERS[:count]
        chosen = [argument for layer in layers for argument in ("--style-layer", layer)]
        for entry in traced(*TEXTURISE, "--size", "32", *chosen):
            assert list(entry)[4:] == ["total", "content", "style", *(f"style.{e}" for e in layers)]
            assert entry["content"] == 0
            each = [entry[f"style.{layer}"] for layer in layers]
            assert min(each) > 0
            assert entry["total"] == pytest.approx(sum(each) / count, rel=SUM_TOLERANCE)

    def test_of_a_texture_has_all_style_layers_by_default(self) -> None:
        (entry,) = traced(*TEXTURISE, "--size", "32", iterations=1)
        assert list(entry)[7:] == [f"style.{layer}" for layer in STYLE_LAYERS]

    @pytest.mark.parametrize("layer", ["conv1_1", "conv4_2"])
    def test_is_zero_at_the_photo(self, layer: str) -> None:
        command = (*RECONSTRUCT, "--size", "48", "--layer", layer)
        noise, photo = (traced(*command, "--init", init)[0] for init in ("noise", "photo"))
        assert photo["total"] < MATCHED * noise["total"]

    def test_is_zero_at_the_painting(self) -> None:
        command = (*TEXTURISE, "--size", "40")
        noise, painting = (traced(*command, "--init", init)[0] for init in ("noise", "painting"))
        assert painting["total"] < MATCHED * noise["total"]

    @pytest.mark.parametrize(
        "command", [RECONSTRUCT, TEXTURISE, (*RECONSTRUCT, "--optimizer", "adam")]
    )
    def test_falls(self, command: tuple[str, ...]) -> None:
        command = (*command, "--size", "32")
        few = [entry["total"] for entry in traced(*command, iterations=2)]
        many = [entry["total"] for entry in traced(*command, iterations=6)]
        assert many[:2] == few
        assert min(many) < min(0.9 * many[0], min(few))

    @BOTH
    def test_depends_on_the_optimizer_and_its_history(self, command: tuple[str, ...]) -> None:
        default, shorter, adam = (
            [entry["total"] for entry in traced(*command, "--size", "32", *arguments, iterations=5)]
            for arguments in ((), ("--history", "1"), ("--optimizer", "adam"))
        )
        assert default[0] == shorter[0] == adam[0]
        assert default[-1] != shorter[-1]
        assert default[1] != adam[1]

    @BOTH
    def test_has_the_variation_that_is_asked_for(self, command: tuple[str, ...]) -> None:
        command = (*command, "--size", "40x36")
        (without,) = traced(*command, iterations=1)
        (entry,) = traced(*command, "--tv-weight", "0.25", iterations=1)
        noise = 255 * np.random.default_rng(0).random((3, 36, 40), np.float32).astype(float)
        across = noise[:, :-1, 1:] - noise[:, :-1, :-1]
        down = noise[:, 1:, :-1] - noise[:, :-1, :-1]
        variation = (np.sum(across**2) + np.sum(down**2)) / 2
        assert "variation" not in without
        assert entry["variation"] == pytest.approx(variation, rel=SUM_TOLERANCE)
        total = without["total"] + 0.25 * variation
        assert entry["total"] == pytest.approx(total, rel=SUM_TOLERANCE)

    def test_variation_that_counts_is_lowered(self) -> None:
        command = (*RECONSTRUCT, "--size", "32", "--tv-weight", "1000")
        variations = [entry["variation"] for entry in traced(*command, iterations=5)]
        assert variations[-1] < 0.5 * variations[0]


class TestSize:
    @pytest.mark.parametrize(
        ("command", "size", "expected"),
        [
            (CONTENT, "64x40", (64, 40)),
            (CONTENT, "33x51", (33, 51)),
            (STYLE, "64x40", (64, 40)),
            (STYLE, "16x61", (16, 61)),
            (STYLE, "40X24", (40, 24)),
            (STYLE, " 40×24 ", (40, 24)),
        ],
    )
    def test_of_two_sides_is_met(
        self, command: tuple[str, ...], size: str, expected: tuple[int, int]
    ) -> None:
        succeed(*command, "--size", size, "-o", "out.png", iterations=1)
        assert size_of("out.png") == expected

    @pytest.mark.parametrize(
        ("command", "arguments", "expected"),
        [
            (CONTENT, ("--size", "48"), (48, 32)),
            (CONTENT, ("--size", "61"), (61, 41)),
            (CONTENT, ("--size", "24", "--side", "short"), (36, 24)),
            (CONTENT, ("--size", "36", "--side", "long"), (36, 24)),
            (STYLE, ("--size", "40"), (32, 40)),
            (STYLE, ("--size", "35"), (28, 35)),
            (STYLE, ("--size", "40", "--side", "short"), (40, 50)),
        ],
    )
    def test_of_one_side_keeps_the_proportions(
        self, command: tuple[str, ...], arguments: tuple[str, ...], expected: tuple[int, int]
    ) -> None:
        succeed(*command, *arguments, "-o", "out.png", iterations=1)
        assert size_of("out.png") == expected

    def test_of_two_sides_cuts_the_photo_and_keeps_its_proportions(self) -> None:
        found = made(*CONTENT, "--size", "40x40", "--init", "photo", iterations=1)
        assert np.array_equal(found, pixels(cover(load_image("photo.png"), (40, 40))))

    @pytest.mark.parametrize("size", ["", "abc", "64x", "x64", "64x40x2", "-40", "40.5", "64 x 40"])
    def test_that_is_none(self, size: str) -> None:
        found = refusal(*STYLE, "--size", size)
        assert f"The size is '{size}'" in found
        assert "write 512, or width and height as 640x480" in found

    @pytest.mark.parametrize("size", ["0", "15", "15x40", "40x15"])
    @BOTH
    def test_that_is_too_small(self, command: tuple[str, ...], size: str) -> None:
        found = refusal(*command, "--size", size)
        assert "The size is " in found
        assert "from 16 to 100000 pixels" in found

    def test_that_makes_the_short_side_too_small(self) -> None:
        found = refusal(*CONTENT, "--size", "20", code=FAILURE)
        assert "a picture of 48x32 is 20x13 pixels" in found


class TestPaintingSize:
    def test_is_that_of_the_painting_alone(self, tmp_path: Path) -> None:
        reduced = scale_to(load_image("painting.png"), 20)
        assert reduced.size == (16, 20)
        reduced.save(tmp_path / "reduced.png")
        arguments = ("--size", "32x24", "--painting-size", "20")
        found = made(*STYLE, *arguments)
        assert found.shape == (24, 32, 3)
        assert np.array_equal(found, made("texture", "reduced.png", *STYLE[2:], *arguments))
        assert not np.array_equal(found, made(*STYLE, "--size", "32x24"))

    def test_measures_the_same_side(self, tmp_path: Path) -> None:
        scale_to(load_image("painting.png"), 20, "short").save(tmp_path / "reduced.png")
        arguments = ("--size", "32", "--side", "short", "--painting-size", "20")
        found = made(*STYLE, *arguments)
        assert np.array_equal(found, made("texture", "reduced.png", *STYLE[2:], *arguments))

    def test_is_by_default_the_long_side_of_the_picture(self) -> None:
        command = (*STYLE, "--size", "24x44")
        assert np.array_equal(made(*command), made(*command, "--painting-size", "44"))

    @pytest.mark.parametrize("size", ["15", "0", "-1"])
    def test_too_small(self, size: str) -> None:
        assert f"The painting size is {size};" in refusal(*STYLE, "--painting-size", size)

    def test_is_not_for_a_photo(self) -> None:
        result = stylize(*CONTENT, "--painting-size", "32")
        assert result.exit_code == USAGE
        assert "--painting-size" in result.stderr


class TestStart:
    """With one iteration, the picture is the one that the iteration starts from."""

    @pytest.mark.parametrize("command", [CONTENT, STYLE, (*STYLE, "--init", "noise")])
    def test_noise_is_the_default(self, command: tuple[str, ...]) -> None:
        found = made(*command, "--size", "40x24", "--seed", "7", iterations=1)
        noise = np.random.default_rng(7).random((3, 24, 40), np.float32).transpose(1, 2, 0)
        assert np.array_equal(found, np.rint(noise * 255).astype(int))

    @BOTH
    def test_grey_is_the_mean_colour_with_faint_noise(self, command: tuple[str, ...]) -> None:
        found = made(*command, "--size", "61x59", "--init", "grey", iterations=1) - MEAN_COLOUR
        standard_error = 10 / np.sqrt(61 * 59)
        assert np.abs(found.mean(axis=(0, 1))).max() < 4 * standard_error
        assert found.std(axis=(0, 1)) == pytest.approx(10, rel=0.1)

    def test_the_noise_about_grey_has_a_seed(self) -> None:
        command = (*STYLE, "--size", "32", "--init", "grey", "--seed")
        one, two = (made(*command, seed, iterations=1) for seed in "12")
        assert not np.array_equal(one, two)

    def test_photo(self) -> None:
        found = made(*CONTENT, "--size", "36", "--init", "photo", iterations=1)
        assert np.array_equal(found, pixels(scale_to(load_image("photo.png"), 36)))

    def test_painting(self) -> None:
        found = made(*STYLE, "--size", "48x30", "--init", "painting", iterations=1)
        assert np.array_equal(found, pixels(cover(load_image("painting.png"), (48, 30))))

    @BOTH
    def test_file(self, picture: Callable[..., Path], command: tuple[str, ...]) -> None:
        picture("start.png", (50, 50), seed=3)
        found = made(*command, "--size", "40x24", "--init", "start.png", iterations=1)
        assert np.array_equal(found, pixels(cover(load_image("start.png"), (40, 24))))

    @pytest.mark.parametrize(("command", "missing"), [(CONTENT, "painting"), (STYLE, "photo")])
    def test_from_what_is_not_there(self, command: tuple[str, ...], missing: str) -> None:
        assert f"There is no {missing} " in refusal(*command, "--size", "32", "--init", missing)

    @BOTH
    def test_from_an_unknown_word(self, command: tuple[str, ...]) -> None:
        found = refusal(*command, "--init", "gray")
        assert "Cannot start from 'gray': choose photo, painting, noise, grey, or a file." in found


class TestMessages:
    @pytest.mark.parametrize(
        ("command", "losses"), [(CONTENT, "1 L_c(conv1_1)"), (STYLE, "1 E(conv1_1)")]
    )
    def test_what_is_done_is_said(self, command: tuple[str, ...], losses: str) -> None:
        result = succeed(*command, "--size", "40x24", "-o", "out.png")
        lines = result.stderr.splitlines()
        assert result.stdout == ""
        assert lines[0].startswith("Computing on ")
        assert "Using the small embedded model 'compact'" in lines[1]
        assert lines[2] == f"Minimising {losses}"
        assert [line.split()[0] for line in lines[3:-1]] == ["1/2", "2/2"]
        assert lines[-1].startswith("out.png: 40x24, iteration ")

    @BOTH
    def test_quiet(self, command: tuple[str, ...]) -> None:
        result = succeed(*command, "--size", "32x40", "-o", "out.png", "--quiet")
        assert (result.stdout, result.stderr) == ("", "")
        assert size_of("out.png") == (32, 40)


class TestRefusal:
    @BOTH
    def test_to_overwrite_what_is_read(self, command: tuple[str, ...]) -> None:
        assert f"would overwrite '{command[1]}'" in refusal(*command, "-o", command[1])
        assert f"would overwrite '{command[1]}'" in refusal(*command, "--trace", command[1])

    @BOTH
    def test_to_overwrite_the_picture_to_start_from(
        self, picture: Callable[..., Path], command: tuple[str, ...]
    ) -> None:
        picture("start.png", (40, 40))
        found = refusal(*command, "--init", "start.png", "-o", "start.png")
        assert "would overwrite 'start.png'" in found

    @pytest.mark.parametrize("command", ["reconstruct", "texture"])
    def test_of_a_missing_picture(self, command: str) -> None:
        found = refusal(command, "missing.png", code=FAILURE)
        assert "There is no picture 'missing.png'" in found

    @pytest.mark.parametrize(
        "arguments", [(*RECONSTRUCT, "--layer"), (*TEXTURISE, "--style-layer")]
    )
    def test_of_a_layer_that_the_model_has_not(self, arguments: tuple[str, ...]) -> None:
        assert "The model 'compact' has no layer 'conv9_9'" in refusal(*arguments, "conv9_9")

    @pytest.mark.parametrize(
        ("arguments", "option"),
        [
            ((*RECONSTRUCT, "--layer", "conv1_2"), "--content-layer conv1_2"),
            ((*TEXTURISE, "--style-layer", "conv3_3"), "--style-layer conv3_3"),
            (
                (*RECONSTRUCT, "--layer", "conv1_1", "--layer", "conv2_1"),
                "--content-layer conv1_1 --content-layer conv2_1",
            ),
        ],
    )
    def test_of_layers_without_a_graph_says_how_to_make_one(
        self, arguments: tuple[str, ...], option: str
    ) -> None:
        found = refusal(*arguments, code=FAILURE)
        assert "stylize export vgg19" in found
        assert found.endswith(option)

    @pytest.mark.parametrize(
        ("arguments", "named"),
        [
            (("--iterations", "0"), "number of iterations"),
            (("--history", "0"), "length of the history"),
            (("--tv-weight", "-1.0"), "weight of variation"),
            (("--tv-weight", "nan"), "weight of variation"),
            (("--seed", "-1"), "seed"),
        ],
    )
    @BOTH
    def test_of_numbers_out_of_range(
        self, command: tuple[str, ...], arguments: tuple[str, str], named: str
    ) -> None:
        assert f"The {named} is {arguments[1]};" in refusal(*command, *arguments)
