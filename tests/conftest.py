"""What the tests share: small seeded networks, their model folders, and the real data if there."""

import gc
import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest

CPUS = "STYLIZE_TEST_CPUS"
"""Variable with the numbers of all CPUs, for this file is imported more than once."""


def take_one_cpu() -> set[int]:
    """Give each worker of pytest-xdist a CPU of its own, and so whatever counts its CPUs a thread.

    With more threads the workers would be in each other's way. Return all CPUs that there were: a
    test of several threads gives them back to a process.
    """
    if not hasattr(os, "sched_getaffinity"):
        return set()
    numbers = " ".join(map(str, sorted(os.sched_getaffinity(0))))
    cpus = [int(number) for number in os.environ.setdefault(CPUS, numbers).split()]
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        os.sched_setaffinity(0, {cpus[int(worker.removeprefix("gw")) % len(cpus)]})
    return set(cpus)


ALL_CPUS = take_one_cpu()  # before numpy counts them

# Drivers of GPUs keep compiled programs in the user's home, and tests have homes of their own.
os.environ.setdefault("MESA_SHADER_CACHE_DIR", str(Path.home() / ".cache"))

import numpy as np
import typer.testing
from PIL import Image

# Typer makes all commands anew for each command line, which takes longer than many of them do.
typer.testing._get_command = cache(typer.testing._get_command)

REPOSITORY = Path(__file__).parents[1]
SHARED_DATA = REPOSITORY.parent / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--mutations",
        type=int,
        default=0,
        help="damaged copies of each file for tests/mutations.py (default: a few)",
    )


def pytest_collection_finish() -> None:
    """Let the garbage collector of a worker pass over the tests themselves: there are thousands."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        gc.collect()
        gc.freeze()


@pytest.fixture(scope="session")
def mutations(request: pytest.FixtureRequest) -> Callable[[int], int]:
    """Give the number of damaged copies of a file: what was asked for, else a test's own few."""
    asked: int = request.config.getoption("--mutations")
    return lambda few: asked or few


@pytest.fixture(scope="session")
def real_weights() -> Path:
    """The ImageNet weights of VGG-19, in Caffe's preprocessing."""
    return _shared("weights/vgg19_caffe_bgr.safetensors")


@pytest.fixture(scope="session")
def real_pictures() -> Path:
    """A folder with the paper's photograph and paintings."""
    return _shared("images")


@pytest.fixture(scope="session")
def real_model(real_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Give the folder of VGG-19 with its real weights and some pooling; to be read only."""
    pytest.importorskip("onnx", reason="exporting needs onnx")
    from stylize.export.network.architecture import vgg19
    from stylize.export.sources.loading import load_weights
    from stylize.export.writing.write import write_folder
    from stylize.models.layers import PoolingKind

    @cache
    def give(pooling: PoolingKind = "average") -> Path:
        network = vgg19(pooling)

        def write(path: Path) -> None:
            write_folder(path, network, load_weights(str(real_weights), network, "caffe"))

        return _written_once(tmp_path_factory, "vgg19", ("real", network), write)

    return give


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Give the folder of a network of `small`, perhaps with half weights; to be read only."""
    pytest.importorskip("onnx", reason="exporting needs onnx")
    pytest.importorskip("safetensors", reason="exporting needs safetensors")
    from small import small_weights

    from stylize.export.network.architecture import Network
    from stylize.export.writing.write import write_folder

    @cache
    def give(network: Network, half: bool = False) -> Path:
        def write(path: Path) -> None:
            write_folder(path, network, small_weights(network), half=half)

        return _written_once(tmp_path_factory, "small", ("small", network, half), write)

    return give


@pytest.fixture(autouse=True)
def nothing_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tests find no model that this machine happens to have, and no options."""
    for name in [name for name in os.environ if name.startswith("STYLIZE_")]:
        if name not in (CPUS, "STYLIZE_KILLS"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def auto_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tests that name no provider compute alike on any machine, and try none first."""
    from stylize.runtime.engine import choice

    monkeypatch.setattr(choice, "FASTEST_FIRST", ("cpu",))


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Path]:
    """Write a small random picture and return its path."""

    def write(name: str = "picture.png", size: tuple[int, int] = (48, 32), seed: int = 0) -> Path:
        pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
        return tmp_path / name

    return write


def _written_once(
    factory: pytest.TempPathFactory, name: str, what: object, write: Callable[[Path], None]
) -> Path:
    """Return a model's folder, which the first of pytest's workers that needs it writes for all."""
    own = factory.mktemp("models")
    together = own.parent.parent if "PYTEST_XDIST_WORKER" in os.environ else own.parent
    place = together / sha256(repr(what).encode()).hexdigest()[:16]
    if not place.exists():
        write(own / name)
        with suppress(OSError):  # another worker was faster
            own.rename(place)
    return place / name


def _shared(name: str) -> Path:
    path = SHARED_DATA / name
    if not path.exists():
        pytest.skip(f"the real data is not here: {os.path.relpath(path, REPOSITORY)}")
    return path
