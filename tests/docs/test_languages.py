"""The programs in other languages reach the loss that ours reaches."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
import onnxruntime
import pytest
from conftest import REPOSITORY
from PIL import Image

from stylize.models.catalog import embedded_folder
from stylize.models.layers import STYLE_LAYERS
from stylize.runtime import Model, Options, transfer

EXAMPLES = REPOSITORY / "docs" / "examples"
ITERATIONS = 12
"""In so few, other kernels' rounding does not grow: losses differ by 1e-5."""
HEADERS = ("onnxruntime_cxx_api.h", "nlohmann/json.hpp", "stb_image.h", "stb_image_write.h")
FETCHED = REPOSITORY / "build" / "languages"
"""Where .ci/languages puts them, and says of which programs it has got all."""
FOLDERS = [
    *("/usr/include/onnxruntime", "/usr/include/stb"),
    *(str(FETCHED / "usr" / "include" / name) for name in ("", "onnxruntime", "stb")),
]
INCLUDED = [word for folder in FOLDERS for word in ("-isystem", folder)]


@pytest.fixture
def command(picture: Callable[..., Path]) -> list[str]:
    """What both programs are told."""
    picture("photo.png", (50, 35)), picture("painting.png", (44, 48), seed=1)
    return [str(embedded_folder()), "photo.png", "painting.png", "out.png", str(ITERATIONS)]


def compare_with_ours(printed: str) -> None:
    options = Options(
        size=(50, 35),
        painting_size=48,
        scales=1,
        margin=0,
        iterations=ITERATIONS,
        losses="paper",
        style_weight=1000,
        style_layers=STYLE_LAYERS,
        colors="painting",
    )
    model = Model.open(embedded_folder(), "cpu")
    *_, last = transfer(model, "photo.png", "painting.png", options)
    word, loss = printed.splitlines()[-1].split()
    assert word == "loss"
    assert float(loss) == pytest.approx(last.best.total, rel=1e-2)
    with Image.open("out.png") as image:
        assert np.abs(np.asarray(image, float) - np.asarray(last.best.image, float)).mean() < 1


def run(program: list[str]) -> str:
    finished = subprocess.run(program, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def lacking(language: str, what: str) -> NoReturn:
    """Skip a test that needs what is not there, unless that was fetched: then it fails."""
    ready = FETCHED / "ready"
    if ready.exists() and language in ready.read_text().split():
        pytest.fail(f".ci/languages has got all for {language}, but these are not found: {what}")
    pytest.skip(f"needs {what}")


@pytest.mark.tools
def test_javascript_reaches_our_loss(command: list[str]) -> None:
    folder = EXAMPLES / "node"
    if not shutil.which("node"):
        pytest.skip("needs Node.js")
    if not (folder / "node_modules" / "onnxruntime-node").exists():
        lacking("JavaScript", "the packages of 'npm install' in docs/examples/node")
    compare_with_ours(run(["node", str(folder / "stylize.js"), *command]))


@pytest.mark.tools
def test_cpp_reaches_our_loss(command: list[str], tmp_path: Path) -> None:
    if not shutil.which("g++"):
        pytest.skip("needs g++")
    asked = "".join(f"#include <{name}>\n" for name in HEADERS)
    found = subprocess.run(
        ["g++", "-std=c++17", "-E", *INCLUDED, "-xc++", "-"],
        input=asked.encode(),
        capture_output=True,
    )
    if found.returncode:
        lacking("C++", f"the headers {', '.join(HEADERS)}")
    shared = next((Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so*"), None)
    if not shared:
        lacking("C++", "ONNX Runtime's wheel for Linux")
    build = ["g++", "-std=c++17", *INCLUDED, str(EXAMPLES / "cpp" / "stylize.cpp"), "-o", "stylize"]
    run([*build, *linked(shared, tmp_path)])
    compare_with_ours(run(["./stylize", *command]))


def linked(shared: Path, folder: Path) -> list[str]:
    """Return the linker's options for a library, which has other names in the folder."""
    for name in ("libonnxruntime.so", "libonnxruntime.so.1"):
        (folder / name).symlink_to(shared)
    return [f"-L{folder}", "-lonnxruntime", f"-Wl,-rpath,{folder}"]
