"""Pictures on workers of Dask, which may be killed at any time."""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="computes pictures")
pytest.importorskip("distributed", reason="computes on its workers")

from by_tiles import Array, away

from stylize.models.catalog import MANIFEST_FILE, embedded_folder
from stylize.models.errors import OptionError, ProviderError
from stylize.models.folder import open_folder
from stylize.runtime import Budget, Iterate, Model, Options, Scene
from stylize.runtime.checks.comparison import reference_provider
from stylize.runtime.checks.specimens import drawn_painting, drawn_photo
from stylize.runtime.cluster import checkpoint, connection, travel
from stylize.runtime.cluster.connection import Cluster
from stylize.runtime.cluster.crew import Crew
from stylize.runtime.cluster.picture import ClusterPicture, ClusterSearch
from stylize.runtime.method.held import Borrowed
from stylize.runtime.streaming.plan import Plan

OPTIONS = Options(size=(40, 270), margin=0, scales=1, iterations=4, init="noise", tv_weight=1e-3)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the workers keep models that they are sent."""
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def cluster(cache: str) -> Iterator[Cluster]:
    """Two workers; where one is killed, another starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", cache)
        found = Cluster("2")
        yield found
        found.close()


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SMALL", 1)


def scene(cluster: Cluster | None, model: Path | None = None) -> Scene:
    opened = Model.open(model or "compact", reference_provider(), Budget(), None)
    found = Model(opened.folder, opened.provider, opened.budget, cluster)
    return Scene(found, drawn_photo(), drawn_painting())


def rendered(cluster: Cluster, see: Callable[[Iterate], None] = lambda iterate: None) -> Iterate:
    for iterate in scene(cluster).render(OPTIONS):
        see(iterate)
    return iterate


def processes(cluster: Cluster) -> list[int]:
    """Return the numbers of the workers' processes."""
    assert cluster._own
    return [worker.process.process.pid for worker in cluster._own.workers.values()]


@pytest.fixture(scope="module")
def undisturbed(cluster: Cluster) -> Iterate:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "SMALL", 1)
        return rendered(cluster)


def test_the_same_picture_as_on_one_machine(undisturbed: Iterate) -> None:
    assert search_of(undisturbed)
    *_, alone = scene(None).render(OPTIONS)
    assert undisturbed.best.iteration == alone.best.iteration
    assert undisturbed.losses == pytest.approx(alone.losses, rel=1e-3)
    assert away(undisturbed.best.pixels, alone.best.pixels) < 1e-3


