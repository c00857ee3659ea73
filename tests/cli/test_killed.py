"""A process that is killed leaves no half-written file under a name that anybody looks for.

``STYLIZE_KILLS=50 pytest tests/cli/test_killed.py`` kills so many whole runs.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stylize.runtime.pictures.reading import load_image
from stylize.runtime.plans.recipe import read_recipe

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="only POSIX has SIGKILL")

KILLS = int(os.environ.get("STYLIZE_KILLS", "3"))
ITERATIONS = 30
TRACE, RESULT = Path("trace.jsonl"), Path("photo-painting.png")
RUN = [
    *(sys.executable, "-m", "stylize", "run", "photo.png", "painting.png", "--size", "16"),
    *("--trace", str(TRACE), "--quiet"),
]

SAVING = """
import os, random, signal, sys, time
import numpy as np
from pathlib import Path
from PIL import Image
from stylize.runtime.pictures.saving import save_image

chance = random.Random(0)
noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
picture, path = Image.fromarray(noise), Path("out.png")
save_image(picture, path)
for _ in range(50):
    child = os.fork()
    if not child:
        while True:
            save_image(picture, path)
    time.sleep(chance.uniform(0, 0.02))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with Image.open(path) as file:
        assert np.array_equal(np.asarray(file), noise)
"""


def visible() -> set[str]:
    return {name for name in os.listdir() if not name.startswith(".")}


def test_while_it_saves() -> None:
    result = subprocess.run([sys.executable, "-c", SAVING], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert visible() == {"out.png"}
    left = [name for name in os.listdir() if name != "out.png"]
    assert left, "it was never killed while it saved"
    assert all(name.startswith(".stylize-") and name.endswith(".part") for name in left)


def lines() -> list[str]:
    """The lines of the trace, as far as it is written."""
    return TRACE.read_text().splitlines() if TRACE.exists() else []


def new_files() -> set[str]:
    return set(os.listdir()) - {"photo.png", "painting.png"}


@pytest.mark.parametrize("number", range(KILLS))
def test_at_any_moment(number: int, picture: Callable[..., Path]) -> None:
    """After some iterations, or every other time while the result is saved."""
    picture("photo.png", (16, 16), seed=1)
    picture("painting.png", (16, 16), seed=2)
    saves = number % 2 == 0
    awaited = ITERATIONS if saves else random.Random(number).randint(1, ITERATIONS)
    with subprocess.Popen([*RUN, "--iterations", str(ITERATIONS)]) as process:
        while process.poll() is None and (
            len(lines()) < awaited or (saves and new_files() == {TRACE.name})
        ):
            time.sleep(0.001)
        process.kill()
    made = visible() & new_files()
    assert made <= {TRACE.name, RESULT.name}
    assert [json.loads(line)["iteration"] for line in lines()] == [*range(1, len(lines()) + 1)]
    assert len(lines()) >= awaited
    if RESULT.name in made:
        assert load_image(RESULT).size == (16, 16)
        assert read_recipe(RESULT).finished
    else:
        assert not saves or new_files() - made, "nothing was being saved"
