"""The gallery: jobs in their order, files in their place, and nothing else touched."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stylize.models.errors import StylizeError
from stylize.studio.errors import NotThereError
from stylize.studio.gallery import Asked, Gallery, Stage, Upload

ASKED = Asked(
    "/models/compact",
    Upload("a.png", "photo.png", "image/png", 48, 32),
    [],
    {"size": 48},
    [Stage(48, 32, 3)],
)


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    found = Gallery(tmp_path / "gallery")
    yield found
    found.close()


def added(gallery: Gallery) -> str:
    folder = gallery.incoming()
    (folder / "photo.png").write_bytes(b"123")
    return gallery.add(folder, ASKED)


def test_each_job_is_claimed_once_in_its_order(gallery: Gallery) -> None:
    names = [added(gallery) for _ in range(3)]
    gallery.finish(names[0], "stopped", None)
    gallery.put_back(names[0])
    claimed = [gallery.claim() for _ in range(4)]
    assert [entry and entry.id for entry in claimed] == [*names[1:], names[0], None]


def test_what_cannot_be_written_down_leaves_no_files(gallery: Gallery) -> None:
    other = sqlite3.connect(gallery.folder / "jobs.sqlite")
    other.execute(
        "CREATE TRIGGER full BEFORE INSERT ON jobs BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    other.close()
    with pytest.raises(sqlite3.Error, match="full"):
        added(gallery)
    assert [*(gallery.folder / "jobs").iterdir()] == []


def test_what_was_asked_for_is_read_again(gallery: Gallery) -> None:
    name = added(gallery)
    entry = gallery.get(name)
    assert (entry.asked, entry.bytes, gallery.bytes()) == (ASKED, 3, 3)
    gallery.close()
    again = Gallery(gallery.folder)
    assert again.get(name) == entry
    again.close()


def test_what_no_job_needs_is_removed_at_the_start(gallery: Gallery) -> None:
    name, lost, stranger = added(gallery), gallery.incoming(), gallery.folder / "jobs" / "mine"
    stranger.mkdir()
    torn = gallery.folder / "jobs" / ("a" * 32)
    torn.mkdir()
    gone = gallery.remove(added(gallery))
    gallery.close()
    again = Gallery(gallery.folder)
    assert gallery.folder_of(name).exists()
    assert stranger.exists(), "no folder of another kind is touched"
    assert not any(each.exists() for each in (lost, torn, gone))
    with pytest.raises(NotThereError):
        again.get(gone.name)
    again.close()


def test_it_is_nobody_elses_business(gallery: Gallery) -> None:
    if os.name == "posix":
        assert gallery.folder.stat().st_mode & 0o077 == 0
        assert (gallery.folder / "jobs.sqlite").stat().st_mode & 0o077 == 0


def test_the_permissions_of_a_folder_that_was_there_stay(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Gallery(tmp_path).close()
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_one_alone_has_it(gallery: Gallery) -> None:
    gallery.lock.tell("http://here/")
    with pytest.raises(
        StylizeError, match=r"Another studio has the gallery .* open at http://here/"
    ):
        Gallery(gallery.folder)


@pytest.mark.skipif(os.name != "posix", reason="elsewhere processes hold no lock of others")
def test_what_a_dead_one_started_is_waited_for(gallery: Gallery) -> None:
    """The lock is held by a process that ends soon, and told of is one that is no more."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (gallery.folder / "studio.lock").write_text(f'{{"process": {dead.pid}}}')
    saving = [sys.executable, "-c", "import time; time.sleep(0.3)"]
    with subprocess.Popen(saving, pass_fds=gallery.lock.descriptors):
        gallery.lock.close()
        Gallery(gallery.folder).close()


def test_of_a_later_release_it_is_not_touched(gallery: Gallery) -> None:
    gallery.close()
    with sqlite3.connect(gallery.folder / "jobs.sqlite") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(StylizeError, match="is of a later release"):
        Gallery(gallery.folder)


def test_a_damaged_one_is_told_of(gallery: Gallery) -> None:
    gallery.close()
    (gallery.folder / "jobs.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(StylizeError, match="cannot be used: file is not a database"):
        Gallery(gallery.folder)
