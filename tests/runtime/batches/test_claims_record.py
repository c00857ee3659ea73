"""Claims that end with their owner, and a record to which several processes append."""

import errno
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stylize.models.errors import ImageError
from stylize.runtime.batches import claims as module
from stylize.runtime.batches.claims import Claims
from stylize.runtime.batches.record import FILE, Entry, Record

OWNER = """
import sys
from pathlib import Path
from stylize.runtime.batches.claims import Claims

with Claims(Path()).claimed("a picture") as got:
    print(got, flush=True)
    sys.stdin.read()
"""
APPENDER = """
from pathlib import Path
from stylize.runtime.batches.claims import Claims
from stylize.runtime.batches.record import Entry, Record

record = Record(Path(), Claims(Path()))
for number in range(100):
    record.write(Entry("made", "p" * 5000, str(number)))
"""


def here() -> tuple[bool, bool]:
    """Whether this process gets the claim of the other one, and another claim."""
    with (
        closing(Claims(Path())) as claims,
        claims.claimed("a picture") as same,
        claims.claimed("another") as other,
    ):
        return same, other


@pytest.fixture
def record() -> Iterator[Record]:
    with closing(Claims(Path())) as claims:
        yield Record(Path(), claims)


def test_a_claim_ends_with_its_owner_however_that_ends() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout
        assert owner.stdout.readline() == "True\n"
        assert here() == (False, True)
        owner.kill()
        owner.wait()
        assert here() == (True, True)
    assert Path(module.FILE).stat().st_size == 0


@pytest.mark.skipif(sys.platform == "win32", reason="locks are others there")
def test_without_locks_everything_may_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(module, "_lock", refuse)
    assert here() == (True, True)


def test_a_folder_that_is_none() -> None:
    with pytest.raises(ImageError, match="Nothing can be written to 'gone'"):
        Claims(Path("gone"))


def test_entries_of_several_processes_are_all_there(record: Record) -> None:
    appenders = [subprocess.Popen([sys.executable, "-c", APPENDER]) for _ in range(2)]
    assert [each.wait() for each in appenders] == [0, 0]
    found = record.news()
    assert sorted(entry.painting for entry in found) == sorted(2 * [*map(str, range(100))])
    assert {entry.process for entry in found} == {each.pid for each in appenders}
    assert record.news() == []


def test_a_line_that_was_cut_off_spoils_no_other(record: Record) -> None:
    record.write(Entry("made", "a.jpg", "b.jpg"))
    with Path(FILE).open("ab") as file:
        file.write(b'{"outcome":"ma')
    assert [entry.photo for entry in record.news()] == ["a.jpg"]
    record.write(Entry("failed", "c.jpg", "b.jpg", error="It is 夜."))
    assert [(entry.photo, entry.error) for entry in record.news()] == [("c.jpg", "It is 夜.")]
