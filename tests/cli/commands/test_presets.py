"""Presets: what ``stylize presets`` says of them, and what ``stylize run --preset`` does."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from older import without_tiles
from PIL import Image
from typer.testing import CliRunner, Result

from stylize.cli.app import app
from stylize.models.catalog import user_folder
from stylize.models.errors import OptionError
from stylize.runtime import Model, Options
from stylize.runtime.method.options import AS_PUBLISHED
from stylize.runtime.pictures.arrays import to_array
from stylize.runtime.pictures.reading import load_image
from stylize.runtime.plans.preset import PRESETS, find_preset
from stylize.runtime.plans.recipe import Recipe, read_recipe

FAILURE, USAGE = 1, 2
RUN = ("run", "photo.png", "painting.png", "-o", "out.png", "--size", "32", "--iterations", "2")
NAMES = ("stylize", "paper", "gatys-code", "johnson", "spst", "crowsonkb")
CHANNELS = {"conv1_1": 64, "conv2_1": 128, "conv3_1": 256, "conv4_1": 512, "conv5_1": 512}
"""Of VGG-19's style layers."""
CONTENT_CHANNELS, CONTENT_STRIDE = 512, 8
"""Of conv4_2."""
PRINTED = 6e-4
"""Relative error of four digits."""
SUM_TOLERANCE = 1e-5
"""Relative, for a sum of a few float32 losses."""


