"""Strips and tiles cover a map once, see far enough beyond their own, and are of one size."""

import numpy as np
import pytest

hypothesis = pytest.importorskip("hypothesis", reason="draws the sizes")

from hypothesis import given
from hypothesis import strategies as st

from stylize.runtime.streaming.strips import Strip, Tile, strips, tiles, whole

heights, rows, halos = st.integers(1, 400), st.integers(-3, 450), st.integers(0, 7)


@given(heights, rows, halos)
def test_every_row_is_owned_once(height: int, rows: int, halo: int) -> None:
    owned = [row for s in strips(height, rows, halo) for row in range(s.first, s.last)]
    assert owned == list(range(height))


@given(heights, rows, halos)
def test_so_is_every_row_that_a_pooling_makes(height: int, rows: int, halo: int) -> None:
    """An odd last row is dropped."""
    pooled = [strip.pooled for strip in strips(height, rows, halo)]
    assert [row for s in pooled for row in range(s.first, s.last)] == list(range(height // 2))
    assert len({s.end - s.start for s in pooled}) == 1


@given(heights, rows, halos)
def test_all_have_the_same_number_of_rows(height: int, rows: int, halo: int) -> None:
    """Not more than were asked for, unless that were too few."""
    (found,) = {s.end - s.start for s in strips(height, rows, halo)}
    assert found <= min(height, max(rows, 2 * halo + 5))
    assert found % 2 == height % 2


@given(heights, rows, halos)
def test_they_have_no_more_rows_than_so_many_strips_need(height: int, rows: int, halo: int) -> None:
    first, *others = strips(height, rows, halo)
    if others and first.end > 2 * halo + 5:
        assert len(strips(height, first.end - 2, halo)) > 1 + len(others)


@given(heights, rows, halos)
def test_all_lie_in_the_map_and_start_where_a_pooling_does(
    height: int, rows: int, halo: int
) -> None:
    for s in strips(height, rows, halo):
        assert 0 <= s.start <= s.first < s.last <= s.end <= height
        assert s.start % 2 == s.first % 2 == 0


@given(heights, rows, halos)
def test_the_halo_is_there_but_at_the_borders(height: int, rows: int, halo: int) -> None:
    for s in strips(height, rows, halo):
        assert s.start == 0 or s.first - s.start >= halo
        assert s.end == height or s.end - s.last >= halo


@given(heights, rows, halos)
def test_none_is_needless(height: int, rows: int, halo: int) -> None:
    found = strips(height, rows, halo)
    assert (len(found) == 1) == (found[0].end == height)
    assert [s.start for s in found] == sorted({s.start for s in found})


def test_a_strip_as_slices() -> None:
    strip = Strip(start=10, end=31, first=14, last=26)
    assert strip.rows == slice(10, 31)
    assert strip.own == slice(4, 16)
    assert strip.pooled == Strip(5, 15, 7, 13)
    assert strip.pooled.own == slice(2, 8)


def test_an_odd_height_in_strips() -> None:
    assert strips(21, 12, 2) == [Strip(0, 11, 0, 8), Strip(6, 17, 8, 14), Strip(10, 21, 14, 21)]


sides = st.integers(1, 60)


@given(sides, sides, st.integers(1, 70), st.integers(1, 70), st.integers(0, 4))
def test_tiles_own_every_position_once(
    height: int, width: int, rows: int, columns: int, halo: int
) -> None:
    count, pooled = np.zeros((height, width)), np.zeros((height // 2, width // 2))
    found = tiles(whole(height), width, (rows, columns), halo)
    for tile in found:
        count[tile.owned] += 1
        pooled[tile.pooled.owned] += 1
    assert (count == 1).all()
    assert (pooled == 1).all()
    assert len({count[tile.computed].shape for tile in found}) == 1


@given(sides, sides, st.integers(1, 70), st.integers(1, 70), st.integers(0, 4))
def test_tiles_have_a_halo_on_every_side_but_at_the_borders(
    height: int, width: int, rows: int, columns: int, halo: int
) -> None:
    """Told by what a neighbourhood of that reach sees: all of it, or the border."""
    positions = np.pad(np.arange(1, height * width + 1).reshape(height, width), halo)
    windows = np.lib.stride_tricks.sliding_window_view(positions, (2 * halo + 1,) * 2)
    for tile in tiles(whole(height), width, (rows, columns), halo):
        inside = np.zeros_like(positions, bool)
        seen = inside[halo : halo + height, halo : halo + width]
        seen[tile.computed] = True
        assert np.isin(windows[tile.owned], np.append(positions[inside], 0)).all()
        np.testing.assert_array_equal(seen[tile.computed][tile.own], seen[tile.owned])


def test_a_tile_as_slices() -> None:
    tile = Tile(Strip(10, 31, 14, 26), Strip(0, 8, 0, 6))
    assert tile.computed == (slice(10, 31), slice(0, 8))
    assert tile.owned == (slice(14, 26), slice(0, 6))
    assert tile.own == (slice(4, 16), slice(0, 6))
    assert tile.pooled == Tile(Strip(5, 15, 7, 13), Strip(0, 4, 0, 3))
