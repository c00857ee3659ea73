"""TIFF of floating-point pixels, however packed; somebody tells what is black and white."""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crafted import tiff as plain_tiff
from mutations import mutants
from spaces import LINEAR, P3

from stylize.models.errors import ImageError
from stylize.runtime.files import floats, tiff
from stylize.runtime.files.icc import SRGB_CURVE
from stylize.runtime.pictures.colour import Conversion
from stylize.runtime.pictures.reading import open_picture
from stylize.runtime.pictures.spaces import space_of

LONG = 4
Y, X = np.mgrid[0:24, 0:37]
RGBA = np.stack([X / 36, Y / 23, (X + Y) / 59, np.where(X > 9, 1.0, 0.5)], -1)


def split(rows: Any, samples: int) -> bytes:
    """Predictor 3, as Adobe's technical note 3 has it."""
    width = rows.shape[1] * samples
    data = rows.astype(rows.dtype.newbyteorder(">")).tobytes()
    numbers = np.frombuffer(data, np.uint8).reshape(len(rows), width, rows.itemsize)
    planes = numbers.swapaxes(1, 2).reshape(len(rows), -1, samples).astype(int)
    return np.diff(planes, axis=1, prepend=0).astype(np.uint8).tobytes()


def packed_tiff(
    values: Any, tile: bool, predictor: int, more: dict[int, tiff.Entry] | None = None
) -> bytes:
    """A TIFF of (height, width, samples) floats, deflated, in strips of 10 rows or tiles of 16."""
    height, width, samples = values.shape
    if tile:
        whole = np.pad(values, ((0, -height % 16), (0, -width % 16), (0, 0)))
        tops, lefts = range(0, height, 16), range(0, width, 16)
        parts = [whole[y : y + 16, x : x + 16] for y in tops for x in lefts]
    else:
        parts = [values[y : y + 10] for y in range(0, height, 10)]
    coded = [split(part, samples) if predictor == 3 else part.tobytes() for part in parts]
    data = [zlib.compress(part) for part in coded]
    starts = np.cumsum([8, *map(len, data)]).tolist()
    place = starts.pop()
    lengths = [len(part) for part in data]
    cut = {322: tiff.shorts(16), 323: tiff.shorts(16)} if tile else {278: tiff.shorts(10)}
    at, size = (324, 325) if tile else (273, 279)
    entries = {
        256: tiff.shorts(width),
        257: tiff.shorts(height),
        258: tiff.shorts(*[8 * values.itemsize] * samples),
        259: tiff.shorts(8),
        262: tiff.shorts(2 if samples > 2 else 1),
        277: tiff.shorts(samples),
        317: tiff.shorts(predictor),
        339: tiff.shorts(*[3] * samples),
        **cut,
        at: tiff.longs(*starts),
        size: tiff.longs(*lengths),
        **(more or {}),
    }
    head = tiff.HEAD[:4] + place.to_bytes(4, "little")
    return head + b"".join(data) + tiff.packed(entries, place)


def read(data: bytes, told: tuple[float, float] | None = (0, 1)) -> tuple[Any, Any]:
    """The colours and the alpha of a file, in 0...1."""
    picture = open_picture(data, alpha=True, conversion=Conversion(range=told))
    seen = picture.seen(picture.size)
    alpha = None if seen.alpha is None else np.asarray(seen.alpha) / 255
    return np.asarray(seen.colours) / 255, alpha


HALF_LEVEL = 0.51 / 255


@pytest.mark.parametrize("predictor", [1, 3])
@pytest.mark.parametrize("tile", [False, True], ids=["strips", "tiles"])
@pytest.mark.parametrize("samples", [1, 3, 4])
@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
def test_however_it_is_packed(kind: str, samples: int, tile: bool, predictor: int) -> None:
    values = (RGBA[..., :samples] * 4 - 1).astype(kind)
    colours, alpha = read(packed_tiff(values, tile, predictor), (-1, 3))
    slack = 2**-9 if kind == "f2" else 0
    wanted = RGBA[..., :3] if samples > 1 else np.repeat(RGBA[..., :1], 3, axis=2)
    seen = colours if samples < 4 else colours[:, 12:]  # beside the edge of alpha it is mixed
    assert np.abs(seen - wanted[:, -seen.shape[1] :]).max() <= HALF_LEVEL + slack
    if samples == 4:
        assert np.abs(alpha - RGBA[..., 3]).max() <= HALF_LEVEL + slack


