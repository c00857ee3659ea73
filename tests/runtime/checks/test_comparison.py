"""Every provider that works here, in every precision, against the CPU in float32."""

import gc
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from every_provider import MODES, provider_or_skip, skip_if_slow
from PIL import Image

pytest.importorskip("onnxruntime", reason="asks for its providers")

from stylize.models.catalog import embedded_folder
from stylize.models.errors import ProviderError
from stylize.models.folder import open_folder
from stylize.runtime.checks import comparison
from stylize.runtime.checks.comparison import (
    FLOAT32,
    TOLERANCES,
    Comparison,
    Measurement,
    Task,
    compare,
    gradients_apart,
    losses_apart,
    measure,
    reference_provider,
    tolerance_of,
)
from stylize.runtime.checks.specimens import drawn_painting, drawn_photo
from stylize.runtime.engine.program import Program
from stylize.runtime.method.model import Model
from stylize.runtime.method.objective import Evaluation, Objective
from stylize.runtime.method.options import Options
from stylize.runtime.method.scene import Scene
from stylize.runtime.providers.table import (
    PROVIDERS,
    Precision,
    Provider,
    configure,
    host_of,
)

SIZES = [64, (63, 70)]


@pytest.fixture(params=MODES)
def provider(request: pytest.FixtureRequest) -> Iterator[Provider]:
    yield provider_or_skip(*request.param)
    # What errors still refer to would go at any time, and drivers of GPUs with it.
    gc.collect()


_references: dict[tuple[Path, object], Measurement] = {}


def reference(task: Task) -> Measurement:
    """The reference's measurement, made once for all providers."""
    key = task.folder.path, task.size
    if key not in _references:
        _references[key] = measure(task, reference_provider())
    return _references[key]


def assert_near_the_reference(task: Task, provider: Provider) -> None:
    apart = compare(measure(task, provider), reference(task))
    print(f"{provider.name} {provider.precision} {task.size}: {apart}")
    assert apart.within(tolerance_of(provider, task.folder.manifest.pooling)), apart


def drawn(folder: Path, size: int | tuple[int, int], iterations: int = 10) -> Task:
    return Task(open_folder(folder), *pictures(), size, iterations)


@cache
def pictures() -> tuple[Image.Image, Image.Image]:
    return drawn_photo(), drawn_painting()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_embedded_model(provider: Provider, size: int | tuple[int, int]) -> None:
    skip_if_slow(provider, size)
    assert_near_the_reference(drawn(embedded_folder(), size), provider)


# With layers as narrow as these, one flipped ReLU may weigh more than the tolerance in the
# gradient; at these sizes none does.
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_small_network_with_max_pooling(
    small_model: Callable[..., Path], provider: Provider, size: int | tuple[int, int]
) -> None:
    from small import small_network

    skip_if_slow(provider, size)
    task = drawn(small_model(small_network("max")), size)
    assert_near_the_reference(task, provider)


@pytest.mark.real_weights
def test_vgg19(real_model: Callable[..., Path], real_pictures: Path, provider: Provider) -> None:
    size = (127, 95)
    photo, painting = (
        real_pictures / name for name in ("tuebingen_neckarfront.jpg", "starry_night.jpg")
    )
    skip_if_slow(provider, size, deep=True)
    task = Task(open_folder(real_model()), photo, painting, size, 10)
    assert_near_the_reference(task, provider)


def test_lbfgs_descends(provider: Provider) -> None:
    """How far, differs: see `stylize.runtime.checks.comparison`."""
    scene = Scene(Model(open_folder(embedded_folder()), provider), drawn_photo(), drawn_painting())
    first, *_, last = scene.render(Options(size=32, iterations=20), every=1)
    assert last.best.total < first.total / 4


def test_every_kind_of_graph_runs_there_as_a_whole(provider: Provider) -> None:
    """A session refuses a graph of which a part would run elsewhere."""
    folder = open_folder(embedded_folder())
    manifest, host = folder.manifest, host_of(provider)
    dimensions = {**folder.dimensions((33, 32)), "places": 3, "rows": 6}
    for graph in (manifest.features, manifest.targets[0], manifest.gradients[0]):
        Program(folder, graph, dimensions, provider)
    for graph in (manifest.variation, *manifest.optimizers.values()):
        Program(folder, graph, dimensions, host)


