"""Several paintings: their blend is exact, by layers, by tiles, from coarse to fine."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("onnxruntime", reason="makes pictures")

from stylize.models.errors import OptionError
from stylize.runtime import Model, Options, Scene, load_image, texture, to_array, transfer
from stylize.runtime.method import model as module
from stylize.runtime.method.paintings import Painting, check_layers, shares
from stylize.runtime.pictures.sizes import scale_to
from stylize.runtime.streaming.plan import Case, Plan

Array = npt.NDArray[np.float32]

PLAIN = Options(size=48, scales=1, iterations=3, margin=0, colors="painting", losses="paper")
FLOAT32 = 1e-4
"""Relative, of a gradient in float32; the truth is in float64."""


@pytest.fixture
def photo(picture: Callable[..., Path]) -> Path:
    return picture("photo.png", (60, 40))


@pytest.fixture
def paintings(picture: Callable[..., Path]) -> list[Path]:
    sizes = ((50, 70), (64, 64), (90, 60))
    return [picture(f"{n}.png", size, seed=n) for n, size in enumerate(sizes, start=1)]


@pytest.fixture
def model() -> Model:
    return Model.open("compact", "cpu")


def start(model: Model, photo: Path, options: Options = PLAIN) -> Array:
    image = Scene(model, photo).start(replace(options, style_weight=0))
    return image + 0.1 * np.random.default_rng(7).random(image.shape, np.float32)


class TestShares:
    def test_are_in_proportion(self) -> None:
        blend = [Painting("a", 3), Painting("b"), Painting("c"), Painting("d", 0)]
        assert shares(blend, "conv1_1") == [("a", 0.6), ("b", 0.2), ("c", 0.2)]

    def test_of_layers_that_are_named(self) -> None:
        named = ("conv1_1", "conv2_1")
        blend = [Painting("a"), Painting("b", layers=named), Painting("c", 3, ("conv1_1",))]
        assert shares(blend, "conv1_1") == [("b", 0.25), ("c", 0.75)]
        assert shares(blend, "conv2_1") == [("b", 1.0)]
        assert shares(blend, "conv3_1") == [("a", 1.0)]

    def test_none(self) -> None:
        with pytest.raises(OptionError, match="No painting is seen at conv1_1: all weights are 0"):
            shares([Painting("a", 0)], "conv1_1")
        with pytest.raises(OptionError, match="No painting is seen at conv1_1: name one"):
            shares([Painting("a", layers=("conv2_1",))], "conv1_1")

    @pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf"), "3", None])
    def test_no_weight(self, weight: Any) -> None:
        with pytest.raises(OptionError, match="weight of a painting is"):
            Painting("a", weight)

    def test_no_layers(self) -> None:
        with pytest.raises(OptionError, match="list of a painting's layers is conv1_1; it must be"):
            Painting("a", layers="conv1_1")  # type: ignore[arg-type]
        assert hash(Painting("a", layers=["conv1_1"]))  # type: ignore[arg-type]

    def test_a_layer_without_a_loss(self, model: Model, photo: Path, paintings: list[Path]) -> None:
        blend = [Painting(paintings[0]), Painting(paintings[1], layers=("conv5_1",))]
        with pytest.raises(OptionError, match="named for conv5_1, which has no style loss"):
            Scene(model, photo, blend).check(PLAIN)
        check_layers(blend, ("conv4_1", "conv5_1"))


def test_a_blend_has_the_gradient_of_the_weighted_losses(
    small_model: Callable[..., Path], photo: Path, paintings: list[Path]
) -> None:
    """Each painting's own E_l (eq. 4), weighted and added up, in float64, by torch."""
    torch = pytest.importorskip("torch", reason="the truth is torch's autograd")
    from small import small_network, small_weights
    from torch_vgg import TorchVgg, bgr

    blend = [
        Painting(paintings[0], 3),
        Painting(paintings[1], 1),
        Painting(paintings[2], layers=("conv3_1",)),
    ]
    options = replace(PLAIN, content_weight=0, style_layers={"conv1_1": 2, "conv3_1": 1})
    model = Model.open(small_model(small_network()), "cpu")
    image = start(model, photo)
    found = Scene(model, photo, blend).objective(options)(image)

    vgg = TorchVgg(small_network(), small_weights(small_network()).arrays, torch.float64)

    def grams(pixels: Array) -> dict[str, "torch.Tensor"]:
        seen = vgg(bgr(pixels), last="conv3_1")
        rows = {layer: seen[layer].flatten(2)[0] for layer in ("conv1_1", "conv3_1")}
        return {layer: each @ each.T / each.shape[1] for layer, each in rows.items()}

    def picture(path: Path) -> "torch.Tensor":
        return torch.from_numpy(to_array(scale_to(load_image(path), 48)).astype(np.float64))

    targets = [grams(picture(path)) for path in paintings]
    pixels = torch.from_numpy(image.astype(np.float64)).requires_grad_()
    here = grams(pixels)

    def loss(layer: str, index: int) -> "torch.Tensor":
        channels = here[layer].shape[0]
        return ((here[layer] - targets[index][layer]) ** 2).sum() / (4 * channels**2)

    lower = 0.75 * loss("conv1_1", 0) + 0.25 * loss("conv1_1", 1)
    (options.style_weight / 2 * (2 * lower + loss("conv3_1", 2))).backward()
    truth = pixels.grad.numpy()
    assert np.linalg.norm(found.gradient - truth) <= FLOAT32 * np.linalg.norm(truth)


