"""A plan tells what then happens: the most memory that the process has at a time."""

import subprocess
import sys

import pytest

WITHIN = 0.15

RUN = """
import re, sys
import numpy as np
from PIL import Image
from stylize.runtime import Budget, Model, Options, Scene

width, height, memory, steps = map(int, sys.argv[1:5])
noise = np.random.default_rng(0).integers(0, 255, (2, 90, 120, 3), dtype=np.uint8)
scene = Scene(Model.open("compact", "cpu", Budget(memory)), *map(Image.fromarray, noise))
options = Options(
    size=(width, height), iterations=steps, scales=1, history=2, optimizer=sys.argv[5]
)
plan = scene.plan(options)
assert plan.tile and plan.optimizer == options.optimizer, plan
for _ in scene.render(options):
    pass
status = open("/proc/self/status").read()
print(int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) * 1024, plan.memory)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is told in /proc")
@pytest.mark.parametrize(
    ("size", "memory", "steps", "optimizer"),
    [((1024, 768), 450_000_000, 4, "lbfgs"), ((800, 600), 230_000_000, 2, "adam")],
    ids=["lbfgs", "adam"],
)
def test_the_peak_is_that_of_the_plan(
    size: tuple[int, int], memory: int, steps: int, optimizer: str
) -> None:
    numbers = [*size, memory, steps, optimizer]
    command = [sys.executable, "-c", RUN, *map(str, numbers)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    peak, planned = map(int, told.split())
    assert planned <= memory
    assert peak == pytest.approx(planned, rel=WITHIN)
