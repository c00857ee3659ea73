"""Strips and tiles into which a map is cut, so that only one of them is computed at a time."""

from dataclasses import dataclass, replace
from itertools import product


@dataclass(frozen=True)
class Strip:
    """Some rows of a map, of which a strip answers for its own.

    Attributes
    ----------
    start, end : int
        The rows that are computed: from `start` up to `end`.
    first, last : int
        The own rows: from `first` up to `last`.
    """

    start: int
    end: int
    first: int
    last: int

    @property
    def rows(self) -> slice:
        """The rows that are computed, in the map."""
        return slice(self.start, self.end)

    @property
    def owned(self) -> slice:
        """The own rows, in the map."""
        return slice(self.first, self.last)

    @property
    def own(self) -> slice:
        """The own rows, in the strip."""
        return slice(self.first - self.start, self.last - self.start)

    @property
    def pooled(self) -> "Strip":
        """The same in the map that a pooling makes of it, which drops an odd last row."""
        return Strip(self.start // 2, self.end // 2, self.first // 2, self.last // 2)


def whole(height: int) -> Strip:
    """Return all rows of a map."""
    return Strip(0, height, 0, height)


def strips(height: int, rows: int, halo: int) -> list[Strip]:
    """Cut a map into strips of the same number of rows, which overlap.

    Parameters
    ----------
    height : int
        Rows of the map.
    rows : int
        Rows that a strip shall have at most; more only if that were hardly more than its halo.
        There are as many strips as that asks for, with as few rows each as will do.
    halo : int
        Rows beyond its own that a strip needs on either side, but for the map's borders.

    Returns
    -------
    list of Strip
        Together, their own rows are the map's. All start at even rows, as poolings do, and the last
        one ends where the map does: so they have an odd number of rows if the map has.
    """
    halo = even(halo)
    least = 2 * halo + 3
    least -= (least - height) % 2
    rows = max(rows - (rows - height) % 2, least)
    found = _cut(height, rows, halo)
    while rows > least and len(fewer := _cut(height, rows - 2, halo)) == len(found) > 1:
        rows, found = rows - 2, fewer
    return found


def even(rows: int) -> int:
    """Return so many rows, or one more: poolings take two at a time."""
    return rows + rows % 2


def strips_of(part: Strip, rows: int, halo: int) -> list[Strip]:
    """Cut a part of a map into strips; see `strips`.

    What they compute lies in the part, and is counted from its start. Together, their own rows are
    those of the part.
    """
    own = part.own
    return [
        replace(each, first=max(each.first, own.start), last=min(each.last, own.stop))
        for each in strips(part.end - part.start, rows, halo)
    ]


def _cut(height: int, rows: int, halo: int) -> list[Strip]:
    if rows >= height:
        return [whole(height)]
    found = [Strip(0, rows, 0, (rows - halo) // 2 * 2)]
    while found[-1].last < height:
        first = found[-1].last
        start = min(first - halo, height - rows)
        end = start + rows
        found.append(Strip(start, end, first, height if end == height else (end - halo) // 2 * 2))
    return found


@dataclass(frozen=True)
class Tile:
    """A strip of rows crossed with a strip of columns."""

    rows: Strip
    columns: Strip

    @property
    def computed(self) -> tuple[slice, slice]:
        """What is computed, in the map."""
        return self.rows.rows, self.columns.rows

    @property
    def owned(self) -> tuple[slice, slice]:
        """What it answers for, in the map."""
        return self.rows.owned, self.columns.owned

    @property
    def own(self) -> tuple[slice, slice]:
        """What it answers for, in the tile."""
        return self.rows.own, self.columns.own

    @property
    def pooled(self) -> "Tile":
        """The same in the map that a pooling makes of it."""
        return Tile(self.rows.pooled, self.columns.pooled)


def tiles(rows: Strip, width: int, tile: tuple[int, int], halo: int) -> list[Tile]:
    """Cut some rows of a map into tiles of the same height and width; see `strips`.

    Parameters
    ----------
    rows : Strip
        The rows, of which those that are not its own are only looked at. A tile's are counted from
        the first of them.
    width : int
        Columns of the map.
    tile : tuple of int
        Height and width that a tile shall have at most.
    halo : int
        Rows and columns beyond its own that a tile needs, but for the map's borders.
    """
    down, across = strips_of(rows, tile[0], halo), strips(width, tile[1], halo)
    return [Tile(*pair) for pair in product(down, across)]
