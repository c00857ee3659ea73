"""Arrays of whole pictures in memory and on disk."""

import errno
import gc
import mmap
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from stylize.models.errors import OptionError
from stylize.runtime.streaming import storage
from stylize.runtime.streaming.storage import CHANNELS_LAST, KINDS, Kind, Storage

posix = pytest.mark.skipif(sys.platform == "win32", reason="an open file keeps its name there")


@pytest.fixture(params=[(), KINDS], ids=["in memory", "on disk"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return Storage(tmp_path, request.param)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the files that are made."""
    sizes: list[int] = []
    make = storage._file

    def counted(folder: Path | None, size: int) -> object:
        sizes.append(size)
        return make(folder, size)

    monkeypatch.setattr(storage, "_file", counted)
    return sizes


@pytest.mark.parametrize("shape", [(), (5,), (1, 3, 40, 70)], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_arrays_are_zeros_of_the_shape_and_type(
    either: Storage, shape: tuple[int, ...], dtype: type[np.generic]
) -> None:
    for kind in KINDS:
        array = either.zeros(kind, shape, dtype)
        np.testing.assert_array_equal(array, np.zeros(shape, dtype), strict=True)
        assert array.flags.c_contiguous or kind in CHANNELS_LAST  # runs of images are bound as such
        array[...] = 1  # they can be written


def test_a_part_of_a_map_on_disk_lies_in_few_pages(tmp_path: Path) -> None:
    """In hardly more than it fills; with rows one after another, each of its 512 has its own."""
    on_disk = Storage(tmp_path, KINDS)
    for kind in CHANNELS_LAST:
        array = on_disk.zeros(kind, (1, 64, 16, 2048))
        part = array[:, :, 4:12, 100:164]
        places = sum(
            stride * np.arange(count).reshape(-1, *[1] * (3 - axis))
            for axis, (stride, count) in enumerate(zip(part.strides, part.shape, strict=True))
        )
        pages = np.unique((np.asarray(places) + part.ctypes.data) // mmap.PAGESIZE)
        assert len(pages) <= part.nbytes // mmap.PAGESIZE + 8


@pytest.mark.parametrize("large", [-1, 2**30], ids=["in a thread", "at once"])
def test_what_is_added_is_there_when_all_is_settled(
    large: int, either: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other, since they overlap; and values may change as soon as they are given."""
    monkeypatch.setattr(storage, "LARGE", large)
    array, values = either.zeros("maps", (1, 3000)), np.ones(2000, np.float32)
    for start in (0, 500, 1000) * 5:
        either.add(array, (0, slice(start, start + 2000)), values)
        values *= 2
    either.settle()
    doubled = 2.0 ** np.arange(15)
    found = [doubled[0::3].sum(), doubled.sum(), doubled[2::3].sum()]
    np.testing.assert_array_equal(array[0, [0, 1500, 2999]], found)


def test_each_array_has_its_own_place(either: Storage) -> None:
    first, second = (either.zeros("images", (2000,)) for _ in range(2))
    first[...], second[...] = 1, 2
    assert (first == 1).all()
    assert (second == 2).all()


def test_what_rests_keeps_its_contents(either: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "KEPT", -(2**40))  # it goes at once
    array = either.zeros("history", (3, 5000))
    array[...] = np.arange(5000)
    either.rest()
    np.testing.assert_array_equal(array, np.broadcast_to(np.arange(5000), (3, 5000)))


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files in /proc")
def test_what_was_freed_takes_no_place(tmp_path: Path) -> None:
    on_disk = Storage(tmp_path, KINDS)
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        array = on_disk.zeros("maps", (3000,))
        assert not array.any()
        array[...] = 1
        on_disk.free(array)
    del array
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("kind", ["images", "maps"])
def test_what_is_cleared_is_zero(
    kind: Kind, either: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "PART", 1000)
    array = either.zeros(kind, (1, 3, 40, 70))
    array[...] = 1
    assert either.sum_of_squares(array) == array.size
    either.clear(array)
    assert not array.any()


def test_only_what_shall_lies_on_disk(tmp_path: Path, made: list[int]) -> None:
    mixed = Storage(tmp_path, ("history",))
    mixed.zeros("images", (3000,))
    assert made == []
    mixed.zeros("history", (3000,))
    assert made == [12000]
    Storage(None, KINDS).zeros("history", (3000,))
    assert made == [12000], "without a folder nothing can"


@posix
def test_files_have_no_names(tmp_path: Path) -> None:
    """So whatever ends the process, nothing is left."""
    on_disk = Storage(tmp_path, KINDS)
    on_disk.zeros("maps", (3000,))[...] = 1
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_little_of_what_is_on_disk_stays_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "LARGE", 0)
    monkeypatch.setattr(storage, "KEPT", 2**22)
    on_disk = Storage(tmp_path, KINDS)
    array, mapped = on_disk.zeros("maps", (2**23,)), []
    for part in np.split(array, 32):
        part[...] = 1
        on_disk.rest()
        mapped.append(storage._mapped_bytes() or 0)
    assert max(mapped) - mapped[0] <= 2**22
    assert max(mapped) - min(mapped) > 2**20  # a part stays


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files in /proc")
def test_files_go_with_the_arrays(tmp_path: Path) -> None:
    def files() -> int:
        return len(os.listdir("/proc/self/fd"))

    gc.collect()
    before, on_disk = files(), Storage(tmp_path, KINDS)
    array = on_disk.zeros("maps", (3000,))
    assert files() == before + 1
    del on_disk
    array[...] = 1  # it is still there
    del array
    gc.collect()
    assert files() == before


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="only POSIX can reserve a place")
def test_a_full_disk_is_found_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later, a write to the mapped file would end the process."""

    def full(_: int, start: int, size: int) -> None:
        assert (start, size) == (0, 40 * 10**8)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OptionError) as refused:
        Storage(tmp_path, KINDS).zeros("maps", (10**9,))
    assert str(refused.value) == (
        f"Cannot keep 4.0 GB in '{tmp_path}': No space left on device. Name another folder with "
        "--scratch, or use a smaller size."
    )


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"Cannot keep 0\.0 GB in .*gone.*--scratch"):
        Storage(tmp_path / "gone", KINDS).zeros("maps", (10,))
