"""What the tests share: small seeded networks, their model folders, and the real data if there."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

REPOSITORY = Path(__file__).parents[1]
SHARED_DATA = REPOSITORY.parent / "shared" / "data"


@pytest.fixture(scope="session")
def real_weights() -> Path:
    """The ImageNet weights of VGG-19, in Caffe's preprocessing."""
    return _shared("weights/vgg19_caffe_bgr.safetensors")


@pytest.fixture(scope="session")
def real_pictures() -> Path:
    """A folder with the paper's photograph and paintings."""
    return _shared("images")


@pytest.fixture(autouse=True)
def no_models_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tests find no model that this machine happens to have."""
    monkeypatch.delenv("STYLIZE_MODELS", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Path]:
    """Write a small random picture and return its path."""

    def write(name: str = "picture.png", size: tuple[int, int] = (48, 32), seed: int = 0) -> Path:
        pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
        return tmp_path / name

    return write


def _shared(name: str) -> Path:
    path = SHARED_DATA / name
    if not path.exists():
        pytest.skip(f"the real data is not here: {os.path.relpath(path, REPOSITORY)}")
    return path
