"""Shares cover a picture once, and see the rows around them."""

import numpy as np
import pytest

hypothesis = pytest.importorskip("hypothesis", reason="draws the sizes")

from hypothesis import given
from hypothesis import strategies as st

from stylize.runtime.streaming.shares import ALONE, GRAIN, LEAST, Share, shares, surrounded
from stylize.runtime.streaming.strips import Strip, strips_of, whole

heights, counts = st.integers(1, 5000), st.integers(1, 50)
STRIDES = (1, 2, 4, 8, 16)


@given(heights, counts)
def test_each_row_is_in_one_share(height: int, count: int) -> None:
    found = shares(height, count)
    assert [row for share in found for row in range(share.first, share.last)] == list(range(height))
    assert all(share.first % GRAIN == 0 for share in found)


@given(heights, counts)
def test_they_are_as_equal_as_can_be_and_not_too_low(height: int, count: int) -> None:
    found = shares(height, count)
    assert len(found) == max(1, min(count, height // LEAST))
    rows = [share.last - share.first for share in found]
    assert max(rows) - min(rows) < 2 * GRAIN
    assert len(rows) == 1 or min(rows) >= LEAST


@given(heights, counts, st.sampled_from(STRIDES), st.integers(0, 4))
def test_the_rows_of_a_map_are_cut_where_those_of_the_picture_are(
    height: int, count: int, stride: int, halo: int
) -> None:
    found = [share.of_map(stride, halo) for share in shares(height, count)]
    rows = [row for part in found for row in range(part.first, part.last)]
    assert rows == list(range(height // stride))
    for part in found:
        assert part.start % 2 == 0
        assert part.start in (0, part.first - halo - halo % 2)
        assert part.end in (height // stride, part.last + halo + halo % 2)


@given(st.integers(100, 600), st.integers(3, 90), st.integers(0, 4), st.integers(2, 4))
def test_strips_of_a_share_own_its_rows_and_see_around_them(
    height: int, rows: int, halo: int, count: int
) -> None:
    for share in shares(height, count):
        part = share.of_map(1, halo)
        owned: list[int] = []
        for strip in strips_of(part, rows, halo):
            first, last = strip.first + part.start, strip.last + part.start
            owned += range(first, last)
            assert strip.start + part.start in (0, *range(first - halo + 1))
            assert strip.end + part.start in (height, *range(last + halo, height))
        assert owned == list(range(share.first, share.last))


def test_alone_all_of_it_is_ones_own() -> None:
    share = ALONE.share(75)
    assert share == Share(0, 75, 75)
    assert share.of_map(4, 3) == whole(18)
    image = np.ones((1, 3, 75, 8), np.float32)
    assert surrounded(image, share.of_map(1, 9), ALONE) is image


def test_a_share_that_looks_at_nothing_around_it_is_no_copy() -> None:
    image = np.ones((1, 3, 32, 8), np.float32)
    assert surrounded(image, Strip(32, 64, 32, 64), ALONE) is image