@pytest.fixture(autouse=True)
def pictures(picture: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A photo and a painting in the working folder."""
    monkeypatch.delenv("STYLIZE_TRACEBACK", raising=False)
    picture("photo.png", seed=1)
    picture("painting.png", (32, 40), seed=2)


def stylize(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def printed(*names: str) -> str:
    result = stylize("presets", *names)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return result.stdout


def coefficients(name: str) -> dict[str, float]:
    """Return the numbers printed for a preset: by L_c(layer) and E(layer)."""
    found = re.findall(r"([\d.e+-]+) ((?:L_c|E)(?:/[LE]_0)?\(\w+\))", printed(name))
    numbers = {term: float(number) for number, term in found}
    assert len(numbers) == len(found)
    return numbers


def run(*arguments: str) -> Recipe:
    """Make a small picture and return what it tells of how it was made."""
    result = stylize(*RUN, *arguments)
    assert result.exit_code == 0, result.output
    return read_recipe(Path("out.png"))


def refusal(*arguments: str, code: int) -> str:
    """Run stylize run, which must refuse; return its message."""
    result = stylize(*RUN, *arguments)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code
    assert not Path("out.png").exists()
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    return last


def install(name: str, network: str, pooling: str) -> None:
    """Let the embedded model pass for another, without its blocks, which tell of the pooling."""
    folder = user_folder() / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    without_tiles(folder)
    manifest = json.loads((folder / "model.json").read_bytes())
    manifest |= {"network": network, "pooling": pooling}
    (folder / "model.json").write_text(json.dumps(manifest))


class TestDescription:
    def test_of_all_is_that_of_each(self) -> None:
        assert printed() == "\n".join(printed(name) for name in NAMES)

    @pytest.mark.parametrize("name", NAMES)
    def test_tells_the_source_the_model_and_the_departures(self, name: str) -> None:
        preset, text = PRESETS[name], printed(name)
        unwrapped = " ".join(text.split())
        model = f"{preset.model} ({preset.pooling} pooling)" if preset.model else "any"
        assert unwrapped.startswith(f"{name}: {preset.source} model {model} size ")
        assert unwrapped.endswith("".join(f" differs {each}" for each in preset.departures))
        assert text.count("\n  differs ") == len(preset.departures)

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("stylize", ("512 pixels on the long side", "the photo", "L-BFGS, history 10; 300")),
            ("paper", ("512 pixels on the long side", "white noise", "L-BFGS, history 10; 500")),
            (
                "gatys-code",
                ("512 pixels on the short side", "the photo", "L-BFGS, history 100; 500"),
            ),
            (
                "johnson",
                ("512 pixels on the long side", "the mean colour", "L-BFGS, history 100; 1000"),
            ),
            ("spst", ("512 pixels on the short side", "the photo", "L-BFGS, history 100; 600")),
            (
                "crowsonkb",
                ("512 pixels on the long side", "the photo", "Adam; 1000 evaluations of the"),
            ),
        ],
    )
    def test_tells_size_start_and_optimiser(self, name: str, expected: tuple[str, ...]) -> None:
        lines = printed(name).splitlines()
        for what, text in zip(("size", "start", "optimiser"), expected, strict=True):
            (line,) = [line for line in lines if line.startswith(f"  {what} ")]
            assert line[13:].startswith(text)

    def test_of_an_unknown_name(self) -> None:
        result = stylize("presets", "gatys")
        assert result.exit_code == USAGE
        assert result.stdout == ""
        names = "stylize, paper, gatys-code, johnson, spst, crowsonkb"
        assert f"Error: There is no preset 'gatys'. There are {names};" in result.stderr

    def test_tells_the_schedule(self) -> None:
        theirs, ours = (" ".join(printed(name).split()) for name in ("crowsonkb", "stylize"))
        assert "each 1.41 times as large as the last, the coarsest of 128 pixels or more" in theirs
        assert "at the coarsest scale, 2:1 among the scales" in theirs
        assert "a running mean of images, decay 0.99" in theirs
        assert "each 2 times as large as the last" in ours
        assert "shared" not in ours
        assert "running mean" not in ours


class TestCoefficients:
    def test_of_the_papers_losses(self) -> None:
        expected = {"L_c(conv4_2)": 1.0, **{f"E({layer})": 200.0 for layer in CHANNELS}}
        assert coefficients("paper") == expected

    def test_of_losses_relative_to_their_targets(self) -> None:
        expected = {f"E/E_0(conv{block}_1)": 100 * 2**block / 30 for block in range(1, 5)}
        expected["L_c/L_0(conv4_2)"] = 1.0
        assert coefficients("stylize") == pytest.approx(expected, rel=PRINTED)

    @pytest.mark.parametrize(
        ("name", "content", "style", "size"),
        [("gatys-code", 2, 4000, (683, 512)), ("johnson", 10, 400, (512, 384))],
    )
    def test_of_mean_squared_errors(
        self, name: str, content: float, style: float, size: tuple[int, int]
    ) -> None:
        positions = (size[0] // CONTENT_STRIDE) * (size[1] // CONTENT_STRIDE)
        expected = {"L_c(conv4_2)": content / (CONTENT_CHANNELS * positions)}
        expected |= {f"E({layer})": style / n**2 for layer, n in CHANNELS.items()}
        assert coefficients(name) == pytest.approx(expected, rel=PRINTED)
        assert f"at {size[0]}x{size[1]}" in printed(name)

    def test_of_other_statistics(self) -> None:
        text = " ".join(printed("spst").split())
        assert "+ 0.9766 M(conv1_1) + 0.2441 M(conv2_1) + 0.06104 M(conv3_1)" in text
        unit = (255 * (0.229 + 0.224 + 0.225) / 3) ** 2
        for share, (layer, n) in zip((256, 64, 16, 4, 1), CHANNELS.items(), strict=True):
            assert f"{share / 341 / n / unit:.4g} B({layer})" in printed("crowsonkb")

    def test_of_the_variation_is_told_where_it_counts(self) -> None:
        assert [name for name in NAMES if " TV\n" in printed(name)] == ["johnson", "crowsonkb"]
        assert "+ 0.001 TV\n" in printed("johnson")

    @pytest.mark.parametrize(
        ("name", "content", "style", "variation"),
        [("gatys-code", 1, 1000, 0), ("johnson", 5, 100, 1e-3)],
    )
    def test_make_the_loss_a_sum_of_mean_squared_errors(
        self, name: str, content: float, style: float, variation: float
    ) -> None:
        sizes = ("--size", "48x32", "--painting-size", "40", "--side", "long")
        chosen = ("--preset", name, "--model", "compact", "--iterations", "1")
        start = ("--init", "painting.png", "--trace", "trace.jsonl")
        result = stylize(*RUN, *sizes, *chosen, *start)
        assert result.exit_code == 0, result.output
        entry = json.loads(Path("trace.jsonl").read_text())
        model = Model.open("compact")
        photo, painting, start = (
            model.features(to_array(load_image(path)))
            for path in ("photo.png", "painting.png", "out.png")
        )
        layer = model.folder.manifest.layer
        difference = start["conv4_2"] - photo["conv4_2"]
        elements = layer("conv4_2").represented_channels * difference[0, 0].size
        expected = content * (difference**2).sum() / elements
        for name in CHANNELS:
            width = layer(name).represented_channels
            difference = (start[f"gram.{name}"] - painting[f"gram.{name}"]) / width
            expected += style * (difference**2).sum() / width**2
        if variation:
            expected += variation * entry["variation"]
        assert entry["total"] == pytest.approx(expected, rel=SUM_TOLERANCE)


class TestRun:
    @pytest.mark.parametrize("name", NAMES)
    def test_has_the_presets_settings(self, name: str) -> None:
        recipe = run("--preset", name, "--model", "compact")
        expected = replace(PRESETS[name].options, size=32, iterations=2, iterations_of="all")
        assert recipe.options == expected
        assert recipe.finished

    def test_stylize_is_the_default(self) -> None:
        assert run().options == replace(Options(), size=32, iterations=2)
        plain = Path("out.png").read_bytes()
        run("--preset", "stylize")
        assert Path("out.png").read_bytes() == plain

    @pytest.mark.parametrize("name", NAMES)
    def test_options_given_win(self, name: str) -> None:
        weights = ("--content-weight", "3", "--style-weight", "7", "--tv-weight", "0.5")
        layers = ("--content-layer", "conv4_2", "--style-layer", "conv1_1")
        others = ("--init", "painting", "--seed", "9", "--optimizer", "adam", "--history", "4")
        sizes = ("--size", "24", "--side", "short", "--painting-size", "28")
        losses = ("--losses", "paper" if PRESETS[name].options.losses == "mse" else "mse")
        ours = ("--scales", "1", "--margin", "3", "--pixels", "free", "--colors", "painting")
        ours += ("--style-statistics", "gram", "--coarsest", "128", "--average", "0")
        ours += ("--scales-per-doubling", "1", "--iteration-shares", "1")
        chosen = ("--preset", name, "--model", "compact", *ours)
        options = run(*chosen, *weights, *layers, *others, *sizes, *losses).options
        assert options == Options(
            size=24,
            side="short",
            painting_size=28,
            scales=1,
            iterations=2,
            margin=3,
            pixels="free",
            colors="painting",
            losses="paper" if losses[1] == "paper" else "mse",
            content_weight=3,
            style_weight=7,
            tv_weight=0.5,
            style_layers=("conv1_1",),
            init="painting",
            optimizer="adam",
            history=4,
            seed=9,
            beta2=PRESETS[name].options.beta2,  # nobody can give these two
            carry_moments=PRESETS[name].options.carry_moments,
        )

    def test_a_zero_wins_too(self) -> None:
        weights = ("--tv-weight", "0", "--content-weight", "0")
        options = run("--preset", "johnson", "--model", "compact", *weights).options
        assert (options.tv_weight, options.content_weight, options.style_weight) == (0, 0, 100)

    def test_the_papers_default_wins_over_a_preset(self) -> None:
        given = ("--losses", "paper", "--side", "long", "--history", "10", "--init", "photo")
        options = run("--preset", "gatys-code", "--model", "compact", *given).options
        assert options == replace(AS_PUBLISHED, size=32, iterations=2, init="photo")

    def test_presets_make_different_pictures(self) -> None:
        pictures = []
        for name in NAMES:
            run("--preset", name, "--model", "compact", "--iterations", "4")
            pictures.append(np.asarray(load_image("out.png")).tobytes())
        assert len(set(pictures)) == len(NAMES)

    def test_unknown(self) -> None:
        found = refusal("--preset", "gatys", code=USAGE)
        assert "There is no preset 'gatys'" in found
        assert "stylize presets" in found


class TestModel:
    @pytest.mark.parametrize(
        ("name", "pooling", "model", "command"),
        [
            ("paper", "average", "vgg19", "'stylize export vgg19'"),
            ("gatys-code", "max", "vgg19-max", "'stylize export vgg19 --pooling max'"),
            ("johnson", "max", "vgg19-max", "'stylize export vgg19 --pooling max'"),
            ("crowsonkb", "max", "vgg19-max", "'stylize export vgg19 --pooling max'"),
        ],
    )
    def test_that_is_missing_can_be_exported(
        self, name: str, pooling: str, model: str, command: str
    ) -> None:
        found = refusal("--preset", name, code=FAILURE)
        assert f"The preset '{name}' is meant for VGG-19 with {pooling} pooling" in found
        assert f"'{model}'" in found
        assert command in found
        assert "--model compact" in found

    @pytest.mark.parametrize(
        ("name", "model", "pooling"),
        [("paper", "vgg19", "average"), ("johnson", "vgg19-max", "max")],
    )
    def test_is_taken_where_it_is_found(self, name: str, model: str, pooling: str) -> None:
        install(model, "vgg19", pooling)
        used = run("--preset", name).model
        assert (used.name, used.pooling) == (model, pooling)

    @pytest.mark.parametrize(
        ("network", "pooling"), [("vgg19", "average"), ("narrow vgg19", "max"), ("vgg16", "max")]
    )
    def test_that_is_another_than_its_name_says_is_refused(
        self, network: str, pooling: str
    ) -> None:
        install("vgg19-max", network, pooling)
        found = refusal("--preset", "johnson", code=FAILURE)
        assert "is meant for VGG-19 with max pooling" in found
        assert f"the model 'vgg19-max' is {network} with {pooling} pooling" in found

    def test_of_the_other_pooling_is_not_taken(self) -> None:
        install("vgg19", "vgg19", "average")
        assert "'vgg19-max'" in refusal("--preset", "johnson", code=FAILURE)

    def test_given_wins(self) -> None:
        install("vgg19", "vgg19", "average")
        assert run("--preset", "paper", "--model", "compact").model.name == "compact"

    def test_is_any_for_the_default(self) -> None:
        assert run("--preset", "stylize").model.name == "compact"


class TestTable:
    def test_names(self) -> None:
        assert tuple(PRESETS) == NAMES

    @pytest.mark.parametrize("name", NAMES)
    def test_pooling_is_that_of_the_model(self, name: str) -> None:
        preset = find_preset(name)
        models = {"average": "vgg19", "max": "vgg19-max", None: None}
        assert preset.model == models[preset.pooling]

    def test_unknown_name(self) -> None:
        with pytest.raises(OptionError, match="There is no preset ''"):
            find_preset("")

    def test_ratio_of_the_paper(self) -> None:
        options = PRESETS["paper"].options
        assert options.content_weight / options.style_weight == pytest.approx(1e-3)
        assert (options.init, options.losses, options.tv_weight) == ("noise", "paper", 0)
        assert options.content_layers == ("conv4_2",)
        assert options.style_layers == tuple(CHANNELS)


def test_a_damaged_model_is_not_called_missing(tmp_path: Path) -> None:
    (tmp_path / "models" / "vgg19").mkdir(parents=True)
    (tmp_path / "models" / "vgg19" / "model.json").write_text('{"format": 2}')
    picture = tmp_path / "photo.png"
    Image.new("RGB", (48, 32)).save(picture)
    result = CliRunner().invoke(app, ["run", str(picture), str(picture), "--preset", "paper"])
    assert result.exit_code == 1
    assert "is damaged" in result.stderr
