"""Where the pictures lie that a result was made of. It may be a stranger's, and name any path."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stylize.cli.making.paths import lies_in
from stylize.models.errors import ImageError, OptionError

if TYPE_CHECKING:
    from stylize.runtime.plans.recipe import Source


def find_sources(
    sources: "Sequence[Source]", moved: Sequence[Path], picture: Path, option: str
) -> list[Path]:
    """Return where pictures that were read lie: where the user says, or near the result.

    Parameters
    ----------
    sources : sequence of Source
        The pictures, which are known by their checksums.
    moved : sequence of Path
        Where some of them, or all, lie now, in any order.
    picture : Path
        The result.
    option : str
        What says where they lie.

    Raises
    ------
    ImageError
        One is nowhere, or another picture is there.
    OptionError
        More were moved than were used.
    """
    if not sources and moved:
        raise OptionError(f"'{picture}' was made without such a file. Leave {option} out.")
    if len(moved) > len(sources):
        raise OptionError(
            f"'{picture}' was made of {len(sources)} such files, and {option} is given "
            f"{len(moved)} times."
        )
    if len(moved) == len(sources):
        return [_find(source, moved, picture, option) for source in sources]
    from stylize.runtime.plans.recipe import digest

    known = {digest(place): place for place in moved}
    stray = [str(known[each]) for each in known.keys() - {source.sha256 for source in sources}]
    if stray:
        raise ImageError(f"'{stray[0]}' is none of the pictures that were used.")
    return [known.get(source.sha256) or _find(source, (), picture, option) for source in sources]


def _find(source: "Source", moved: Sequence[Path], picture: Path, option: str) -> Path:
    from stylize.runtime.plans.recipe import digest

    places = list(moved or _places(source.path, picture))
    there = [place for place in places if os.path.isfile(place)]
    for place in there:
        if digest(place) == source.sha256:
            return place
    if there:
        raise ImageError(
            f"'{there[0]}' is not the picture that was used: its sha256 is not {source.sha256}. "
            f"Say where that one lies now with {option}."
        )
    looked = "" if moved else f", neither here nor near '{picture}'"
    missing = moved[0] if moved else source.path
    raise ImageError(f"There is no '{missing}'{looked}. Say where it lies now with {option}.")


def _places(called: str, picture: Path) -> Iterator[Path]:
    """Yield where a picture may lie that a result names: here, beside the result, or above it.

    The result may be a stranger's. So of a path that is absolute, or leads out of a folder, only
    the file's name is taken; and a link that leads out of the folder is not followed.
    """
    from stylize.runtime.plans.recipe import name_of_file

    parts = re.split(r"[/\\]" if os.name == "nt" else "/", called)
    within = not called.startswith("/") and ".." not in parts and ":" not in parts[0]
    told = [called, parts[-1]] if within else [parts[-1]]
    names = dict.fromkeys([*told, *map(name_of_file, told)])
    for folder in (Path(), picture.parent, picture.parent / ".."):
        for name in filter(None, names):
            if lies_in(folder, folder / name):
                yield folder / name
