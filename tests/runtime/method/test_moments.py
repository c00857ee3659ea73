"""Adam's running means from one scale to the next."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("onnxruntime", reason="runs the optimisers' graphs")

from stylize.models.errors import ModelError
from stylize.models.manifest import Manifest
from stylize.runtime import Iterate, Model, Options, Scene
from stylize.runtime.method.moments import Moments

OPTIONS = Options(
    size=64,
    scales=(32,),
    iterations=8,
    optimizer="adam",
    beta2=0.9,
    carry_moments=True,
    pixels="free",
    margin=4,
)
STEP = OPTIONS.learning_rate
BETA1, BETA2 = 0.9, OPTIONS.beta2


@pytest.fixture
def scene(picture: Callable[..., Path]) -> Scene:
    model = Model.open("compact", "cpu")
    return Scene(model, picture("photo.png"), picture("painting.png", seed=1))


class Seen:
    """Keeps Adam's means after the last step of each scale but the last."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.moments: list[Moments] = []
        enlarged = Moments.enlarged

        def seen(moments: Moments, *given: object) -> Moments:
            self.moments.append(moments)
            return enlarged(moments, *given)  # type: ignore[arg-type]

        monkeypatch.setattr(Moments, "enlarged", seen)


@pytest.mark.parametrize("tiled", [False, True], ids=["whole", "tiles"])
def test_the_first_step_of_a_scale_goes_on_from_them(
    tiled: bool, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By algorithm 1 of Kingma and Ba, beside torch's enlargement."""
    torch = pytest.importorskip("torch", reason="enlarges the means as their source does")
    seen, fine = Seen(monkeypatch), scene.stages(OPTIONS)[-1]
    if tiled:
        plan = replace(scene.plan(fine), tile=(16, 16))
        monkeypatch.setattr(Scene, "plan", lambda *_: plan)
    *_, (first, here), (_, following), _, _ = images(scene, OPTIONS)
    width, height = first.size
    assert width == 64
    size, (moments,) = (height, width), seen.moments
    gradient = scene.objective(fine)(here).gradient
    moments = moments.in_unit(0)
    t = moments.t + 1
    m = BETA1 * within(moments.m, size, "bicubic", torch) + (1 - BETA1) * inside(gradient)
    v = BETA2 * within(moments.v, size, "bilinear", torch) + (1 - BETA2) * inside(gradient) ** 2
    scale = np.sqrt(v / (1 - BETA2**t)) + 1e-8
    step = -STEP * m / (1 - BETA1**t) / scale
    np.testing.assert_allclose(inside(following - here), step, atol=2e-3 * STEP)
    assert moments.t == 4


def images(scene: Scene, options: Options) -> list[tuple[Iterate, NDArray[np.float32]]]:
    """Return all iterates, and their images with the margin."""
    return [(each, each.held.read().copy()) for each in scene.render(options)]


def inside(image: NDArray[np.float32]) -> NDArray[np.float64]:
    margin = OPTIONS.margin
    return image[:, :, margin:-margin, margin:-margin].astype(np.float64)


def within(
    mean: NDArray[np.float32], size: tuple[int, int], mode: str, torch: object
) -> NDArray[np.float64]:
    enlarge = torch.nn.functional.interpolate  # type: ignore[attr-defined]
    small = torch.from_numpy(inside(mean))  # type: ignore[attr-defined]
    return enlarge(small, size=size, mode=mode, antialias=True).numpy()  # as Pillow


def test_otherwise_they_begin_anew(scene: Scene) -> None:
    def losses(options: Options) -> list[float]:
        return [iterate.total for iterate in scene.render(options)]

    carried, anew = losses(OPTIONS), losses(replace(OPTIONS, carry_moments=False))
    assert carried[:5] == anew[:5]
    assert carried[5:] != anew[5:]


def test_the_second_mean_stays_above_zero() -> None:
    v = np.random.default_rng(0).random((1, 3, 20, 24), np.float32) ** 8
    assert Moments(1.0, v, v, 0).enlarged((47, 55), margin=2).v.min() > 0


def test_of_an_earlier_model_another_beta2_is_refused(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Manifest, "takes_beta2", False)
    with pytest.raises(ModelError, match=r"0\.9.*earlier release.*0\.999"):
        scene.check(OPTIONS)
    scene.check(replace(OPTIONS, beta2=0.999))
    scene.check(replace(OPTIONS, optimizer="lbfgs"))
