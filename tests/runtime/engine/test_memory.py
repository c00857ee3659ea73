"""What a picture needs of memory, against what a process takes; and what there is of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from stylize.models.catalog import embedded_folder
from stylize.models.folder import open_folder
from stylize.models.layers import LayerSet
from stylize.runtime.engine import memory
from stylize.runtime.engine.memory import (
    memory_available,
    memory_need,
    memory_of_machine,
    targets_need,
)
from stylize.runtime.providers import groups

PAPER = LayerSet(("conv4_2",), ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"))
MIB = 2**20

PEAK = """
import sys
from pathlib import Path
from PIL import Image
from stylize.runtime import Model, Options, transfer
picture = Image.effect_noise((64, 48), 60)
size = int(sys.argv[1]), int(sys.argv[2])
list(transfer(Model.open("compact", "cpu"), picture, picture, Options(size=size, iterations=3)))
(peak,) = [line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
print(int(peak.split()[1]) * 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak in /proc")
@pytest.mark.parametrize("size", [(640, 480), (1120, 840)], ids=str)
def test_a_transfer_takes_what_the_formula_says(size: tuple[int, int]) -> None:
    command = [sys.executable, "-c", PEAK, *map(str, size)]
    taken = int(subprocess.run(command, capture_output=True, check=True).stdout)
    assert memory_need(open_folder(embedded_folder()), PAPER, 3).bytes(size) == pytest.approx(
        taken, rel=0.3
    )


def test_deeper_layers_and_a_longer_history_need_more() -> None:
    folder = open_folder(embedded_folder())
    shallow = memory_need(folder, LayerSet(content=("conv1_1",)))
    deep = memory_need(folder, LayerSet(content=("conv4_2",)))
    assert shallow.of_a_pixel < deep.of_a_pixel < memory_need(folder, PAPER).of_a_pixel
    # A step in the history is two images of three float32 channels.
    assert memory_need(folder, PAPER, 10).of_a_pixel == pytest.approx(
        memory_need(folder, PAPER).of_a_pixel + 10 * 2 * 3 * 4
    )


MEMINFO = "MemTotal: 8000 kB\nMemFree: 100 kB\nMemAvailable: 4000 kB\nSwapTotal: 500 kB\n"


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Linux with 4000 kB of memory available and no limits."""
    (tmp_path / "meminfo").write_text(MEMINFO)
    (tmp_path / "own").write_text("0::/\n")
    (tmp_path / "groups").mkdir()
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(groups, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(groups, "GROUPS", tmp_path / "groups")
    return tmp_path


def write_group(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_looking_at_a_painting_needs_less_than_iterating_in_its_size() -> None:
    """Measured: 190 to 200 bytes for each pixel, beyond the process and the weights."""
    folder = open_folder(embedded_folder())
    seen, iterated = targets_need(folder, PAPER), memory_need(folder, PAPER)
    assert seen.of_a_pixel == pytest.approx(200, rel=0.25)
    assert seen.of_a_pixel < iterated.of_a_pixel / 2
    assert seen.fixed == iterated.fixed


def test_what_linux_calls_available_is_available(system: Path) -> None:
    assert memory_available() == 4000 * 1024


def test_a_limit_of_a_control_group_counts(system: Path) -> None:
    (system / "own").write_text("0::/box\n")
    stat = "anon 500\ninactive_file 200\n"
    limits = {"memory__max": "3000", "memory__current": "700", "memory__stat": stat}
    write_group(system / "groups" / "box", **limits)
    assert memory_available() == 3000 - 700 + 200


def test_all_memory_is_that_of_the_group_and_what_there_is_to_swap_to(system: Path) -> None:
    assert memory_of_machine() == (8000 + 500) * 1024
    limits = {"memory__max": "3000", "memory__current": "700", "memory__stat": ""}
    write_group(system / "groups", **limits)
    assert memory_of_machine() == 3000 + 500 * 1024


def test_a_group_without_a_limit_does_not_count(system: Path) -> None:
    limits = {"memory__max": "max\n", "memory__current": "700", "memory__stat": ""}
    write_group(system / "groups", **limits)
    assert memory_available() == 4000 * 1024


def test_a_limit_of_a_container_lies_at_the_root(system: Path) -> None:
    """The older kind of groups; the path is that of the host."""
    (system / "own").write_text("7:cpu,cpuacct:/\n4:memory:/docker/abc\n0::/\n")
    write_group(
        system / "groups" / "memory",
        memory__limit_in_bytes="2000",
        memory__usage_in_bytes="600",
        memory__stat="total_inactive_file 100\n",
    )
    assert memory_available() == 2000 - 600 + 100


def test_the_limit_of_a_group_above_counts(system: Path) -> None:
    (system / "own").write_text("0::/user.slice/box\n")
    limits = {"memory__max": "3000", "memory__current": "700", "memory__stat": ""}
    write_group(system / "groups" / "user.slice", **limits)
    assert memory_available() == 3000 - 700


def test_a_system_without_groups_has_what_is_free(system: Path) -> None:
    (system / "own").unlink()
    assert memory_available() == 4000 * 1024


def test_where_nothing_is_known_nothing_is_said(system: Path) -> None:
    (system / "meminfo").write_text("MemAvailable: unknown\n")
    assert memory_available() is None
