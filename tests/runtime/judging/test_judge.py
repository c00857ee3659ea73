"""The judge: what its figures mean, what it looks at in which size, and what it refuses."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from every_provider import MODES, provider_or_skip
from PIL import Image, ImageOps

from stylize.models.catalog import embedded_folder
from stylize.models.errors import ImageError, ModelError, OptionError
from stylize.models.folder import open_folder
from stylize.runtime import Judge, Judgement, Model, load_image, scale_to, to_array
from stylize.runtime.checks.specimens import drawn_painting, drawn_photo
from stylize.runtime.judging.bures import bures_distance, gaussian_of
from stylize.runtime.judging.colours import palette, palette_distance
from stylize.runtime.judging.impression import STYLE_LAYERS
from stylize.runtime.judging.structure import cfsd, directions_of, shuffled
from stylize.runtime.providers.table import Precision

PHOTO, PAINTING = drawn_photo(), drawn_painting().resize((300, 400))
SIZE = 64
FROM_EITHER = "colours", "structure"

PROVIDERS_APART = 1e-3
"""Relative; a float32 provider's responses differ in the last digits. Measured: 1e-5."""


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.open(embedded_folder(), "cpu")


@pytest.fixture(scope="module")
def judge(model: Model) -> Judge:
    return Judge(model, PHOTO, PAINTING, SIZE)


def between(share: float) -> Image.Image:
    """A result that has something of both."""
    return Image.blend(PHOTO, PAINTING.resize(PHOTO.size), share)


def figures(found: Judgement) -> tuple[float, float, float]:
    return found.style, found.colours, found.structure


def test_the_photo_and_the_painting_are_the_ends(judge: Judge) -> None:
    assert figures(judge.judge(PHOTO)) == pytest.approx((1, 1, 0), abs=1e-9)
    style, colours, structure = figures(judge.judge(PAINTING))
    assert (style, colours) == (0, 0)
    assert structure > 0.5


def test_results_between_the_two(judge: Judge) -> None:
    path = [judge.judge(between(share)) for share in (0, 0.2, 0.4, 0.6)]
    colours, structures = ([getattr(each, name) for each in path] for name in FROM_EITHER)
    assert colours == sorted(colours, reverse=True)
    assert structures == sorted(structures)
    assert path[1].style > 0.8, "a double exposure is no painting"


def test_a_mirrored_painting_has_its_style_and_colours_still(judge: Judge) -> None:
    found = judge.judge(ImageOps.mirror(PAINTING))
    assert found.style < 0.5, "the deepest layer has 48 positions"
    assert found.colours < 0.01
    assert found.structure > 0.5


def test_the_figures_are_those_of_the_measures(model: Model, judge: Judge) -> None:
    result = between(0.5)
    images = [to_array(scale_to(picture, SIZE)) for picture in (PHOTO, PAINTING, result)]
    photo, painting, seen = (model.features(image) for image in images)
    expected = {}
    for layer in STYLE_LAYERS:
        goal = gaussian_of(painting[layer])
        value, whole = (bures_distance(gaussian_of(each[layer]), goal) for each in (seen, photo))
        expected[layer] = value / whole
    value, whole = (palette_distance(palette(images[i]), palette(images[1])) for i in (2, 0))
    expected["colours"] = value / whole
    source, other = directions_of(photo["conv3_1"]), directions_of(seen["conv3_1"])
    expected["structure"] = cfsd(source, other) / cfsd(source, shuffled(source))

    found = judge.judge(result)
    shares = {name: distance.share for name, distance in found.distances.items()}
    assert shares == pytest.approx(expected, rel=1e-9)
    assert found.style == pytest.approx(np.mean([expected[layer] for layer in STYLE_LAYERS]))
    assert (found.colours, found.structure) == (shares["colours"], shares["structure"])


