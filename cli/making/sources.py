"""Where the pictures lie that a result was made of. It may be a stranger's, and name any path."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from stylize.cli.making.paths import lies_in
from stylize.models.errors import ImageError, OptionError

if TYPE_CHECKING:
    from stylize.runtime.plans.recipe import Source


def find_source(
    source: "Source | None", moved: Path | None, picture: Path, option: str
) -> Path | None:
    """Return where a picture that was read lies: where the user says, or near the result.

    Raises
    ------
    ImageError
        It is nowhere, or another picture is there.
    OptionError
        No such picture was used.
    """
    from stylize.runtime.plans.recipe import digest

    if source is None and moved:
        raise OptionError(f"'{picture}' was made without such a file. Leave {option} out.")
    if source is None:
        return None
    places = [moved] if moved else list(_places(source.path, picture))
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
    raise ImageError(
        f"There is no '{moved or source.path}'{looked}. Say where it lies now with {option}."
    )


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
