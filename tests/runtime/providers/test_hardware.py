"""How many CPUs a process may use: bound to some, or limited by its control groups."""

import os
import sys
from pathlib import Path

import pytest

from stylize.runtime.providers import groups, hardware
from stylize.runtime.providers.hardware import cpu_limit, usable_cpus


@pytest.fixture(autouse=True)
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system with 64 CPUs whose files lie here."""
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    monkeypatch.setattr(groups, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(groups, "GROUPS", tmp_path / "groups")
    return tmp_path


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_without_groups_all_that_it_is_bound_to() -> None:
    assert usable_cpus() == 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("10000 100000", 1),
        ("9900000 100000", 64),
        ("max 100000", 64),
        ("0 0", 64),
        ("", 64),
    ],
)
def test_a_quota_of_the_unified_hierarchy(system: Path, text: str, expected: int) -> None:
    (system / "own").write_text("0::/user/job\n")
    write(system / "groups" / "user" / "job", cpu__max=f"{text}\n")
    assert usable_cpus() == expected


@pytest.mark.parametrize(("quota", "expected"), [("300000", 3), ("-1", 64)])
def test_a_quota_of_the_older_hierarchy(system: Path, quota: str, expected: int) -> None:
    (system / "own").write_text("5:memory:/job\n4:cpu,cpuacct:/job\n")
    write(system / "groups" / "cpu" / "job", cpu__cfs_quota_us=quota, cpu__cfs_period_us="100000")
    assert usable_cpus() == expected


def test_the_least_of_all_groups_above_counts(system: Path) -> None:
    (system / "own").write_text("0::/user/job\n")
    write(system / "groups" / "user" / "job", cpu__max="800000 100000")
    write(system / "groups" / "user", cpu__max="400000 100000")
    write(system / "groups", cpu__max="600000 100000")
    assert usable_cpus() == 4


def test_a_quota_of_a_container_lies_at_the_root(system: Path) -> None:
    (system / "own").write_text("0::/docker/0123\n")
    write(system / "groups", cpu__max="200000 100000")
    assert usable_cpus() == 2


def test_it_is_known_what_limits(system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "machine" in cpu_limit().source
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert "bound" in cpu_limit().source
    (system / "own").write_text("0::/job\n")
    write(system / "groups" / "job", cpu__max="400000 100000")
    assert str(system / "groups" / "job") in cpu_limit().source


def test_a_system_that_binds_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    assert usable_cpus() == 64


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these files")
def test_who_made_the_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for card, vendor in {"card0": "0x1a03", "card1": "0x1002", "card2": "0x10de"}.items():
        (tmp_path / card / "device").mkdir(parents=True)
        (tmp_path / card / "device" / "vendor").write_text(f"{vendor}\n")
    monkeypatch.setattr(hardware, "GPUS", tmp_path)
    assert hardware.gpu_vendors() == ("AMD", "NVIDIA")
    monkeypatch.setattr(hardware, "GPUS", tmp_path / "none")
    assert hardware.gpu_vendors() == ()
