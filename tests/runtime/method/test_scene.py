"""Scenes: what is computed once, in what size, and what is refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from stylize.models.errors import ImageError, OptionError
from stylize.models.layers import LayerSet, paper_layer_sets
from stylize.runtime import (
    RECONSTRUCTION,
    Model,
    Options,
    Scene,
    load_image,
    reconstruct,
    texture,
    to_array,
)
from stylize.runtime.engine.program import Program
from stylize.runtime.pictures.sizes import cover, scale_to
from stylize.runtime.streaming.plan import Budget

Array = npt.NDArray[np.float32]

SHORT = Options(size=48, iterations=3)


@pytest.fixture
def model() -> Model:
    return Model.open("compact")


@pytest.fixture
def photo(picture: Callable[..., Path]) -> Path:
    return picture("photo.png", (60, 40))


@pytest.fixture
def painting(picture: Callable[..., Path]) -> Path:
    return picture("painting.png", (50, 70), seed=1)


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model with a graph that looks at pool5, which has a response for each 32 pixels."""
    pytest.importorskip("onnx", reason="exporting needs onnx")
    pytest.importorskip("safetensors", reason="exporting needs safetensors")
    from small import only, small_network, small_weights

    from stylize.export.writing.write import write_folder

    network, folder = small_network(), tmp_path_factory.mktemp("deep") / "deep"
    layers = LayerSet(("pool5",), ("conv1_1", "pool5"))
    with only(paper_layer_sets()[0]):
        write_folder(folder, network, small_weights(network), layers=layers)
    return Model.open(folder, "cpu")


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is loaded and which targets are computed, as they are."""
    seen: list[str] = []
    load, targets = Program.__init__, Model.targets

    def loading(self: Program, folder: object, graph: object, *rest: object) -> None:
        seen.append(graph.file)  # type: ignore[attr-defined]
        load(self, folder, graph, *rest)  # type: ignore[arg-type]

    def computing(self: Model, image: Array, layers: LayerSet) -> dict[str, Array]:
        seen.append(str(layers))
        return targets(self, image, layers)

    monkeypatch.setattr(Program, "__init__", loading)
    monkeypatch.setattr(Model, "targets", computing)
    return seen


def test_targets_and_graph_serve_every_weight(
    model: Model, photo: Path, painting: Path, computed: list[str]
) -> None:
    scene = Scene(model, photo, painting)
    for weight in (1.0, 10.0, 100.0):
        list(scene.render(replace(SHORT, style_weight=weight)))
    assert [name for name in computed if not name.endswith(".onnx")] == [
        "style conv1_1 conv2_1 conv3_1 conv4_1",
        "content conv4_2",
    ]
    assert sum(name.startswith("gradient") for name in computed) == 1


def test_only_missing_targets_are_computed(
    model: Model, photo: Path, painting: Path, computed: list[str]
) -> None:
    scene = Scene(model, photo, painting)
    scene.objective(replace(SHORT, style_layers=("conv1_1", "conv2_1")))
    scene.objective(replace(SHORT, style_layers=("conv1_1", "conv2_1", "conv3_1")))
    scene.objective(replace(SHORT, style_layers=("conv1_1",), painting_size=30, colors="painting"))
    assert [name for name in computed if not name.endswith(".onnx")] == [
        "style conv1_1 conv2_1",
        "content conv4_2",
        "style conv3_1",
        "style conv1_1",
        "content conv4_2",  # in other colours
    ]


def test_a_scene_gives_what_a_fresh_one_gives(model: Model, photo: Path, painting: Path) -> None:
    settings = [
        SHORT,
        replace(SHORT, style_weight=10.0),
        replace(SHORT, style_layers=("conv1_1",)),
        replace(SHORT, size=32),
        replace(SHORT, content_weight=0.0, init="painting"),
        SHORT,
    ]
    scene = Scene(model, photo, painting)
    for options in settings:
        *_, last = scene.render(options)
        *_, expected = Scene(Model.open("compact"), photo, painting).render(options)
        np.testing.assert_array_equal(last.pixels, expected.pixels)
        assert last.losses == expected.losses


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ({"size": 48}, (48, 32)),
        ({"size": 32, "side": "short"}, (48, 32)),
        ({"size": (33, 57)}, (33, 57)),
    ],
)
def test_the_size_of_the_picture(
    model: Model, photo: Path, painting: Path, given: dict, size: tuple[int, int]
) -> None:
    (iterate,) = Scene(model, photo, painting).render(Options(iterations=1, **given))
    assert iterate.image.size == size


def test_a_picture_of_given_width_and_height_shows_the_middle_of_the_photo(
    model: Model, photo: Path, painting: Path
) -> None:
    options = Options(size=(33, 57), margin=0, colors="painting")
    expected = to_array(cover(load_image(photo), (33, 57)))
    np.testing.assert_array_equal(Scene(model, photo, painting).start(options), expected)


@pytest.mark.parametrize(
    ("given", "pixels", "side"),
    [
        ({"size": 48}, 48, "long"),
        ({"size": 48, "painting_size": 64}, 64, "long"),
        ({"size": 32, "side": "short"}, 32, "short"),
        ({"size": 32, "side": "short", "painting_size": 40}, 40, "short"),
        ({"size": (30, 64)}, 64, "long"),
        ({"size": (30, 64), "side": "short"}, 30, "short"),
        ({"size": (30, 64), "side": "short", "painting_size": 40}, 40, "short"),
    ],
)
def test_the_size_of_the_painting(
    model: Model,
    painting: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: dict,
    pixels: int,
    side: str,
) -> None:
    seen: list[Array] = []
    targets = Model.targets

    def computing(self: Model, image: Array, layers: LayerSet) -> dict[str, Array]:
        seen.append(image)
        return targets(self, image, layers)

    monkeypatch.setattr(Model, "targets", computing)
    Scene(model, painting=painting).objective(Options(content_weight=0.0, **given))
    expected = to_array(scale_to(load_image(painting), pixels, side))  # type: ignore[arg-type]
    np.testing.assert_array_equal(seen[0], expected)


def test_grey_is_the_colour_that_the_network_takes_for_zero(model: Model, photo: Path) -> None:
    start = Scene(model, photo).start(Options(size=(200, 200), init="grey"))
    mean = start.mean((0, 2, 3)) * 255
    assert mean == pytest.approx([123.68, 116.779, 103.939], abs=0.3)
    assert start.std((0, 2, 3)) * 255 == pytest.approx([10, 10, 10], rel=0.02)


def test_a_texture_has_any_size_and_only_style(model: Model, painting: Path) -> None:
    iterates = list(texture(model, painting, Options(size=(70, 20), iterations=8, init="noise")))
    assert iterates[0].image.size == (70, 20)
    assert iterates[0].content_losses == {}
    assert iterates[-1].total < iterates[0].total


def test_a_reconstruction_has_only_content_and_nears_the_photo(model: Model, photo: Path) -> None:
    options = replace(RECONSTRUCTION, size=48, iterations=60, content_layers=("conv1_1",))
    iterates = list(reconstruct(model, photo, options))
    assert iterates[0].style_losses == {}
    target = to_array(scale_to(load_image(photo), 48))
    away = [np.abs(iterate.pixels - target).mean() for iterate in iterates]
    assert away[-1] < away[0] / 3


@pytest.mark.parametrize(
    ("with_photo", "options", "message"),
    [
        (True, Options(), "no painting here for the style"),
        (True, Options(style_weight=0.0, init="painting"), "no painting here to start from"),
        (False, Options(), "no photo here for the content"),
        (False, Options(content_weight=0.0), "no photo here to start from"),
    ],
)
def test_what_is_missing_is_named(
    model: Model,
    photo: Path,
    painting: Path,
    with_photo: bool,
    options: Options,
    message: str,
) -> None:
    scene = Scene(model, photo) if with_photo else Scene(model, painting=painting)
    with pytest.raises(OptionError, match=message):
        scene.render(options)


def test_nothing_to_match(model: Model) -> None:
    with pytest.raises(OptionError, match="nothing to match"):
        Scene(model)


def test_sources_are_measured_upright(model: Model, photo: Path, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (48, 32)).save(tmp_path / "a.jpg", exif=exif)
    assert Scene(model, photo, tmp_path / "a.jpg").sources == ((60, 40), ((32, 48),))
    assert Scene(model, painting=photo).sources == (None, ((60, 40),))


def test_the_same_size_cut_or_scaled_is_not_the_same_target(
    model: Model, picture: Callable[..., Path]
) -> None:
    photo = picture("odd.png", (101, 67))
    scene = Scene(model, photo)
    noise = Options(style_weight=0.0, init="noise", iterations=1)
    scaled, cut = replace(noise, size=64), replace(noise, size=(64, 42))
    assert scene.size(scaled) == scene.size(cut)
    (one,), (other,) = scene.render(scaled), scene.render(cut)
    (expected,) = Scene(model, photo).render(cut)
    assert other.losses == expected.losses != one.losses


class TestLayersOfALargeStride:
    LAYERS = Options(
        size=40, iterations=2, content_layers=("pool5",), style_layers=("conv1_1", "pool5")
    )

    @pytest.mark.parametrize("losses", ["paper", "mse"])
    def test_a_picture_of_their_size_works(
        self, deep: Model, painting: Path, losses: Literal["paper", "mse"]
    ) -> None:
        options = replace(self.LAYERS, size=(32, 32), painting_size=64, losses=losses)
        *_, last = Scene(deep, painting, painting).render(replace(options, init="noise"))
        assert np.isfinite(last.total)

    @pytest.mark.parametrize("size", [40, (31, 64), (24, 24)])
    @pytest.mark.parametrize("losses", ["paper", "mse"])
    def test_a_smaller_picture_is_refused(
        self,
        deep: Model,
        photo: Path,
        painting: Path,
        size: int | tuple[int, int],
        losses: Literal["paper", "mse"],
    ) -> None:
        options = replace(self.LAYERS, size=size, losses=losses, painting_size=64)
        scene = Scene(deep, photo, painting)
        for use in (scene.render, scene.check, scene.coefficients, scene.size):
            with pytest.raises(ImageError, match=r"both sides must have 32 at least. Use a larger"):
                use(options)

    def test_a_smaller_painting_is_refused(self, deep: Model, photo: Path, painting: Path) -> None:
        options = replace(self.LAYERS, size=64, painting_size=40)
        with pytest.raises(ImageError, match=r"29x40 pixels.* 32 at least.*--painting-size"):
            Scene(deep, photo, painting).render(options)

    def test_other_layers_are_not_concerned(self, deep: Model, photo: Path, painting: Path) -> None:
        (found,) = Scene(deep, photo, painting).render(Options(size=24, iterations=1))
        assert np.isfinite(found.total)


MEGABYTE = 10**6


@pytest.mark.parametrize("size", [400, (300, 400)])
@pytest.mark.parametrize("memory", [250 * MEGABYTE, 4000 * MEGABYTE])
def test_the_largest_size_fits_and_the_next_does_not(
    photo: Path, painting: Path, size: int | tuple[int, int], memory: int
) -> None:
    scene = Scene(Model.open("compact", "cpu", Budget(memory)), photo, painting)
    largest = scene.largest(Options(size=size), of_painting=False, memory=memory)
    assert largest
    fitting = Options(size=max(largest) if isinstance(size, int) else largest)
    assert scene.size(fitting) == largest
    assert max(scene.plan(fitting).memory, scene.painting_plan(fitting).memory) <= memory
    width, height = largest
    larger = max(largest) + 1 if isinstance(size, int) else (width + 3, height + 4)
    with pytest.raises(OptionError, match="--memory allows"):
        scene.plan(Options(size=larger))


def test_the_largest_painting_leaves_the_picture_as_it_is(
    model: Model, photo: Path, painting: Path
) -> None:
    scene, memory = Scene(model, photo, painting), 400 * MEGABYTE
    largest = scene.largest(Options(size=64), of_painting=True, memory=memory)
    assert largest
    alone = scene.largest(Options(size=64, painting_size=100), of_painting=False, memory=memory)
    assert alone
    assert max(largest) > max(alone), "looking takes less than painting"


def test_nothing_fits_into_nothing(model: Model, photo: Path, painting: Path) -> None:
    scene = Scene(model, photo, painting)
    assert scene.largest(Options(size=64), of_painting=False, memory=1000) is None
