"""Switching between providers and sizes in one process leaves no memory behind."""

import gc
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import cycle, islice, product
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime", reason="runs the graphs")

from stylize.models.catalog import embedded_folder
from stylize.models.errors import ProviderError
from stylize.models.folder import open_folder
from stylize.runtime.checks.comparison import TOLERANCES
from stylize.runtime.checks.specimens import drawn_painting, drawn_photo
from stylize.runtime.engine.choice import find_provider, in_software
from stylize.runtime.method.model import Model
from stylize.runtime.method.options import Options
from stylize.runtime.method.scene import Scene
from stylize.runtime.providers.hardware import give_back_freed_memory
from stylize.runtime.providers.table import Provider, configure

WARM_UP, SWITCHES = 15, 45
SIZES = ((64, 48), (96, 96), (48, 80))
MOST = 3 * 2**20
"""Bytes that 30 switches may leave: some 100 kB each, where a graph takes megabytes."""


def working() -> Iterator[Provider]:
    """All providers that work here, in their own precision; of the CPU's, both forms of the graphs.

    Drivers of GPUs in software are left out, for they take a second for a step.
    """
    yield replace(configure("cpu"), form="plain")
    yield replace(configure("cpu"), form="blocked")
    for name in dict.fromkeys(name for name, _ in TOLERANCES if name != "cpu"):
        with suppress(ProviderError):
            found = find_provider(name)
            if not in_software(found):
                yield found


def resident() -> int:
    gc.collect()
    give_back_freed_memory()
    (line,) = [
        line
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmRSS")
    ]
    return 1024 * int(line.split()[1])


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory in /proc")
def test_switches_leave_nothing_behind() -> None:
    folder = open_folder(embedded_folder())
    photo, painting = drawn_photo(), drawn_painting()
    scenes = [Scene(Model(folder, provider), photo, painting) for provider in working()]
    switches = islice(cycle(product(SIZES, scenes)), SWITCHES)
    taken = {}
    for count, (size, scene) in enumerate(switches, start=1):
        assert len(list(scene.render(Options(size=size, iterations=2)))) == 2
        if count in (WARM_UP, SWITCHES):
            taken[count] = resident()
    left = taken[SWITCHES] - taken[WARM_UP]
    print(f"{left / 2**20:.1f} MiB left of {taken[WARM_UP] / 2**20:.0f} MiB")
    assert left <= MOST