def test_a_provider_that_quietly_became_another_is_an_error(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ONNX Runtime goes on with the CPU when a provider fails to start."""
    import onnxruntime

    monkeypatch.setattr(
        onnxruntime.InferenceSession, "get_providers", lambda self: ["OtherExecutionProvider"]
    )
    model = Model(open_folder(embedded_folder()), provider)
    with pytest.raises(ProviderError, match="could not start it"):
        model.features(np.zeros((1, 3, 32, 32), np.float32))


@cache
def without_a_channel() -> Comparison:
    """How far the reference is from itself where its gradient lacks a channel."""
    task = drawn(embedded_folder(), 32, iterations=1)
    right = measure(task, reference_provider())
    evaluate = Objective.__call__

    def wrong(objective: Objective, image: comparison.Array) -> Evaluation:
        found = evaluate(objective, image)
        found.gradient[:, 0] = 0
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Objective, "__call__", wrong)
        return compare(measure(task, reference_provider()), right)


class TestTolerances:
    def test_there_is_one_for_all_that_is_tested(self) -> None:
        tested = {
            (name, precision)
            for name, known in PROVIDERS.items()
            if known.tested
            for precision in known.modes
        }
        only_on_arm = {("cpu", "bfloat16")}
        assert TOLERANCES.keys() | only_on_arm == tested | only_on_arm

    def test_what_is_untested_must_do_as_well_in_float32(self) -> None:
        assert tolerance_of(configure("coreml")) is FLOAT32

    def test_maxima_move(self) -> None:
        exact = tolerance_of(configure("cpu"), "max")
        assert FLOAT32.final < exact.final < 1e-2
        assert replace(exact, final=FLOAT32.final) == FLOAT32
        tf32 = configure("cuda", "tf32")
        assert tolerance_of(tf32, "max").gradient > tolerance_of(tf32).gradient
        assert tolerance_of(tf32, "max").final > tolerance_of(tf32).final
        assert tolerance_of(tf32, "max").losses == tolerance_of(tf32).losses

    @pytest.mark.parametrize(
        ("name", "precision"),
        [mode for mode in TOLERANCES if mode[1] in PROVIDERS[mode[0]].modes],
        ids=str,
    )
    def test_each_sees_a_wrong_gradient(self, name: str, precision: Precision) -> None:
        """A channel without a gradient, on the reference itself."""
        apart = without_a_channel()
        assert (apart.losses, apart.final) == (0, 0)
        assert not apart.within(tolerance_of(configure(name, precision)))


class TestComparison:
    def test_a_measurement_is_no_distance_from_itself(self) -> None:
        found = measure(drawn(embedded_folder(), 32, iterations=3), reference_provider())
        assert compare(found, found) == Comparison(0.0, 0.0, 0.0)
        assert found.seconds > 0
        assert found.losses.keys() == {
            "total",
            "content.conv4_2",
            *(f"style.conv{block}_1" for block in range(1, 6)),
        }
        assert all(loss > 0 for loss in found.losses.values())

    def test_differences_are_relative(self) -> None:
        gradient = np.array([3.0, 4.0], np.float32)
        right = Measurement({"total": 2.0, "content.conv4_2": 10.0}, gradient, 8.0, 0.1, None)
        found = Measurement({"total": 2.0, "content.conv4_2": 9.0}, gradient * 2, 6.0, 0.1, None)
        apart = compare(found, right)
        assert apart == Comparison(losses=0.1, gradient=1.0, final=0.25)
        assert apart.within(replace(FLOAT32, losses=0.1, gradient=1.0, final=0.25))
        for one_less in ("losses", "gradient", "final"):
            most = {"losses": 0.1, "gradient": 1.0, "final": 0.25} | {one_less: 0.09}
            assert not apart.within(replace(FLOAT32, **most))

    def test_nan_is_beyond_any_tolerance(self) -> None:
        gradient = np.ones(2, np.float32)
        right = Measurement({"total": 1.0, "other": 1.0}, gradient, 1.0, 0.1, None)
        for wrong in (
            replace(right, losses={"total": 1.0, "other": np.nan}),
            replace(right, gradient=np.array([np.nan, 1], np.float32)),
            replace(right, final=np.nan),
        ):
            assert not compare(wrong, right).within(replace(FLOAT32, losses=9, gradient=9, final=9))

    def test_of_nothing(self) -> None:
        nothing = np.zeros(2, np.float32)
        assert losses_apart({"total": 0.0}, {"total": 0.0}) == 0
        assert losses_apart({"total": 1e-9}, {"total": 0.0}) == np.inf
        assert gradients_apart(nothing, nothing) == 0

    def test_one_that_diverges_is_measured_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from stylize.models.errors import DivergenceError

        def diverge(*_: object, **__: object) -> None:
            raise DivergenceError("it is no number")

        monkeypatch.setattr(Scene, "render", diverge)
        found = measure(drawn(embedded_folder(), 32), reference_provider())
        assert np.isnan([found.final, found.seconds]).all()
