"""How much the studio takes: of one job, and of all together."""

from dataclasses import dataclass

from stylize.models.settings import check, setting
from stylize.runtime.engine.machine import parse_bytes
from stylize.runtime.pictures.limits import MAX_SIDE, MIN_SIDE

BOUNDS = "Bounds"
"""Heading of the settings on help pages."""

FREE = 500_000_000
"""Bytes that are left free on the disk, whatever the gallery may take."""


@dataclass(frozen=True)
class Limits:
    """How much the studio takes.

    Attributes
    ----------
    queue : int
        Jobs that wait, at most.
    disk : int
        Bytes that the gallery takes.
    upload : int
        Bytes of the pictures of one job.
    pixels : int
        Pixels of each of them, in millions.
    largest : int
        Pixels of a side of a picture that is painted.
    """

    queue: int = setting(
        500, "How many pictures may wait.", panel=BOUNDS, metavar="N", least=1, most=100_000
    )
    disk: int = setting(
        20_000_000_000,
        "How much the gallery may take of the disk: 20GB, 500MB.",
        panel=BOUNDS,
        metavar="BYTES",
        shown="20GB",
        parse=parse_bytes,
        called="limit of the disk",
        least=1_000_000,
        unit=" bytes",
    )
    upload: int = setting(
        200_000_000,
        "How much the photo and the paintings of one picture may have together.",
        panel=BOUNDS,
        metavar="BYTES",
        shown="200MB",
        parse=parse_bytes,
        called="limit of an upload",
        least=10_000,
        unit=" bytes",
    )
    pixels: int = setting(
        120,
        "How many million pixels each of them may have.",
        panel=BOUNDS,
        metavar="MILLIONS",
        called="limit of pixels",
        least=1,
        most=10_000,
    )
    largest: int = setting(
        4096,
        "How long a side of a picture may be that is asked for.",
        panel=BOUNDS,
        metavar="PIXELS",
        called="largest side",
        least=MIN_SIDE,
        most=MAX_SIDE,
        unit=" pixels",
    )

    def __post_init__(self) -> None:
        check(self)
