"""PNG and TIFF of 16 bits: every level is as it was, whatever the size."""

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from colours import SRGB
from deep import read_deep

from stylize.runtime.files import deep, tiff
from stylize.runtime.files.deep import Beside, Raster, write_png, write_tiff

WRITERS = {".png": write_png, ".tif": write_tiff}
SIZES = [(1, 1), (1, 300), (300, 1), (37, 41)]


def raster(levels: Any, rows: int) -> Raster:
    height, width, channels = levels.shape
    bands = [levels[top : top + rows] for top in range(0, height, rows)]
    return Raster((width, height), channels, 8 * levels.itemsize, rows, bands)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("ending", WRITERS)
def test_every_level_is_kept(
    tmp_path: Path, ending: str, size: tuple[int, int], channels: int
) -> None:
    chance = np.random.default_rng(0)
    levels = chance.integers(0, 2**16, (size[1], size[0], channels), np.uint16)
    smooth = np.linspace(0, 65535, levels.size).astype(np.uint16).reshape(levels.shape)
    for values in (levels, smooth):
        path = tmp_path / f"out{ending}"
        with path.open("wb") as file:
            WRITERS[ending](file, raster(values, 8), Beside(SRGB))
        assert np.array_equal(read_deep(path), values)


def test_filters_make_smooth_pictures_small(tmp_path: Path) -> None:
    y, x = np.mgrid[0:64, 0:64]
    levels = np.stack([x * 900, y * 900, (x + y) * 450], -1).astype(np.uint16)
    path = tmp_path / "out.png"
    with path.open("wb") as file:
        write_png(file, raster(levels, 16), Beside(SRGB))
    assert path.stat().st_size < len(zlib.compress(levels.astype(">u2").tobytes())) / 3


def test_a_tiff_that_would_be_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deep, "_MOST_OF_TIFF", 100)
    levels = np.random.default_rng(0).integers(0, 2**16, (8, 8, 3), np.uint16)
    with (tmp_path / "out.tif").open("wb") as file, pytest.raises(ValueError, match="4 GB"):
        write_tiff(file, raster(levels, 8), Beside(SRGB))


def test_directories_are_read_as_they_were_written(tmp_path: Path) -> None:
    below = {1: tiff.Entry(tiff.TEXT, "日本\0".encode()), 2: tiff.longs(7)}
    entries = {
        300: tiff.shorts(1, 2, 3),
        301: tiff.shorts(5),
        302: tiff.fraction(0.125),
        303: tiff.Entry(12, np.array([1.5, -2]).tobytes()),
        tiff.EXIF: below,
    }
    path = tmp_path / "a.tif"
    path.write_bytes(tiff.HEAD + tiff.packed(entries, len(tiff.HEAD)))
    with path.open("rb") as file:
        found = tiff.directory(file)
        assert tiff.directory(file, tiff.EXIF) == below
    assert {tag: found[tag] for tag in entries if tag != tiff.EXIF} == {
        tag: entry for tag, entry in entries.items() if tag != tiff.EXIF
    }
    assert [found[tag].numbers for tag in (300, 301, 302, 303)] == [
        (1, 2, 3),
        (5,),
        (0.125,),
        (1.5, -2),
    ]