@pytest.mark.parametrize("order", ["<", ">"])
def test_either_order_of_bytes(order: str) -> None:
    colours, _ = read(plain_tiff(RGBA[..., :3].astype("f4"), order))
    assert np.abs(colours - RGBA[..., :3]).max() <= HALF_LEVEL


def test_the_file_may_tell_the_range_and_the_user_wins() -> None:
    data = plain_tiff(RGBA[..., 0].astype("f4") * 4, more={340: (LONG, 0), 341: (LONG, 4)})
    told, _ = read(data, None)
    assert np.abs(told[..., 0] - RGBA[..., 0]).max() <= HALF_LEVEL
    clipped, _ = read(data, (0, 2))
    assert np.abs(clipped[..., 0] - (2 * RGBA[..., 0]).clip(0, 1)).max() <= HALF_LEVEL


def test_nobody_tells_the_range() -> None:
    values = (RGBA[..., :3] * 4 - 1).astype("f4")
    values[0, 0] = np.nan
    wanted = r"pixels from -1 to 3, and does not tell .* --float-range 0,1"
    with pytest.raises(ImageError, match=wanted):
        read(plain_tiff(values), None)
    colours, _ = read(plain_tiff(values), (-1, 3))
    assert not colours[0, 0].any()


def test_dark_parts_of_linear_light_keep_their_levels() -> None:
    """With 8 bits of linear light, a tenth of the levels would be left of the darkest hundredth."""
    ramp = np.repeat(np.linspace(0, 0.01, 640, dtype="f4").reshape(16, 40, 1), 3, axis=2)
    profile = tiff.Entry(tiff.UNDEFINED, LINEAR)
    colours, _ = read(packed_tiff(ramp, False, 1, {34675: profile}))
    assert len(np.unique(colours)) > 20
    assert np.abs(colours - SRGB_CURVE.encoded(ramp.astype("f8"))).max() < 1.5 / 255


def test_the_colours_are_brought_to_the_space() -> None:
    red = np.zeros((16, 16, 3), "f4") + np.float32([1, 0, 0])
    data = packed_tiff(red, False, 1, {34675: tiff.Entry(tiff.UNDEFINED, P3)})
    kept = open_picture(data, conversion=Conversion(space_of(P3), (0, 1)))
    assert np.asarray(kept.scaled(kept.size))[0, 0].tolist() == [255, 0, 0]


def test_a_turned_one_is_upright(tmp_path: Path) -> None:
    values = RGBA[..., :3].astype("f4")
    data = packed_tiff(values.swapaxes(0, 1)[:, ::-1], False, 1, {274: tiff.shorts(8)})
    colours, _ = read(data)
    assert colours.shape == values.shape
    assert np.abs(colours - values).max() <= HALF_LEVEL


@pytest.mark.parametrize(
    "more", [{284: tiff.shorts(2)}, {317: tiff.shorts(2)}, {258: tiff.shorts(24)}]
)
def test_what_is_not_known_is_refused(more: dict[int, tiff.Entry]) -> None:
    data = packed_tiff(RGBA[..., :3].astype("f4"), False, 1, more)
    with pytest.raises(ImageError, match="stored in an unusual way"):
        read(data)


def test_too_many_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floats, "MAX_UNPACKED", 1000)
    with pytest.raises(ImageError, match="take more than"):
        read(packed_tiff(RGBA[..., :3].astype("f4"), False, 1))


@pytest.mark.parametrize("tile", [False, True])
def test_damaged_ones_are_read_or_refused(tile: bool, mutations: Callable[[int], int]) -> None:
    whole = packed_tiff(RGBA.astype("f4"), tile, 3, {34675: tiff.Entry(tiff.UNDEFINED, P3)})
    refused = 0
    for damaged in mutants(whole, mutations(40), seed=0):
        try:
            read(damaged)
        except ImageError:
            refused += 1
    assert refused
