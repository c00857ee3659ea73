"""The pairs of a batch: found in folders, patterns and lists, and put in order."""

import csv
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from itertools import product
from pathlib import Path

from stylize.models.errors import ImageError, OptionError

ENDINGS = (
    *(".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".avif", ".bmp", ".gif", ".heic"),
    *(".jp2", ".ppm"),
)
"""Of the files in a folder those are pictures whose names end so."""

LONGEST = 100_000
"""Characters of a field in a list of pairs."""


@dataclass(frozen=True)
class Pair:
    """A photo, and the painting in whose manner it is rendered.

    Attributes
    ----------
    photo, painting : Path
        The files, which may be missing or damaged.
    """

    photo: Path
    painting: Path

    def __str__(self) -> str:
        return f"{self.photo.name} x {self.painting.name}"


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures in a folder, in the order of their names. Hidden files are none.

    Raises
    ------
    ImageError
        There are none, or it cannot be read.
    """
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise ImageError(f"The folder '{folder}' cannot be read: {error.strerror}.") from error
    found = [folder / name for name in names if _is_picture(name)]
    if not found:
        raise ImageError(f"The folder '{folder}' has no pictures in it. Name another, or a file.")
    return found


def find_pictures(named: Sequence[Path], output: Path) -> list[Path]:
    """Return the pictures that files, folders and patterns mean, each once.

    Parameters
    ----------
    named : sequence of Path
        A file need not be there. Of a folder, all pictures in it are meant, but not those in
        folders below; of a pattern such as ``trips/**/*.jpg`` those that it matches.
    output : Path
        The folder for the results, which are not to be taken for pictures the next time.

    Raises
    ------
    ImageError
        A folder has no pictures, or a pattern matches none.
    OptionError
        A folder or a pattern has pictures in the folder for the results.
    """
    found: dict[Path, None] = {}
    for path in named:
        several = _meant(path)
        if several != [path]:
            _check_apart(path, several, output)
        found |= dict.fromkeys(several)
    return list(found)


def every_pair(photos: Iterable[Path], paintings: Sequence[Path]) -> list[Pair]:
    """Return each photo with each painting."""
    return [Pair(*pair) for pair in product(photos, paintings)]


def read_pairs(file: Path) -> list[Pair]:
    """Return the pairs in a CSV file: a photo and a painting a line, with or without a heading.

    Raises
    ------
    OptionError
        The file cannot be read, or a line has not these two.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            return _pairs_of(file, lines)
    except (OSError, UnicodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or error
        raise OptionError(
            f"The list '{file}' cannot be read: {why}. It must be text in UTF-8, with a photo and "
            "a painting a line: photo.jpg,painting.jpg."
        ) from error


def in_order(pairs: Iterable[Pair]) -> list[Pair]:
    """Return pairs, each once, in the order in which least is loaded anew from one to the next.

    Graphs are loaded for a size, so photos of the same proportions follow each other. All paintings
    of a photo follow each other, too. Photos that cannot be opened are last.
    """
    known: dict[Path, tuple[bool, float]] = {}

    def place(pair: Pair) -> tuple[bool, float, Path]:
        if pair.photo not in known:
            known[pair.photo] = _proportions(pair.photo)
        return *known[pair.photo], pair.photo

    return sorted(dict.fromkeys(pairs), key=place)


def part_of(pairs: Sequence[Pair], number: int, count: int) -> list[Pair]:
    """Return one of so many parts of equal length, counted from 1: neighbours stay together."""
    ends = [len(pairs) * each // count for each in (number - 1, number)]
    return list(pairs[slice(*ends)])


def parse_shard(text: str) -> tuple[int, int]:
    """Return which part of how many is meant by ``I/N``, from 1 to N.

    Raises
    ------
    OptionError
        That is no such part.
    """
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text.strip(), re.ASCII)
    number, count = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= count:
        raise OptionError(f"--shard is '{text}'; write which part of how many: 1/8 to 8/8.")
    return number, count


def _meant(path: Path) -> list[Path]:
    """Return the pictures that a path means; a file may have a name like a pattern."""
    if os.path.isdir(path):
        return pictures_in(path)
    if os.path.lexists(path) or not has_magic(str(path)):
        return [path]
    names = sorted(glob(str(path), recursive=True))
    found = [Path(name) for name in names if _is_picture(os.path.basename(name))]
    if not found:
        raise ImageError(f"There is no picture '{path}', and no picture matches that pattern.")
    return found


def _check_apart(named: Path, pictures: Iterable[Path], output: Path) -> None:
    place = os.path.realpath(output)
    if any(os.path.realpath(folder) == place for folder in {each.parent for each in pictures}):
        raise OptionError(
            f"'{named}' has pictures in '{output}', where the results go: they would be taken for "
            "pictures the next time. Name another folder with -o."
        )


def _is_picture(name: str) -> bool:
    return name.lower().endswith(ENDINGS) and name[:1] != "."


def _pairs_of(file: Path, lines: Iterable[str]) -> list[Pair]:
    found = []
    rows = csv.reader(lines, skipinitialspace=True, strict=True)
    for row in rows:
        fields = [field.strip() for field in row]
        if not any(fields) or (rows.line_num == 1 and _is_heading(fields)):
            continue
        if len(fields) != 2 or not all(fields):
            raise OptionError(
                f"Line {rows.line_num} of '{file}' is '{','.join(fields)[:LONGEST]}'; write a "
                'photo and a painting: photo.jpg,painting.jpg. A name with a comma needs "quotes".'
            )
        found.append(Pair(*map(Path, fields)))
    if not found:
        raise OptionError(f"The list '{file}' is empty. Write a photo and a painting a line.")
    return found


def _is_heading(fields: list[str]) -> bool:
    return [field.lower() for field in fields] == ["photo", "painting"]


def _proportions(photo: Path) -> tuple[bool, float]:
    """Return whether a photo cannot be opened, and how many times wider it is than high."""
    from stylize.runtime.pictures.reading import open_picture

    try:
        width, height = open_picture(photo).size
    except ImageError:
        return True, 0.0
    return False, width / height
