"""Whole pictures on workers of a cluster, which may be killed."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("onnxruntime", reason="computes pictures")
pytest.importorskip("distributed", reason="computes on its workers")

from stylize.models.errors import ImageError, ProviderError
from stylize.runtime import Model, Options, Scene
from stylize.runtime.batches import distant
from stylize.runtime.batches.distant import DistantScene, Studio
from stylize.runtime.batches.keeping import KeptPictures
from stylize.runtime.batches.painter import Elsewhere
from stylize.runtime.cluster.connection import Cluster
from stylize.runtime.method.iteration import Iterate

EACH = "from stylize.runtime.batches import painter; painter.BETWEEN = 0.0"
"""Lets a worker tell of each iterate; its process does not know this file."""
OPTIONS = Options(size=48, scales=(24,), iterations=6, init="painting")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A worker; where it is killed, another starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        found = Cluster("1")
        yield found
        found.close()


@pytest.fixture
def files(picture: Callable[..., Path]) -> tuple[Path, Path]:
    """A photo with a transparent half, and a painting."""
    photo = picture("photo.png", (60, 50))
    with Image.open(photo) as opened:
        alpha = Image.new("L", opened.size, 255)
        alpha.paste(0, (0, 0, 30, 50))
        opened.putalpha(alpha)
        opened.save(photo)
    return photo, picture("painting.png", (40, 44), seed=1)


@pytest.fixture
def model() -> Model:
    return Model.open("compact", "cpu")


@pytest.fixture
def scene(cluster: Cluster, model: Model, files: tuple[Path, Path]) -> DistantScene:
    """A scene whose painter tells of each iterate."""
    cluster.on_each(exec, EACH)
    return DistantScene(Studio(cluster, 0, model), model, *files, KeptPictures())


def kill(cluster: Cluster) -> None:
    assert cluster._own
    for worker in cluster._own.workers.values():
        os.kill(worker.process.process.pid, signal.SIGKILL)


def same(found: Iterate, expected: Iterate) -> bool:
    both = (each.image for each in (found, expected))
    here, there = (np.asarray(image).astype(int) for image in both)
    return here.shape == there.shape and bool(np.abs(here - there).max() <= 1)


def test_pictures_are_those_of_this_process(
    scene: DistantScene, model: Model, files: tuple[Path, Path]
) -> None:
    """At each scale, with their transparency, one after the other by the same worker."""
    for options in (OPTIONS, replace(OPTIONS, colors="photo")):
        expected = list(Scene(model, *files).render(options))
        found = [(each, each.best.image.mode) for each in scene.render(options)]
        assert found[-1][0].iteration == options.iterations
        for iterate, mode in found:
            like = expected[iterate.iteration - 1]
            assert iterate.size == like.size
            assert iterate.losses == pytest.approx(like.losses, rel=1e-3)
            assert mode == "RGBA"
        assert same(found[-1][0].best, expected[-1].best)  # type: ignore[arg-type]


def test_when_the_worker_is_lost_another_begins_anew(
    scene: DistantScene, model: Model, cluster: Cluster, files: tuple[Path, Path]
) -> None:
    iterations, copies = [], []
    for iterate in scene.render(OPTIONS):
        iterations.append(iterate.iteration)
        copies.append(iterate.best.kept())
        if len(iterations) == 2:
            kill(cluster)
            with pytest.raises(ProviderError, match="The worker is lost, and its picture"):
                iterate.image  # noqa: B018
    *_, expected = Scene(model, *files).render(OPTIONS)
    assert iterations[:2] == [1, 2]
    assert iterations[-1] == OPTIONS.iterations
    assert same(copies[-1], expected.best)  # type: ignore[arg-type]
    assert copies[1].image.size == (24, 20)


def test_who_is_free_paints(
    cluster: Cluster, model: Model, files: tuple[Path, Path], tmp_path: Path
) -> None:
    """Two studios have two workers, whatever their numbers are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path))
        two = Cluster("2")
    try:
        teams = [Studio(two, 1, model)._gathered() for _ in range(2)]
        assert {team._workers[0] for team in teams} == set(two.workers())
    finally:
        two.close()


def test_images_of_the_last_two_that_were_told_are_there(scene: DistantScene) -> None:
    """An interrupt may come while the worker paints on."""
    iterates = scene.render(OPTIONS)
    first, second = next(iterates), next(iterates)
    expected = [found.best.pixels for found in (first, second)]
    third = next(iterates)
    assert np.array_equal(second.best.pixels, expected[1])
    assert third.best.pixels.shape == second.best.pixels.shape
    if third.best.iteration != first.best.iteration != second.best.iteration:
        with pytest.raises(ProviderError, match="painted on"):
            first.best.pixels  # noqa: B018


def test_it_is_not_begun_again_for_ever(
    scene: DistantScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> object:
        raise distant.LostError

    monkeypatch.setattr(distant.Team, "one", lost)
    with pytest.raises(ProviderError, match=f"Workers were lost {distant.ATTEMPTS} times in a row"):
        list(scene.render(OPTIONS))


def test_what_the_worker_finds_wrong_is_told(
    scene: DistantScene, files: tuple[Path, Path], model: Model
) -> None:
    files[0].write_bytes(files[0].read_bytes()[:200])
    with pytest.raises(ImageError, match=r"On the worker tcp://.*: The picture"):
        list(scene.render(replace(OPTIONS, init="noise", colors="painting")))


def test_an_image_that_is_elsewhere_is_not_read() -> None:
    with pytest.raises(AssertionError):
        Elsewhere((1, 3, 4, 4)).kept().read()
