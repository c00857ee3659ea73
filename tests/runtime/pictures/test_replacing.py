"""Files appear whole or not at all, and names are free and short."""

import errno
import os
import sys
from itertools import islice
from pathlib import Path

import pytest

from stylize.runtime.pictures import replacing
from stylize.runtime.pictures.replacing import (
    LONGEST,
    check_replaceable,
    numbered,
    replacing_file,
    shortened,
)


def write(path: Path, data: bytes = b"new", fresh: bool = False) -> None:
    with replacing_file(path, fresh) as file:
        file.write(data)


class TestReplacing:
    @pytest.mark.parametrize("fresh", [False, True])
    def test_a_new_file_appears_alone(self, tmp_path: Path, fresh: bool) -> None:
        write(tmp_path / "a", fresh=fresh)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"new"}

    def test_one_that_is_there_stays_if_it_is_to(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"old")
        with pytest.raises(FileExistsError):
            write(tmp_path / "a", fresh=True)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"old"}

    @pytest.mark.parametrize("there", [False, True])
    def test_where_no_links_are_known(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
    ) -> None:
        def unknown(*_: object) -> None:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

        monkeypatch.setattr(os, "link", unknown)
        if there:
            (tmp_path / "a").write_bytes(b"old")
            with pytest.raises(FileExistsError):
                write(tmp_path / "a", fresh=True)
        else:
            write(tmp_path / "a", fresh=True)
        assert (tmp_path / "a").read_bytes() == (b"old" if there else b"new")
        assert len(list(tmp_path.iterdir())) == 1

    @pytest.mark.parametrize("there", [False, True])
    def test_a_link_stays_and_its_file_is_replaced(self, tmp_path: Path, there: bool) -> None:
        (tmp_path / "folder").mkdir()
        if there:
            (tmp_path / "folder/a").write_bytes(b"old")
        (tmp_path / "link").symlink_to("folder/a")
        check_replaceable(tmp_path / "link")
        write(tmp_path / "link")
        assert os.readlink(tmp_path / "link") == "folder/a"
        assert (tmp_path / "folder/a").read_bytes() == b"new"
        assert len(list((tmp_path / "folder").iterdir())) == 1

    def test_a_link_is_no_free_name(self, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to("missing")
        with pytest.raises(FileExistsError):
            write(tmp_path / "link", fresh=True)

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
    def test_permissions_stay(self, tmp_path: Path) -> None:
        (tmp_path / "a").touch(0o600)
        with replacing_file(tmp_path / "a"):
            assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
        assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600

    def test_a_name_of_any_length(self, tmp_path: Path) -> None:
        for name in ("x" * 251 + ".png", "漢" * 83 + ".png"):
            check_replaceable(tmp_path / name)
            write(tmp_path / name)
            assert (tmp_path / name).read_bytes() == b"new"

    @pytest.mark.parametrize(("fault", "told"), [(errno.EINVAL, False), (errno.ENOSPC, True)])
    def test_what_only_the_disk_itself_tells(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int, told: bool
    ) -> None:
        def sync(_: int) -> None:
            raise OSError(fault, os.strerror(fault))

        monkeypatch.setattr(os, "fsync", sync)
        if told:
            with pytest.raises(OSError, match=os.strerror(fault)):
                write(tmp_path / "a")
        else:
            write(tmp_path / "a")
        assert (tmp_path / "a").exists() is not told


class TestChecking:
    @pytest.mark.parametrize(
        ("name", "fault"),
        [("missing/a", errno.ENOENT), ("folder", errno.EISDIR), ("x" * 256, errno.ENAMETOOLONG)],
    )
    def test_what_can_be_known_is_refused(self, tmp_path: Path, name: str, fault: int) -> None:
        (tmp_path / "folder").mkdir()
        with pytest.raises(OSError, match=os.strerror(fault)):
            check_replaceable(tmp_path / name)

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
    def test_a_pipe_or_a_device(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "null").symlink_to(os.devnull)
        for name in ("pipe", "null"):
            with pytest.raises(OSError, match="a pipe or a device is there"):
                check_replaceable(tmp_path / name)

    def test_a_file_that_is_mounted(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        mounted = tmp_path / "my file.png"
        place = str(mounted).replace(" ", r"\040")
        (tmp_path / "mounts").write_text(f"1 2 8:1 /x {place} rw - ext4 /dev/sda rw\n")
        monkeypatch.setattr(replacing, "MOUNTS", tmp_path / "mounts")
        mounted.touch()
        with pytest.raises(OSError, match="mounted"):
            check_replaceable(mounted)
        check_replaceable(tmp_path / "other.png")

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
    def test_mounts_of_this_machine_are_known(self) -> None:
        assert "/" in replacing._mounts()

    def test_a_full_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(path: Path, data: bytes) -> None:
            path.touch()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            check_replaceable(tmp_path / "a")
        assert list(tmp_path.iterdir()) == []


class TestNames:
    def test_are_numbered(self) -> None:
        found = [str(path) for path in islice(numbered(Path("a/b.c.png")), 3)]
        assert found == [str(Path("a", name)) for name in ("b.c.png", "b.c-2.png", "b.c-3.png")]

    def test_that_fit_stay(self) -> None:
        assert shortened("a b", "ü") == "a b-ü"
        assert shortened("x" * 200) == "x" * 200

    @pytest.mark.parametrize(
        "parts", [("漢" * 60, "字" * 40), ("x" * 300, "short"), ("é" * 200, "\udcff" * 200)]
    )
    def test_that_do_not_are_cut_between_characters(self, parts: tuple[str, ...]) -> None:
        found = shortened(*parts)
        assert LONGEST - 40 < len(os.fsencode(f"{found}-again-99999.tiff")) <= LONGEST
        for before, after in zip(parts, found.split("-"), strict=True):
            assert before.startswith(after)
            assert after