def test_one_alone_is_the_same_bit_for_bit(
    model: Model, photo: Path, paintings: list[Path]
) -> None:
    (alone, *others) = paintings
    zero = [Painting(alone, 0.3), *(Painting(each, 0) for each in others)]
    for options in (PLAIN, Options(size=48, iterations=3)):
        *_, expected = transfer(model, photo, alone, options)
        *_, found = transfer(model, photo, zero, options)
        np.testing.assert_array_equal(found.pixels, expected.pixels)


def test_a_painting_twice_is_the_painting(model: Model, photo: Path, paintings: list[Path]) -> None:
    image = start(model, photo)
    expected = Scene(model, photo, paintings[0]).objective(PLAIN)(image)
    found = Scene(model, photo, [paintings[0], paintings[0]]).objective(PLAIN)(image)
    assert found.total == pytest.approx(expected.total, rel=FLOAT32)


def test_each_painting_is_looked_at_once_and_alone(
    model: Model, photo: Path, paintings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[object, ...]] = []
    targets = Model.targets

    def looking(self: Model, image: Array, layers: object) -> dict[str, Array]:
        seen.append((*image.shape[2:], str(layers)))
        return targets(self, image, layers)  # type: ignore[arg-type]

    monkeypatch.setattr(Model, "targets", looking)
    layers = ("conv1_1", "conv2_1")
    blend = [paintings[0], Painting(paintings[1], layers=("conv2_1",)), Painting(paintings[2], 0)]
    scene = Scene(model, photo, blend)
    for weight in (1.0, 10.0):
        scene.objective(replace(PLAIN, style_layers=layers, style_weight=weight))
    assert seen == [
        (48, 34, "style conv1_1"),
        (48, 48, "style conv2_1"),
        (32, 48, "content conv4_2"),
    ]


def test_by_tiles(
    model: Model, photo: Path, paintings: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = replace(PLAIN, colors="painting-matched", size=64)
    blend = [Painting(paintings[0], 3), paintings[1], Painting(paintings[2], layers=("conv1_1",))]
    image = start(model, photo, options)
    expected = Scene(model, photo, blend).objective(options)(image)

    def tiled(case: Case, *_: object) -> Plan:
        return Plan((24, 32), case.optimizer, case.history, (), 0, 0)

    monkeypatch.setattr(module, "make_plan", tiled)
    monkeypatch.setattr(module, "plan_targets", tiled)
    found = Scene(model, photo, blend).objective(options)(image)
    assert found.total == pytest.approx(expected.total, rel=2e-4)
    norm = np.linalg.norm(expected.gradient)
    assert np.linalg.norm(found.gradient - expected.gradient) <= 1e-3 * norm


def test_the_plan_counts_the_largest(model: Model, photo: Path, paintings: list[Path]) -> None:
    options = Options(size=300)
    alone = [Scene(model, photo, each).painting_plan(options).memory for each in paintings]
    together = Scene(model, photo, paintings)
    assert together.painting_plan(options).memory == max(alone)
    assert together.painting_size(options) == (300, 300)


def test_many(model: Model, photo: Path, paintings: list[Path]) -> None:
    options = Options(size=32, iterations=2, style_layers=("conv1_1",))
    *_, found = transfer(model, photo, paintings * 13 + paintings[:1], options)
    assert np.isfinite(found.total)


def test_a_texture_of_several(model: Model, paintings: list[Path]) -> None:
    options = Options(size=48, iterations=4, init="noise", style_layers=("conv1_1", "conv2_1"))
    (first, *_, last) = texture(model, paintings, options)
    assert last.best.total < first.total
    assert first.size == (34, 48), "in the first one's proportions"
