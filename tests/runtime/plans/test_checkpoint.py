"""A checkpoint is written whole or not at all, and one that is of no use says why."""

import errno
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest

from stylize.installation import release
from stylize.models.errors import CheckpointError
from stylize.runtime.method.options import Options
from stylize.runtime.method.standing import Entry, Standing
from stylize.runtime.plans.checkpoint import (
    FORMAT,
    LENGTH,
    MAGIC,
    SUM,
    Checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from stylize.runtime.plans.recipe import Recipe, UsedModel

FILE = Path("out.png.checkpoint")
LOWEST = ((3, 1 / 3), (4, 0.1))
ARRAYS = {
    "image": np.random.default_rng(0).random((1, 3, 5, 7), np.float32),
    "number.total": np.array(1 / 3, np.float32),
    "number.better": np.array(True),
    "every.other": np.arange(24, dtype=np.float32).reshape(4, 6)[:, ::2],
    "none": np.zeros((0, 3), np.float32),
}
STATE = {name: Entry.of(array) for name, array in ARRAYS.items()}


def checkpoint() -> Checkpoint:
    options = Options(style_weight=1 / 3)
    model = UsedModel("compact", "0" * 64, "average")
    return Checkpoint(
        recipe=Recipe(None, (), None, model, "cpu", options, release()),
        options=options,
        output="out.png",
        named=True,
        manifest="1" * 64,
        onnxruntime="1.20.0",
        standing=Standing(3, 5 * 10**9, 1, 40, 2, 4, LOWEST, 1.5),
        memory=10**9,
    )


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refusal() -> str:
    with pytest.raises(CheckpointError) as refused:
        read_checkpoint(FILE)
    return str(refused.value)


def test_all_comes_back() -> None:
    write_checkpoint(FILE, checkpoint(), STATE)
    found, state = read_checkpoint(FILE)
    assert found == checkpoint()
    assert state.keys() == STATE.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(state[name].read(), array, strict=True)


def test_one_array_is_read_at_a_time() -> None:
    """Otherwise a large picture would need twice its memory."""
    events = []

    def entry(name: str) -> Entry:
        def read() -> np.ndarray:
            events.append(name)
            return ARRAYS[name]

        return replace(STATE[name], read=read)

    state = {name: entry(name) for name in ARRAYS}
    assert not events
    write_checkpoint(FILE, checkpoint(), state)
    assert events == list(ARRAYS)


def test_where_the_disk_is_full_the_last_one_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    write_checkpoint(FILE, checkpoint(), STATE)
    before = FILE.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_checkpoint(FILE, replace(checkpoint(), stop=3), STATE)
    assert FILE.read_bytes() == before
    assert os.listdir() == [FILE.name]


def test_that_of_another_run_stays() -> None:
    FILE.write_bytes(b"another")
    with pytest.raises(FileExistsError):
        write_checkpoint(FILE, checkpoint(), STATE, fresh=True)
    assert FILE.read_bytes() == b"another"


def test_a_missing_one() -> None:
    assert refusal() == f"There is no checkpoint '{FILE}'. It is removed when its picture is saved."


@pytest.mark.parametrize("size", [0, 1, len(MAGIC), len(MAGIC) + 5, 200, -1])
def test_a_part_of_one(size: int) -> None:
    write_checkpoint(FILE, checkpoint(), STATE)
    FILE.write_bytes(FILE.read_bytes()[:size])
    assert f"'{FILE}' " in refusal()


@pytest.mark.parametrize("place", [-1, -SUM - 1, -SUM - 60])
def test_one_with_a_wrong_bit(place: int) -> None:
    """A disk may give back other numbers than it was given, and the picture would be another."""
    write_checkpoint(FILE, checkpoint(), STATE)
    content = bytearray(FILE.read_bytes())
    content[place] ^= 1
    FILE.write_bytes(content)
    assert f"'{FILE}' is damaged" in refusal()


def test_of_another_format() -> None:
    write_checkpoint(FILE, checkpoint(), STATE)
    FILE.write_bytes(FILE.read_bytes().replace(b"checkpoint %d" % FORMAT, b"checkpoint 99", 1))
    assert "was written by another release of stylize, and this is stylize" in refusal()


def rewrite(edit: Callable[[dict], None]) -> None:
    """Change what a checkpoint tells."""
    write_checkpoint(FILE, checkpoint(), STATE)
    content, start = FILE.read_bytes(), len(MAGIC) + 2
    length = int.from_bytes(content[start : start + LENGTH], "little")
    begin = start + LENGTH
    header = json.loads(content[begin : begin + length])
    edit(header)
    text = json.dumps(header).encode()
    size = len(text).to_bytes(LENGTH, "little")
    body = content[:start] + size + text + content[begin + length : -SUM]
    FILE.write_bytes(body + crc32(body).to_bytes(SUM, "little"))


def test_of_another_release() -> None:
    rewrite(lambda header: header["checkpoint"]["recipe"].update(version="0.0.7"))
    assert "was written by stylize 0.0.7, and this is" in refusal()


@pytest.mark.parametrize("name", ["../out.png", "/etc/out.png", "a\\out.png", "c:out.png", ""])
def test_one_that_would_write_elsewhere(name: str) -> None:
    rewrite(lambda header: header["checkpoint"].update(output=name))
    assert f"'{FILE}' is damaged" in refusal()


def test_one_with_other_types() -> None:
    rewrite(lambda header: header["arrays"][0].update(dtype="object"))
    assert f"'{FILE}' is damaged" in refusal()