@pytest.mark.parametrize("mode", MODES)
def test_every_provider_judges_alike(judge: Judge, mode: tuple[str, Precision]) -> None:
    name, precision = mode
    if precision != "float32":
        pytest.skip("rounded responses are others")
    other = Judge(
        Model.open(embedded_folder(), provider_or_skip(name, precision)), PHOTO, PAINTING, SIZE
    )
    result = between(0.5)
    expected = figures(judge.judge(result))
    assert figures(other.judge(result)) == pytest.approx(expected, rel=PROVIDERS_APART)


def test_results_are_brought_to_one_size(judge: Judge) -> None:
    assert judge.size(PHOTO) == (64, 48)
    large, small = judge.judge(between(0.5)), judge.judge(between(0.5).resize((40, 30)))
    assert (large.size, large.enlarged) == ((64, 48), False)
    assert (small.size, small.enlarged) == ((64, 48), True)


def test_the_photo_is_cut_to_the_result(judge: Judge) -> None:
    found = judge.judge(PHOTO.crop((64, 0, 448, 384)))
    assert found.size == (64, 64)
    assert figures(found) == pytest.approx((1, 1, 0), abs=1e-4), "but for the edges of the filter"
    assert figures(judge.judge(PHOTO)) == pytest.approx((1, 1, 0), abs=1e-9), "and back"


def test_a_width_and_a_height(model: Model) -> None:
    judge = Judge(model, PHOTO, PAINTING, (48, 32))
    assert judge.judge(PHOTO).size == judge.judge(PAINTING).size == (48, 32)


def test_the_painting_may_have_a_size_of_its_own(model: Model) -> None:
    judge = Judge(model, PHOTO, PAINTING, SIZE, painting_size=32)
    found = judge.judge(PAINTING)
    assert found.style > 0.05
    small = Judge(model, PHOTO, scale_to(PAINTING, 32), (24, 32))
    assert small.judge(PAINTING).style == 0


def test_transparent_parts_are_white(judge: Judge) -> None:
    clear = PHOTO.convert("RGBA")
    clear.paste((0, 0, 0, 0), (0, 0, 256, 384))
    white = PHOTO.copy()
    white.paste("white", (0, 0, 256, 384))
    assert figures(judge.judge(clear)) == figures(judge.judge(white))


def test_the_same_picture_twice_is_refused(model: Model) -> None:
    judge = Judge(model, PHOTO, PHOTO, SIZE)
    with pytest.raises(ImageError, match=r"conv1_2, .*, colours: the photo does not differ"):
        judge.judge(PHOTO)


def test_pictures_that_cannot_be_used_are_refused(
    model: Model, judge: Judge, picture: Callable[..., Path]
) -> None:
    narrow = picture(size=(600, 20))
    for use in (judge.judge, judge.size):
        with pytest.raises(ImageError, match=r"There is no picture 'none\.png'"):
            use("none.png")
        with pytest.raises(ImageError, match=r"64x2 pixels; .* 16 at least. Use a larger --size"):
            use(narrow)
    with pytest.raises(ImageError, match=r"64x2 pixels; .* Use a larger --painting-size"):
        Judge(model, PHOTO, load_image(narrow), SIZE)


def test_impossible_sizes_are_refused(model: Model) -> None:
    with pytest.raises(OptionError, match="size is 8"):
        Judge(model, PHOTO, PAINTING, 8)
    with pytest.raises(OptionError, match="painting size is 8"):
        Judge(model, PHOTO, PAINTING, SIZE, painting_size=8)


def test_a_model_without_a_layer_is_refused(model: Model) -> None:
    folder = open_folder(embedded_folder())
    layers = tuple(layer for layer in folder.manifest.layers if layer.name != "conv3_3")
    lacking = replace(folder, manifest=replace(folder.manifest, layers=layers))
    with pytest.raises(ModelError, match="'compact' lacks conv3_3, and cannot judge"):
        Judge(Model(lacking, model.provider), PHOTO, PAINTING)
