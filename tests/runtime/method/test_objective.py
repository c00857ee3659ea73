"""What is bound for the iteration: of which image, anew on other devices, and for each picture."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="runs a model")

from PIL import Image

from stylize.models.catalog import embedded_folder
from stylize.models.errors import OptionError
from stylize.models.folder import open_folder
from stylize.runtime.method.model import Model
from stylize.runtime.method.options import AS_PUBLISHED, Normalisation, Options
from stylize.runtime.method.scene import Scene
from stylize.runtime.providers.table import configure

CPU = configure("cpu")


def scene(model: Model) -> Scene:
    photo, painting = np.random.default_rng(0).integers(0, 255, (2, 24, 32, 3), np.uint8)
    return Scene(model, Image.fromarray(photo), Image.fromarray(painting))


def test_a_device_that_copies_what_is_bound_is_bound_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """As ONNX Runtime does where a provider's memory is not the CPU's."""
    import onnxruntime

    bind = onnxruntime.IOBinding.bind_ortvalue_input

    def copy_and_bind(binding: Any, name: str, tensor: Any) -> None:
        copy = onnxruntime.OrtValue.ortvalue_from_numpy(np.array(tensor.numpy()), "cpu", 0)
        copies.append(copy)
        bind(binding, name, copy)

    copies: list[Any] = []
    options = Options(size=32, iterations=4)
    folder = open_folder(embedded_folder())
    *_, expected = scene(Model(folder, CPU)).render(replace(options, optimizer="adam"))
    monkeypatch.setattr(onnxruntime.IOBinding, "bind_ortvalue_input", copy_and_bind)
    untested = replace(CPU, tested=False)
    monkeypatch.setattr("stylize.runtime.method.model.host_of", lambda provider: untested)
    found = list(scene(Model(folder, untested)).render(replace(options, optimizer="adam")))
    np.testing.assert_array_equal(found[-1].pixels, expected.pixels)


def test_pictures_of_one_model_may_be_made_in_turns() -> None:
    model = Model.open("compact", "cpu")
    usual = Options(size=32, iterations=5)
    wanted = [usual, replace(usual, tv_weight=1e3), replace(usual, size=24, style_weight=5.0)]
    alone = [list(scene(Model.open("compact", "cpu")).render(options)) for options in wanted]
    searches = [scene(model).render(options) for options in wanted]
    together = list(zip(*searches, strict=True))
    for number, expected in enumerate(alone):
        np.testing.assert_array_equal(together[-1][number].pixels, expected[-1].pixels)
        assert together[-1][number].losses == expected[-1].losses


@pytest.mark.parametrize("shape", [(1, 3, 32, 24), (1, 3, 24, 31)])
def test_an_image_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    objective = scene(Model.open("compact", "cpu")).objective(Options(size=32, margin=2))
    with pytest.raises(OptionError, match=r"must be \(1, 3, 28, 36\)"):
        objective(np.zeros(shape, np.float32))


@pytest.mark.parametrize("power", [-100, -66, 53, 80])
@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("losses", ["paper", "mse", "relative"])
def test_only_the_ratio_of_the_weights_tells(
    power: int, optimizer: Literal["lbfgs", "adam"], losses: Normalisation
) -> None:
    """Powers of two, by which multiplication is exact: the pictures are the same to the bit."""
    of_two = scene(Model.open("compact", "cpu"))
    usual = Options(size=32, iterations=8, tv_weight=1e-2, optimizer=optimizer, losses=losses)
    factor = 2.0**power
    weights = ("content_weight", "style_weight", "tv_weight")
    scaled = replace(usual, **{name: factor * getattr(usual, name) for name in weights})
    *_, expected = of_two.render(usual)
    *_, found = of_two.render(scaled)
    np.testing.assert_array_equal(found.pixels, expected.pixels)
    assert found.total == factor * expected.total
    assert found.best.total == factor * expected.best.total


@pytest.mark.parametrize(("content", "style"), [(1e-30, 1e-12), (1e10, 1e28), (0, 1e30)])
@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_weights_of_any_magnitude_lead_downhill(
    content: float, style: float, optimizer: Literal["lbfgs", "adam"]
) -> None:
    options = Options(
        size=32, iterations=40, content_weight=content, style_weight=style, optimizer=optimizer
    )
    first, *_, last = scene(Model.open("compact", "cpu")).render(options)
    assert last.best.total < 0.3 * first.total


def test_the_total_and_its_gradient_are_in_the_unit_of_the_weights() -> None:
    options = replace(AS_PUBLISHED, size=32, content_weight=3.0, style_weight=5.0)
    of_two = scene(Model.open("compact", "cpu"))
    image = of_two.start(replace(options, init="noise"))
    small = of_two.objective(options)(image)
    large = of_two.objective(replace(options, content_weight=3e12, style_weight=5e12))(image)
    weighted = 3 * sum(small.content_losses.values()) + sum(small.style_losses.values())
    assert small.total == pytest.approx(weighted, rel=1e-5)
    assert large.total == pytest.approx(1e12 * small.total, rel=1e-6)
    np.testing.assert_allclose(large.gradient, 1e12 * small.gradient, rtol=1e-3)
