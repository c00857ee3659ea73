"""A recipe is read from whatever a PNG holds: it is one of ours, or there is one error."""

import hashlib
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from mutations import mutants
from PIL import Image

from stylize.models.errors import ImageError
from stylize.runtime.method.options import Options
from stylize.runtime.pictures.saving import save_image
from stylize.runtime.plans.recipe import (
    KEYWORD,
    PaintingSource,
    Recipe,
    Source,
    UsedModel,
    digest,
    read_recipe,
    recipe_chunks,
)

RECIPE = Recipe(
    photo=Source("photo.png", "0" * 64),
    paintings=(
        PaintingSource("painting.png", "1" * 64),
        PaintingSource("other.png", "4" * 64, 0.5, ("conv1_1",)),
    ),
    start=Source("start.png", "2" * 64),
    model=UsedModel("compact", "3" * 64, "average"),
    provider="cpu",
    options=Options(size=(40, 24), init="start.png"),
    version="0.1.0",
    evaluations=500,
    provider_options={"device_id": "1"},
)


def png_with(chunk: bytes) -> bytes:
    """Return a PNG with one more chunk after its head."""
    file = Path("plain.png")
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(file)
    data = file.read_bytes()
    end = 8 + 25  # the signature, and IHDR with its 13 bytes
    return data[:end] + chunk + data[end:]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def only_our_errors(path: Path) -> Recipe | None:
    try:
        return read_recipe(path)
    except ImageError:
        return None


@pytest.mark.parametrize("start", [RECIPE.start, None])
def test_what_is_written_is_read(tmp_path: Path, start: Source | None) -> None:
    options = RECIPE.options if start else Options()
    recipe = replace(RECIPE, start=start, options=options)
    save_image(Image.new("RGB", (16, 16)), tmp_path / "a.png", recipe_chunks(recipe))
    assert read_recipe(tmp_path / "a.png") == recipe


@pytest.mark.parametrize("painting", [{"path": "a.png", "sha256": "1" * 64}, None])
def test_an_older_recipe_has_one_painting(tmp_path: Path, painting: dict[str, str] | None) -> None:
    told = msgspec.json.decode(msgspec.json.encode(RECIPE))
    del told["paintings"], told["options"]["strength"], told["options"]["crop_painting"]
    told["painting"] = painting
    chunk = {KEYWORD: msgspec.json.encode(told).decode()}
    save_image(Image.new("RGB", (16, 16)), tmp_path / "a.png", chunk)
    expected = (PaintingSource("a.png", "1" * 64),) if painting else ()
    assert read_recipe(tmp_path / "a.png") == replace(RECIPE, paintings=expected)


def test_paintings_differ_by_what_they_are_and_how_they_count() -> None:
    one, other = RECIPE.paintings
    same = replace(RECIPE, paintings=(replace(one, path="moved.png"), other))
    assert RECIPE.differences(same) == []
    for changed in (
        (one,),
        (other, one),
        (one, replace(other, weight=2.0)),
        (one, replace(other, layers=())),
        (one, replace(other, sha256="5" * 64)),
    ):
        assert RECIPE.differences(replace(RECIPE, paintings=changed)) == ["paintings"]


def test_damaged_text(tmp_path: Path, mutations: Callable[[int], int]) -> None:
    text = msgspec.json.encode(RECIPE)
    path = tmp_path / "a.png"
    read = 0
    for damaged in mutants(text, mutations(150), seed=0):
        body = KEYWORD.encode() + b"\0\0\0\0\0" + damaged
        path.write_bytes(png_with(chunk(b"iTXt", body)))
        read += only_our_errors(path) is not None
    assert read, "every damage was too great to tell anything"


def test_damaged_files(tmp_path: Path, mutations: Callable[[int], int]) -> None:
    path = tmp_path / "a.png"
    save_image(Image.new("RGB", (16, 16)), path, recipe_chunks(RECIPE))
    for damaged in mutants(path.read_bytes(), mutations(100), seed=1):
        path.write_bytes(damaged)
        only_our_errors(path)


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 100_000,
        b'{"x":' * 100_000,
        b'{"photo": null, "painting": null, "x": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b"\xff\xfe",
        b"9" * 5000,
        b'"\\ud800"',
    ],
    ids=["arrays", "objects", "unknown", "no UTF-8", "number", "surrogate"],
)
def test_text_beyond_all_bounds(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png_with(chunk(b"iTXt", KEYWORD.encode() + b"\0\0\0\0\0" + text)))
    assert only_our_errors(path) is None


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
def test_a_bomb(tmp_path: Path, kind: bytes) -> None:
    """A thousand times as much text as there are bytes."""
    head = KEYWORD.encode() + (b"\0\0" if kind == b"zTXt" else b"\0\1\0\0\0")
    path = tmp_path / "a.png"
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(32)) + packer.flush()
    path.write_bytes(png_with(chunk(kind, head + packed)))
    assert path.stat().st_size < 1 << 20
    assert only_our_errors(path) is None


def test_text_of_any_kind_of_chunk(tmp_path: Path) -> None:
    text = msgspec.json.encode(RECIPE)
    chance = random.Random(0)
    for kind, head in ((b"tEXt", b"\0"), (b"zTXt", b"\0\0"), (b"iTXt", b"\0\0\0\0\0")):
        body = zlib.compress(text) if kind == b"zTXt" else text
        path = tmp_path / f"{chance.random()}.png"
        path.write_bytes(png_with(chunk(kind, KEYWORD.encode() + head + body)))
        assert read_recipe(path) == RECIPE


class TestDigest:
    def test_is_the_sha256(self, tmp_path: Path) -> None:
        data = bytes(3 << 20) + b"end"
        (tmp_path / "a").write_bytes(data)
        assert digest(tmp_path / "a") == hashlib.sha256(data).hexdigest()

    def test_of_what_is_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match="is a folder"):
            digest(tmp_path)
        with pytest.raises(ImageError, match="There is no picture"):
            digest(tmp_path / "missing.png")
        with pytest.raises(ImageError, match="is an address"):
            digest(Path("https://host/a.png"))