@pytest.mark.parametrize("kept", [0.0, 1e9], ids=["at every step", "never"])
def test_a_worker_that_is_killed_is_replaced_and_the_picture_is_the_same(
    cluster: Cluster, undisturbed: Iterate, kept: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit for bit: what was lost is done again from what was kept, or from the beginning."""
    monkeypatch.setattr(connection, "REPLACEMENT", 600)
    monkeypatch.setattr(checkpoint, "SELDOM", kept)
    monkeypatch.setattr(checkpoint, "LEAST", kept)
    chance = random.Random(0)
    gathered: list[ClusterPicture] = []
    gather = ClusterPicture._gathered

    def gathering(self: ClusterPicture) -> Crew:
        gathered.append(self)
        return gather(self)

    def kill_in_the_third_step(iterate: Iterate) -> None:
        if iterate.iteration == 2:
            victim = chance.choice(processes(cluster))
            threading.Timer(chance.uniform(0, 0.1), os.kill, (victim, signal.SIGKILL)).start()

    monkeypatch.setattr(ClusterPicture, "_gathered", gathering)
    found = rendered(cluster, kill_in_the_third_step)
    np.testing.assert_array_equal(found.best.pixels, undisturbed.best.pixels)
    assert found.losses == undisturbed.losses
    assert len(gathered) >= 3, "for the painting, for the picture, and again for that"


def test_an_error_of_one_member_is_told_while_others_wait(cluster: Cluster) -> None:
    objective = scene(cluster).objective(OPTIONS)
    picture = objective._picture  # type: ignore[union-attr]
    good = np.zeros((1, 3, 128, 40), np.float32)
    with pytest.raises(ValueError, match="broadcast"):
        picture.reliably(lambda crew: crew.each("look_at", [good, good[..., :7]]))
    picture = None
    assert len(rendered(cluster).best.pixels), "the workers are free"


CLIENT = """
import sys
from stylize.runtime import Budget, Model, Options, Scene
from stylize.runtime.cluster import connection
from stylize.runtime.cluster.connection import Cluster
from stylize.runtime.checks.specimens import drawn_painting, drawn_photo
if __name__ == "__main__":
    connection.SMALL = 1
    opened = Model.open("compact", "cpu")
    model = Model(opened.folder, opened.provider, Budget(), Cluster(sys.argv[1]))
    options = Options(size=(200, 270), scales=1, init="noise", iterations=99)
    for iterate in Scene(model, drawn_photo(), drawn_painting()).render(options):
        print(iterate.iteration, flush=True)
"""


def test_whoever_dies_leaves_the_workers_to_others(cluster: Cluster, undisturbed: Iterate) -> None:
    assert cluster._own
    command = [sys.executable, "-c", CLIENT, cluster._own.scheduler_address]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"1\n"
        process.kill()
    np.testing.assert_array_equal(rendered(cluster).best.pixels, undisturbed.best.pixels)


def search_of(iterate: Iterate) -> ClusterSearch:
    assert isinstance(iterate.best.held, Borrowed)
    assert isinstance(iterate.best.held.descent, ClusterSearch)
    return iterate.best.held.descent


def test_it_goes_on_with_fewer_workers(
    cluster: Cluster, undisturbed: Iterate, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = cluster.workers()[:1]

    def lose_one(iterate: Iterate) -> None:
        if iterate.iteration == 2:
            monkeypatch.setattr(Cluster, "workers", lambda self: left)
            search_of(iterate)._picture._crew = None

    found = rendered(cluster, lose_one)
    assert away(found.best.pixels, undisturbed.best.pixels) < 1e-3


def test_when_no_worker_is_left_the_best_that_was_kept_is_there(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "LEAST", 0)
    monkeypatch.setattr(checkpoint, "SELDOM", 0)
    kept: list[Array] = []
    found: list[Iterate] = []

    def lose_all(iterate: Iterate) -> None:
        found.append(iterate)
        if iterate.iteration == 2:
            kept.append(iterate.best.pixels)
            monkeypatch.setattr(connection, "PATIENCE", 0)
            monkeypatch.setattr(Cluster, "_present", lambda self: [])
            search_of(iterate)._picture._crew = None

    with pytest.raises(ProviderError, match=r"has no workers\. Start some: 'dask worker"):
        rendered(cluster, lose_all)
    np.testing.assert_array_equal(found[-1].best.pixels, kept[0])


def test_interrupted_the_best_is_there(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers finish a step that was begun."""
    do, steps = Crew.all, []

    def interrupted(self: Crew, name: str, *given: Any) -> list[Any]:
        found = do(self, name, *given)
        steps.extend([name] * (name == "step"))
        if len(steps) == 3:
            monkeypatch.undo()
            raise KeyboardInterrupt
        return found

    found: list[Iterate] = []
    monkeypatch.setattr(connection, "SMALL", 1)
    monkeypatch.setattr(Crew, "all", interrupted)
    with pytest.raises(KeyboardInterrupt):
        rendered(cluster, found.append)
    assert search_of(found[-1]).best_iteration == 3
    assert np.isfinite(found[-1].best.pixels).all()


def test_an_objective_is_that_of_one_machine(cluster: Cluster) -> None:
    """The painting, which is high enough here, is shared, too."""
    options = replace(OPTIONS, painting_size=400)
    assert scene(cluster).painting_plan(options).workers == 2
    image = np.random.default_rng(0).random((1, 3, 270, 40), np.float32)
    found, expected = (scene(each).objective(options)(image) for each in (cluster, None))
    assert found.total == pytest.approx(expected.total, rel=1e-5)
    assert found.style_losses == pytest.approx(expected.style_losses, rel=1e-4)
    assert away(found.gradient, expected.gradient) < 1e-5


def test_what_a_worker_lacks_is_told(cluster: Cluster) -> None:
    model = Model.open("compact", reference_provider())
    elsewhere = replace(reference_provider(), name="migraphx")
    layers = OPTIONS.layers
    plan = Plan((128, 256), "adam", 0, (), 0, 0, workers=2)
    picture = ClusterPicture(cluster, model.folder, layers, (270, 40), plan, elsewhere, None)
    with pytest.raises(ProviderError, match=r"On the worker tcp://\S+: .*MIGraphX"):
        picture.look_at(np.zeros((1, 3, 270, 40), np.float32))


def other_model(folder: Path) -> Path:
    """Write a model like the embedded one, which nobody else has."""
    shutil.copytree(embedded_folder(), folder)
    manifest = folder / MANIFEST_FILE
    manifest.write_text(manifest.read_text().replace('"name": "compact"', '"name": "other"'))
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="names the folder of caches as Linux does")
def test_models_travel(
    cluster: Cluster,
    cache: str,
    tmp_path: Path,
    undisturbed: Iterate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = other_model(tmp_path / "other")
    *_, found = scene(cluster, model).render(OPTIONS)
    np.testing.assert_array_equal(found.best.pixels, undisturbed.best.pixels)
    monkeypatch.setenv("XDG_CACHE_HOME", cache)
    travelled = travel.present(travel.digest_of(model))
    assert travelled
    assert travelled.manifest.name == "other"
    assert travelled.path != model


def test_a_model_that_was_changed_on_its_way_is_not_taken(tmp_path: Path) -> None:
    """But the right one in its place."""
    model = other_model(tmp_path / "other")
    digest, files = travel.digest_of(model), travel.packed(open_folder(model))
    name = next(name for name in files if name.startswith("gradient"))
    travel.unpack(digest, {**files, name: files[name] + b" "})
    assert travel.present(digest) is None
    travel.unpack(digest, files)
    assert travel.present(digest)


def test_a_small_picture_stays_here(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SMALL", 270 * 40 + 1)
    assert scene(cluster).plan(OPTIONS).workers == 0
    monkeypatch.setattr(connection, "SMALL", 270 * 40)
    plan = scene(cluster).plan(OPTIONS)
    assert (plan.workers, plan.tile is None) == (2, False)


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "ANSWER", 0.2)
    with pytest.raises(OptionError, match=r"Nobody answers at 'tcp://127\.0\.0\.1:9'"):
        Cluster("tcp://127.0.0.1:9")
