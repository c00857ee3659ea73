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
RUN_TIME = 1.2
"""Seconds within which a run is killed; a whole one takes about so long."""

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


@pytest.mark.parametrize("number", range(KILLS))
def test_at_any_moment(number: int, picture: Callable[..., Path]) -> None:
    picture("photo.png", (16, 16), seed=1)
    picture("painting.png", (16, 16), seed=2)
    before = visible()
    command = ["run", "photo.png", "painting.png", "--size", "16", "--iterations", "3"]
    with subprocess.Popen(
        [sys.executable, "-m", "stylize", *command, "--trace", "trace.jsonl", "--quiet"]
    ) as process:
        time.sleep(random.Random(number).uniform(0, RUN_TIME))
        process.kill()
    made = visible() - before
    assert made <= {"photo-painting.png", "trace.jsonl"}
    if "photo-painting.png" in made:
        assert load_image("photo-painting.png").size == (16, 16)
        assert read_recipe(Path("photo-painting.png")).finished
    if "trace.jsonl" in made:
        text = Path("trace.jsonl").read_text()
        assert [json.loads(line)["iteration"] for line in text.splitlines()] == [1, 2, 3][
            : text.count("\n")
        ]
